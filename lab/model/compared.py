"""What is compared: the plan of a comparison between the arms, and what it came to.

Rates and differences are signed so that a positive effect always means: the candidate is worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

DEFAULT_MARGINS: Mapping[str, float] = {
    "boot_s": 0.10,
    "reboot_s": 0.10,
    "update_s": 0.20,
    "agent_*": 0.05,
    "*latency*": 0.20,
    "*_ms": 0.20,
    "*ops_per_s": 0.10,
    "*": 0.10,
}
"""Figure pattern to the share by which the candidate may be worse; the first that matches counts."""


class Compared(StrEnum):
    """What a comparison of the arms says."""

    REGRESSION = "regression"
    """The candidate is worse by more than is tolerated, at the run's level."""
    NO_WORSE = "no-worse"
    """The candidate is not worse by more than the margin, at the level."""
    NOT_ENOUGH = "not-enough"
    """Neither is shown: more runs would decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPlan:
    """How sure a comparison must be, and what is tolerated."""

    __test__: ClassVar[bool] = False
    """Not a test of pytest's, whatever its name."""

    level: float = 0.05
    """Largest chance of one false REGRESSION in the whole run, and of each false NO_WORSE."""
    power: float = 0.8
    """Chance to decide with the runs that are asked for."""
    sequential: bool = False
    """The arms are looked at after every pair, and may stop: bounds hold at any time, for a few more runs."""
    most: int = 0
    """Pairs per place at which the stop rule gives up; 0: no pairs beyond those planned."""
    family: int = 1
    """Comparisons that are made together: a regression must hold against all of them."""
    look: int = 1
    """The number of this look at slopes, which share the level out over looks."""
    crash_margin: float = 0.2
    """Failures per run more than the released agent's that are ruled out before `no worse` is said. None is
    tolerated: any increase that is shown is a regression."""
    slope_margin: float = 0.01
    """Growth per hour, as share of the released agent's own amount, beyond which a slope is a leak."""
    margins: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_MARGINS))
    """Figure pattern to the share by which the candidate may be worse; the first that matches counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One figure, rate or slope of both arms, compared."""

    kind: str
    """`crashes`, `figure` or `slope`."""
    name: str
    verdict: Compared
    sentence: str
    image: str = "*"
    """`*`: over all images (and profiles) of the scenario."""
    profile: str = "*"
    scenario: str = "*"
    version: str = ""
    """The candidate's, where the run has several."""
    unit: str = ""
    better: str = "lower"
    pairs: int = 0
    """Pairs of runs that the comparison rests on."""
    lost: int = 0
    """Pairs that were run and gave no pair of numbers."""
    missing: int = 0
    """Of these, pairs in which both runs passed and the released agent's alone gave a number."""
    baseline: float | None = None
    """Rate, median or slope (per hour) of the released agent."""
    candidate: float | None = None
    effect: float | None = None
    """`crashes`: more failures per run; `figure`: share by which it is worse; `slope`: more per hour."""
    interval: tuple[float | None, float | None] = (None, None)
    """Of the effect; each end holds at the level; None: no bound."""
    tolerated: float = 0.0
    """An effect proven to be above this is a regression."""
    margin: float = 0.0
    """An effect proven to be below this is no worse."""
    p_value: float = 1.0
    """Of an effect not above `tolerated`, this comparison alone."""
    p_adjusted: float = 1.0
    """The same, corrected for all comparisons of the run (Holm)."""
    more: int | None = 0
    """Pairs that would decide with the plan's power, if the arms are as they look; None: no number would."""
    points: tuple[tuple[float, float], ...] = ()
    """Baseline and candidate of each pair, in order; for a chart."""
    lines: tuple[tuple[str, tuple[tuple[float, float], ...]], ...] = ()
    """Slopes: arm and (hours, value) of each run, thinned; for a chart."""
    bands: tuple[tuple[str, float, float, float], ...] = ()
    """Slopes: arm, its slope per hour, and the slope's bounds, each at the level."""
    exhausted_h: tuple[float | None, float | None] | None = None
    """Slopes: hours until what is left is used up by the candidate (typical; earliest at the level)."""

    @property
    def place(self) -> str:
        """Where, in words."""
        which = f" with {self.version}" if self.version else ""
        if self.image == "*":
            return f"{self.scenario} over all OS builds{which}"
        return f"{self.image} {self.profile} {self.scenario}{which}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether the arms have been run often enough in one place."""

    stop: bool
    reason: str
    more: int | None = 0
    """Pairs that would still be needed; None: not decidable within the budget."""
    comparisons: tuple[Comparison, ...] = ()
