"""Where things are in a recording, and how one observation becomes one line of events.jsonl.

The format, version 1: events.jsonl starts with a header line `{"recording": 1, "started": ...}`;
every other line is `{"type": ..., <the fields of the noun>}`. Console bytes are not in it: a
`serial` line says that `length` bytes from `start` of serial.log had arrived by `t_s`. Refuses
to know what any observation means.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import codec
from lab.errors import ArtefactError
from lab.log import redact
from lab.model import (
    Capture,
    CommandRun,
    Expectation,
    FaultMark,
    Figure,
    Frame,
    Heartbeat,
    LoadMark,
    MachineEvent,
    MachineSample,
    Observation,
    Proof,
    Sample,
    SerialChunk,
    Step,
)

VERSION = 1
EVENTS = "events.jsonl"
SERIAL = "serial.log"
FRAMES = "frames"
ATTEMPT = "attempt.json"
CLOSED = "closed.json"

COMMAND_CAP = 64 * 1024
"""Characters kept of each of a command's two streams: the first and the last half."""

TYPES: Mapping[str, type[Observation]] = {
    "serial": SerialChunk,
    "event": MachineEvent,
    "heartbeat": Heartbeat,
    "frame": Frame,
    "expectation": Expectation,
    "step": Step,
    "command": CommandRun,
    "proof": Proof,
    "sample": MachineSample,
    "capture": Capture,
    "fault": FaultMark,
    "load": LoadMark,
    "resources": Sample,
    "figure": Figure,
}
NAMES: Mapping[type[Observation], str] = {kind: name for name, kind in TYPES.items()}


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of the recording in `directory`; they need not exist yet."""

    directory: Path

    @property
    def events(self) -> Path:
        return self.directory / EVENTS

    @property
    def serial(self) -> Path:
        return self.directory / SERIAL

    @property
    def frames(self) -> Path:
        return self.directory / FRAMES

    @property
    def attempt(self) -> Path:
        return self.directory / ATTEMPT

    @property
    def closed(self) -> Path:
        return self.directory / CLOSED


def header_line(started: str) -> bytes:
    """The first line of events.jsonl; `started` is wall time."""
    return _line({"recording": VERSION, "started": started})


def reopened_line(at: str) -> bytes:
    """Says that what is before it was left by a process that died; a broken line there is no loss."""
    return _line({"reopened": at})


def to_line(observation: Observation) -> bytes:
    """One observation as one line, newline included, without secrets and without console bytes."""
    raw: dict[str, Any] = {"type": NAMES[type(observation)]}
    if isinstance(observation, SerialChunk):
        raw |= {"t_s": observation.t_s, "start": observation.start, "length": len(observation.data)}
        return _line(raw)
    for spec in dataclasses.fields(observation):
        value = _clean(getattr(observation, spec.name))
        if spec.name in ("stdout", "stderr"):
            value = cap(value)
        raw[spec.name] = value
    return _line(raw)


def from_raw(raw: Mapping[str, Any]) -> Observation:
    """The observation of a parsed line (any type but `serial`, whose bytes are elsewhere).

    :raise ArtefactError: `type` is unknown.
    :raise pydantic.ValidationError: the fields are not those of the type.
    """
    kind = TYPES.get(str(raw.get("type")))
    if kind is None or kind is SerialChunk:
        raise ArtefactError(
            f"unknown observation type {raw.get('type')!r} (wanted one of {', '.join(TYPES)})"
        )
    return codec.from_dict(kind, {key: value for key, value in raw.items() if key != "type"})


def cap(text: str, limit: int = COMMAND_CAP) -> str:
    """`text`, or its first and last half of `limit` characters with a note on what is left out."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"


def _clean(value: object) -> Any:
    """JSON types only, secrets masked, every text valid UTF-8."""
    match value:
        case bool() | int() | float() | None:
            return value
        case str():
            return redact(value).encode("utf-8", "replace").decode("utf-8")
        case bytes():
            return _clean(value.decode("utf-8", "replace"))
        case Mapping():
            return {str(key): _clean(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _clean(dataclasses.asdict(value))
    return _clean(str(value))


def _line(raw: Mapping[str, Any]) -> bytes:
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"
