"""One file, examined by the detectors that see guests: what happened to the machine it came from.

Refuses to print and to score.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from lab.clock import Stopwatch
from lab.detect import Detectors
from lab.detect.dumps import Dump, DumpError, read_dump
from lab.detect.logs import log_verdict
from lab.detect.screens import DamagedPicture, classify
from lab.detect.screenwatch import screen_finding
from lab.errors import ArtefactError
from lab.examining.subjects import Source, Subject, as_text, identify, opened
from lab.model import DetectSettings, Finding, Screen, ScreenVerdict, SerialChunk
from lab.recording import reader
from lab.recording.look import looker

PIECE = 1 << 20
"""Bytes fed at a time."""


class Outcome(StrEnum):
    """What a file says of the machine that it came from."""

    CRASH = "crash"
    BOOT_LOOP = "boot-loop"
    HANG = "hang"
    BOOT_FAILURE = "boot-failure"
    RECOVERY = "recovery"
    """It waits for somebody in a recovery screen."""
    WARNING = "warning"
    HEALTHY = "healthy"
    """Nothing was found; for a dump, it is none of a kernel that crashed."""

    @property
    def fatal(self) -> bool:
        """Whether the machine was out of service."""
        return self not in (Outcome.WARNING, Outcome.HEALTHY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What was found in one source."""

    name: str
    subject: Subject
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    """By place in a log, by time in a recording."""
    suppressed: tuple[Finding, ...] = ()
    boots: int = 0
    """Starts of an operating system that a log or recording shows."""
    screen: Screen | None = None
    dump: Dump | None = None
    note: str = ""
    """Why a dump or a picture is no sign of a crash, where that needs saying."""
    seconds: float = 0.0


def examine(source: Source) -> Examined:
    """Find out what happened.

    :raise ArtefactError: it cannot be read, or is nothing that can be examined.
    """
    watch = Stopwatch()
    if source.subject is Subject.RECORDING and source.path is not None:
        return replace(_recording(source.name, source.path), seconds=watch.t_s)
    with opened(source) as data:
        try:
            subject = source.subject or identify(data)
            found = EXAMINERS[subject](source.name, data)
        except ArtefactError as error:
            if error.message.startswith(source.name):
                raise
            raise ArtefactError(f"{source.name}: {error.message}", hint=error.hint) from error
    return replace(found, seconds=watch.t_s)


def _log(name: str, data: memoryview) -> Examined:
    text = as_text(data)
    detectors = Detectors(DetectSettings())
    with text if text is not data else nullcontext():
        for start in range(0, len(text), PIECE):
            detectors.feed(SerialChunk(t_s=0.0, start=start, data=bytes(text[start : start + PIECE])))
    detectors.finish(0.0)
    verdict = log_verdict(detectors.findings, detectors.boots)
    return Examined(
        name=name,
        subject=Subject.LOG,
        outcome=Outcome(verdict),
        findings=tuple(sorted(detectors.findings, key=_place)),
        suppressed=tuple(sorted(detectors.suppressed, key=_place)),
        boots=detectors.boots.count,
    )


def _place(finding: Finding) -> int:
    return finding.evidence[0].start if finding.evidence else 1 << 62


def _screen(name: str, data: memoryview) -> Examined:
    try:
        screen = classify(bytes(data))
    except DamagedPicture as error:
        raise ArtefactError(f"{name}: {error}", hint="save the picture again, as PNG if possible") from error
    finding = screen_finding(screen, t_s=0.0, path=name)
    outcomes = {
        ScreenVerdict.CRASH: Outcome.CRASH,
        ScreenVerdict.RECOVERY: Outcome.RECOVERY,
        ScreenVerdict.HEALTHY: Outcome.HEALTHY,
    }
    return Examined(
        name=name,
        subject=Subject.SCREEN,
        outcome=outcomes[screen.verdict],
        findings=(finding,) if finding else (),
        screen=screen,
        note=screen.reason,
    )


def _dump(name: str, data: memoryview) -> Examined:
    try:
        dump = read_dump(data)
    except DumpError as error:
        return Examined(
            name=name, subject=Subject.DUMP, outcome=Outcome.HEALTHY, note=f"no kernel crash: {error}"
        )
    finding = dump.finding()
    return Examined(
        name=name,
        subject=Subject.DUMP,
        outcome=Outcome.CRASH if finding else Outcome.HEALTHY,
        findings=(finding,) if finding else (),
        dump=dump,
        note="" if finding else dump.reason,
    )


def _recording(name: str, directory: Path) -> Examined:
    """An attempt's recording, judged as `lab judge` would, without its twin."""
    recorded = reader.read(directory)
    detectors = Detectors(DetectSettings(), look=looker(directory))
    last = 0.0
    for seen in recorded.observations:
        detectors.feed(seen)
        last = max(last, seen.t_s)
    detectors.finish(last)
    fatal = any(finding.fatal for finding in detectors.findings)
    verdict = Outcome(log_verdict(detectors.findings, detectors.boots)) if fatal else None
    quiet = Outcome.WARNING if detectors.findings else Outcome.HEALTHY
    return Examined(
        name=name,
        subject=Subject.RECORDING,
        outcome=verdict or quiet,
        findings=detectors.findings,
        suppressed=detectors.suppressed,
        boots=detectors.boots.count,
        note="; ".join(recorded.problems),
    )


EXAMINERS: dict[Subject, Callable[[str, memoryview], Examined]] = {
    Subject.LOG: _log,
    Subject.SCREEN: _screen,
    Subject.DUMP: _dump,
}
