"""The shape of what was measured and done on purpose: part of report.json, see shape.py.

Times `*_s` are seconds from the start of the attempt. Comparisons themselves are `lab.model.Comparison`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """One boot of the guest: `ready_s` is when a channel first answered, or None."""

    number: int
    start_s: float
    ready_s: float | None
    crash_s: float | None
    """When the crash that ended it was first seen."""
    end_s: float
    end: str
    """`requested-reboot`, `unexpected-reset`, `crash`, `shutdown`, `destroyed`, `gone` or `open`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A point on the boots timeline: a finding, or the start of an update."""

    t_s: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredScenario:
    """One scenario of the checkout and what became of it on the candidate.

    `state`: `proven` (every cell passed), `failed`, `unproven` (it ran without proof), `not-run` (planned
    only), `not-planned`.
    """

    name: str
    summary: str
    state: str
    cells: int
    """Candidate cells that were planned."""
    passed: int
    images: int
    """OS builds on which it passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredLevel:
    """One of the five levels; empty where the checkout has no scenario for it."""

    level: str
    scenarios: tuple[CoveredScenario, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredFault:
    """One kind of fault: how often its effect was shown, on either arm."""

    fault: str
    injections: int
    proven: int
    """Injections with an effect that was seen. Without one, what was seen under it proves nothing."""
    failed: int
    """Could not be injected, showed no effect, or could not be undone."""
    left: int
    """Injected, proven or not, and neither undone nor failed when the recording ended."""
    cells: int
    images: tuple[str, ...]
    scenarios: tuple[str, ...]
    problem: str
    """Why the first of the failed ones failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredLoad:
    """One workload: how often it ran to its end, on either arm."""

    workload: str
    runs: int
    ended: int
    errors: int
    cells: int
    images: tuple[str, ...]
    hardest: float
    """The highest intensity; 1 is all that the guest has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutStep:
    """One step of an operation that was cut short, and how many of the cuts in it were not survived."""

    step: str
    cuts: int
    unsafe: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CutSweep:
    """Power cuts over the whole of an operation, in one attempt."""

    cell: str
    attempt: int
    arm: str
    planned: int
    """Points that were to be cut at; fewer cuts mean that the sweep was not finished."""
    steps: tuple[CutStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was tested at which level, under which faults and loads, and what was not."""

    levels: tuple[CoveredLevel, ...]
    faults: tuple[CoveredFault, ...]
    untried: tuple[str, ...]
    """Kinds of fault that the lab knows and no cell was put under; () too where run.json does not tell."""
    loads: tuple[CoveredLoad, ...]
    cuts: tuple[CutSweep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpan:
    """One injection on the time line; None where it did not come so far."""

    fault: str
    parameters: str
    planned_s: float | None
    injected_s: float | None
    proven_s: float | None
    undone_s: float | None
    failed_s: float | None
    evidence: str
    """What shows the effect, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From one moment to another: a load, or a silence."""

    what: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What was done to one guest, beside what it did."""

    cell: str
    attempt: int
    path: str
    outcome: str
    end_s: float
    faults: tuple[FaultSpan, ...]
    loads: tuple[Stretch, ...]
    silences: tuple[Stretch, ...]
    """From the last answer on any channel to the next, or to the end."""
    boots: tuple[Boot, ...]
    marks: tuple[Mark, ...]
