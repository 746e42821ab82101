"""What is judged: outcomes, blame, verdicts, and the gate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lab.model.found import Finding
from lab.model.planned import Cell
from lab.model.recorded import Observation


class Outcome(StrEnum):
    """Verdict of a cell or a run, worst first."""

    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NOT_EXERCISED = "not-exercised"
    FLAKY = "flaky"
    KNOWN_ISSUE = "known-issue"
    SKIPPED = "skipped"
    PASSED = "passed"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Outcome).index(self)

    @staticmethod
    def worst(outcomes: Iterable[Outcome]) -> Outcome:
        """The worst of them; INCONCLUSIVE when there is none, since nothing was proven."""
        return min(outcomes, key=lambda outcome: outcome.rank, default=Outcome.INCONCLUSIVE)


class Blame(StrEnum):
    """Whose fault it is, and so who must act."""

    CANDIDATE = "candidate"
    BASELINE = "baseline"
    IMAGE = "image"
    SCENARIO = "scenario"
    LAB = "lab"
    UNKNOWN = "unknown"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIssue:
    """A bug that is accepted until a date: matched by title, never by test name."""

    title: str
    """Glob over the finding's title and alternative titles."""
    images: str = "*"
    until: str
    """ISO date; after it the issue no longer excuses anything."""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """What turns verdicts into an exit code."""

    min_cells: int = 1
    """Fewer PASSED candidate cells than this is never a ship."""
    allow_flaky: bool = False
    allow_inconclusive: int = 0
    """So many INCONCLUSIVE candidate cells are tolerated."""
    allow_unrunnable: bool = True
    """Planned cells that cannot run on the hosts at hand do not close the gate (they are listed)."""
    require_baseline: bool = True
    """The baseline twin of every candidate cell must have passed, or the comparison is void."""
    require_comparison: bool = False
    """A comparison of the arms without an answer is no ship; otherwise it is a remark."""
    known_issues: tuple[KnownIssue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One execution of a cell as read back from disk, ready to be judged."""

    cell: Cell
    attempt: int
    path: str
    """Directory of the recording, relative to the run."""
    observations: Sequence[Observation]
    findings: tuple[Finding, ...]
    complete: bool
    """Whether the cell process closed the recording itself (false after a kill)."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """attempt.json: image digest, artefact digests, host, accelerator, factor, versions."""
    boots: int = 0
    """As `detect.boots.count` counted them, like `unexpected_resets`."""
    unexpected_resets: int = 0
    suppressed: tuple[Finding, ...] = ()
    """Noise and text about crashes elsewhere, each with its reason: reported apart, never judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellVerdict:
    """Outcome of one cell over all its attempts."""

    cell: Cell
    outcome: Outcome
    blame: Blame
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    attempts: tuple[str, ...] = ()
    """Recording directories, relative to the run."""
    boots: int = 0
    unexpected_resets: int = 0
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """May we ship?"""

    ship: bool
    exit_code: int
    """0 ship, 1 do not ship, 4 nothing proven or lab fault."""
    sentence: str
    reasons: tuple[str, ...] = ()
