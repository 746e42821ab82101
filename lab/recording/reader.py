"""Reading a recording back, as much of it as there is. Refuses to judge it.

What a killed process leaves (no closed.json, a torn last line, console bytes that no line
speaks of) is read without complaint; any other damage is a `problem` and the rest is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lab.errors import ArtefactError, LabError
from lab.model import Observation, SerialChunk
from lab.recording.layout import VERSION, Layout, from_raw
from lab.recording.seal import broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A recording as read back."""

    observations: tuple[Observation, ...]
    complete: bool
    """Whether the cell process closed it itself."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """attempt.json."""
    closed: Mapping[str, Any] = field(default_factory=dict)
    """closed.json: t_s, scenario, detail; empty when there is none."""
    problems: tuple[str, ...] = ()
    """What could not be read, one sentence each; empty for a sound recording."""


def read(directory: Path) -> Recorded:
    """Read the recording in `directory`.

    Console chunks get their bytes from serial.log and are contiguous: bytes between two marks
    belong to the later one, bytes after the last mark are one last chunk.

    :raise ArtefactError: there is no recording, or it is of a later version.
    """
    layout, problems = Layout(directory), list[str]()
    # before the events: they may be growing, and what is closed afterwards must not vouch for what was read
    closed = _json(layout.closed, problems)
    try:
        lines = layout.events.read_bytes().split(b"\n")
    except OSError as error:
        raise ArtefactError(
            f"{layout.events}: no recording ({error.strerror})", hint="lab report lists the runs"
        ) from error
    serial = _Serial(_bytes(layout.serial, problems))
    observations = _observations(lines, serial, problems)
    facts = _json(layout.attempt, problems)
    if "sealed" in closed:  # recordings of earlier labs have no seal
        problems += broken(directory, closed["sealed"])
    last = max([_time(closed.get("t_s"), problems), *(seen.t_s for seen in observations)])
    observations += serial.rest(last, problems)
    return Recorded(
        observations=tuple(observations),
        complete=bool(closed),
        facts=facts,
        closed=closed,
        problems=tuple(problems),
    )


class _Serial:
    """serial.log, handed out in order."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._marked = 0

    def chunk(self, raw: Mapping[str, Any]) -> SerialChunk | None:
        start, end = self._position, int(raw["start"]) + int(raw["length"])
        self._marked = max(self._marked, end)
        self._position = max(start, min(end, len(self._data)))
        if self._position == start:
            return None
        return SerialChunk(t_s=float(raw["t_s"]), start=start, data=self._data[start : self._position])

    def rest(self, t_s: float, problems: list[str]) -> list[Observation]:
        if self._marked > len(self._data):
            problems.append(f"serial.log: {len(self._data)} bytes (wanted at least {self._marked})")
        data, start = self._data[self._position :], self._position
        return [SerialChunk(t_s=t_s, start=start, data=data)] if data else []


def _observations(lines: list[bytes], serial: _Serial, problems: list[str]) -> list[Observation]:
    """What the lines hold; `lines[-1]` is empty or torn, since every whole line ends in a newline."""
    found: list[Observation] = []
    torn = ""
    for number, line in enumerate(lines[:-1], start=1):
        try:
            raw = _object(line)
            if "reopened" in raw:
                torn = ""  # the torn end of a process that died
                continue
            if "recording" in raw:
                _check_version(raw)
                continue
            seen = _observation(raw, serial)
        except _NewerError:
            raise
        except (
            ValueError,
            TypeError,
            KeyError,
            OverflowError,
            RecursionError,
            ValidationError,
            LabError,
        ) as error:
            problems += [torn] if torn else []
            torn = f"events.jsonl:{number}: {str(error).splitlines()[0]}"
            continue
        if seen is not None:
            found.append(seen)
    problems += [torn] if torn else []
    return found


def _observation(raw: Mapping[str, Any], serial: _Serial) -> Observation | None:
    seen = serial.chunk(raw) if raw.get("type") == "serial" else from_raw(raw)
    if seen is not None and not math.isfinite(seen.t_s):
        raise ValueError(f"t_s is {seen.t_s} (wanted seconds)")
    return seen


def _object(line: bytes) -> dict[str, Any]:
    raw = json.loads(line)
    if not isinstance(raw, dict):
        raise TypeError(f"a {type(raw).__name__} (wanted an object)")
    return raw


class _NewerError(ArtefactError):
    """The recording was written by a later lab."""


def _check_version(raw: Mapping[str, Any]) -> None:
    if raw["recording"] != VERSION:
        raise _NewerError(f"recording has version {raw['recording']!r} (this lab reads {VERSION})")


def _json(path: Path, problems: list[str]) -> Mapping[str, Any]:
    """A JSON object, or nothing where the file is missing; damage is a problem."""
    try:
        raw = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{path.name}: {error}")
        return {}
    if isinstance(raw, dict):
        return raw
    problems.append(f"{path.name}: a {type(raw).__name__} (wanted an object)")
    return {}


def _bytes(path: Path, problems: list[str]) -> bytes:
    """A file's bytes, or none where it is missing; one that cannot be read is a problem."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        problems.append(f"{path.name}: {error.strerror or error}")
        return b""


def _time(told: object, problems: list[str]) -> float:
    if isinstance(told, int | float) and math.isfinite(told):
        return float(told)
    if told is not None:
        problems.append(f"closed.json: t_s is {told!r} (wanted seconds)")
    return 0.0
