"""The exhibit of a failure: of all the attempts that show a bug, the best one, with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from lab.model import Arm, AttemptRecord, Finding, FindingKind, Frame, Screen
from lab.recording.look import remembered
from lab.report import console, story
from lab.report.shape_failures import EvidenceFile, Exhibit, Picture
from lab.report.wording import SCREEN_WORD

MOST_PICTURES = 6
PICTURES_BEFORE = 2


def choose(attempts: Iterable[tuple[AttemptRecord, Finding]]) -> tuple[AttemptRecord, Finding] | None:
    """The attempt to show: candidate, closed properly, console evidence, longest boot loop, most channels."""

    def worth(shown: tuple[AttemptRecord, Finding]) -> tuple[bool, bool, bool, int, int]:
        record, finding = shown
        resets = max(
            (item.count for item in record.findings if item.kind is FindingKind.BOOT_LOOP), default=0
        )
        return (
            record.cell.arm is Arm.CANDIDATE,
            record.complete,
            console.evidence_on_console(finding.evidence) is not None,
            resets,
            len(finding.channels),
        )

    return max(attempts, key=worth, default=None)


def build(record: AttemptRecord, finding: Finding, run_dir: Path | None) -> Exhibit:
    """Everything that a reader needs to believe `finding`, from the recording of `record`."""
    seen = record.observations
    serial = console.Console(run_dir / record.path if run_dir else None, seen)
    ref = console.evidence_on_console(finding.evidence)
    boots = story.boots(seen, record.findings, story.expected_boots(record.facts))
    return Exhibit(
        cell=record.cell.id,
        attempt=record.attempt,
        path=record.path,
        t_s=finding.t_s,
        after_update_s=story.after_update(seen, finding.t_s),
        excerpt=console.around(serial, f"{record.path}/{console.SERIAL}", ref, finding.t_s),
        filmstrip=filmstrip(record, finding.t_s, run_dir),
        boots=boots,
        marks=story.marks(seen, record.findings),
        end_s=max((boot.end_s for boot in boots), default=finding.t_s),
        sightings=story.sightings(finding, seen, serial),
        story=story.story(seen, record.findings, finding.t_s),
        evidence=tuple(
            EvidenceFile(path=f"{record.path}/{ref.path}", start=ref.start, end=ref.end, sha256=ref.sha256)
            for ref in finding.evidence
        ),
    )


def filmstrip(record: AttemptRecord, t_s: float, run_dir: Path | None = None) -> tuple[Picture, ...]:
    """At most six different frames: the last before `t_s`, the first after it, then spread to the end.

    :param run_dir: where the pictures are; without it nobody says what they show.
    """
    frames = [item for item in record.observations if isinstance(item, Frame)]
    before = _different([frame for frame in frames if frame.t_s < t_s])[-PICTURES_BEFORE:]
    after = _different([frame for frame in frames if frame.t_s >= t_s])
    after = _spread(after, MOST_PICTURES - len(before))
    shown = [(frame, "before") for frame in before]
    shown += [(frame, "after" if at else "first-after") for at, frame in enumerate(after)]
    look = remembered(run_dir / record.path) if run_dir else None
    return tuple(
        Picture(
            path=f"{record.path}/{frame.path}",
            t_s=frame.t_s,
            when=when,
            width=frame.width,
            height=frame.height,
            shows=screen_words(look(frame) if look else None),
        )
        for frame, when in shown
    )


def screen_words(screen: Screen | None) -> str:
    """`stop screen: CRITICAL_PROCESS_DIED, 40 %`; "" when nobody looked."""
    if screen is None:
        return ""
    told = [screen.name or (f"0x{screen.code:X}" if screen.code is not None else ""), screen.module]
    told += [f"{screen.progress} %"] if screen.progress is not None else []
    more = ", ".join(part for part in told if part)
    word = SCREEN_WORD[screen.kind]
    return f"{word}: {more}" if more else word


def _different(frames: Sequence[Frame]) -> list[Frame]:
    """Without frames that show what the one before showed."""
    return [
        frame
        for at, frame in enumerate(frames)
        if at == 0 or not frame.sha256 or frame.sha256 != frames[at - 1].sha256
    ]


def _spread(frames: list[Frame], most: int) -> list[Frame]:
    """`most` of the frames, evenly, with the first and the last."""
    if len(frames) <= most:
        return frames
    return [frames[round(at * (len(frames) - 1) / (most - 1))] for at in range(most)]
