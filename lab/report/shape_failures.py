"""The shape of what went wrong: failures with their evidence, gaps, noise; part of report.json, see shape.py.

Times and paths are as there.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.report.shape_measured import Boot, Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the console, cleaned and redacted; `offset` is its first byte in the file."""

    offset: int
    text: str
    marked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Bytes `start`..`end` of a serial log; `mark_start`..`mark_end` is the evidence (equal: no line is)."""

    path: str
    start: int
    end: int
    mark_start: int
    mark_end: int
    left_out: int
    """Lines of the evidence that are not shown."""
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One frame of the filmstrip; `when` is `before`, `first-after` or `after` the finding."""

    path: str
    t_s: float
    when: str
    width: int
    height: int
    shows: str
    """The kind of screen, and what was read of it; "" where nobody looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Whether a channel saw the finding, and when; `t_s` is None where it did not, or cannot be told."""

    channel: str
    seen: bool
    first: bool
    t_s: float | None
    delay_s: float | None
    """Seconds after the finding's own time."""
    what: str
    """What this channel called it, or why it missed it."""
    blind: bool
    """It could not have seen it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """Something the lab did or read; `kind`: step, command, proof, event, finding or silence."""

    t_s: float
    kind: str
    text: str
    detail: str
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFile:
    """A file to open to check a claim."""

    path: str
    start: int
    end: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """The one attempt that is shown for a failure: the one with the most complete evidence."""

    cell: str
    attempt: int
    path: str
    t_s: float
    after_update_s: float | None
    """Seconds from the start of the last update (or other agent operation) to the finding."""
    excerpt: Excerpt | None
    filmstrip: tuple[Picture, ...]
    boots: tuple[Boot, ...]
    marks: tuple[Mark, ...]
    end_s: float
    sightings: tuple[Sighting, ...]
    story: tuple[StoryLine, ...]
    evidence: tuple[EvidenceFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a stop code, and what it means."""

    value: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultNote:
    """What the fault catalogue knows of a failure."""

    name: str
    code: str
    """`0x7E`, or "" for a fault without one."""
    meaning: str
    cause: str
    """The usual class of cause: driver, memory, disk, ..."""
    parameters: tuple[Parameter, ...]
    checks: tuple[str, ...]
    """First things to check, most useful first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One bug, however many cells it struck: cells whose findings are the same by signature."""

    id: str
    title: str
    alt_titles: tuple[str, ...]
    kind: str
    outcome: str
    blame: str
    module: str
    function: str
    meaning: str
    fault: FaultNote | None
    diagnosis: str
    """Of a guest that fell silent: idle, spinning, busy, blocked-on-io, ..., or ""."""
    since: str
    """What the comparison with the other arm says, one sentence or ""."""
    also: tuple[str, ...]
    """Titles of what followed from it on the same cells."""
    corrupted: str
    reasons: tuple[str, ...]
    share: float
    images: tuple[str, ...]
    scenarios: tuple[str, ...]
    arms: tuple[str, ...]
    cells: tuple[str, ...]
    resets: int
    """Most unexpected resets seen on one cell: the length of the boot loop."""
    boots: int
    looped_cells: int
    repro: str
    exhibit: Exhibit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that was not tested or not proven, and why.

    `kind`: `excluded`, `unrunnable`, `unselected` (never planned to run), `not-run` (planned, no verdict),
    `inconclusive`, `not-exercised`, `skipped` (ran, proved nothing), `decided` (a repetition that was not
    needed any more).
    """

    id: str
    kind: str
    reason: str
    more: tuple[str, ...]
    hint: str
    blame: str
    images: tuple[str, ...]
    scenarios: tuple[str, ...]
    cells: tuple[str, ...]
    excerpt: Excerpt | None
    """What the console of the first of the cells said last, when something ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What looked like a finding and was left out, and why."""

    title: str
    reason: str
    count: int
    cells: tuple[str, ...]
