"""What runs of both arms gave, pair by pair, ready to be compared. Values only, no statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.verdict.compare.series import Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One number of one run."""

    value: float
    unit: str = ""
    better: str = "lower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Growing:
    """One value of one run over time."""

    series: Series
    unit: str = ""
    better: str = "lower"
    limit: float | None = None
    """Where what it measures is used up with this run's guest, as far as the lab knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One cell, as far as comparisons need it."""

    failed: bool | None
    """None: it proves nothing in either direction (a fault of the lab, not exercised, skipped)."""
    figures: Mapping[str, Measured] = field(default_factory=dict)
    """Only of a run that passed: a run that broke off measures something else."""
    growing: Mapping[str, Growing] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairResult:
    """The twins: same image, profile, scenario, seed and repetition, one of each arm."""

    seed: int
    repetition: int
    baseline: RunResult
    candidate: RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceResults:
    """All pairs of one image, profile and scenario, in the order in which they were run."""

    image: str
    profile: str
    scenario: str
    version: str = ""
    """The candidate's, where the run has several."""
    pairs: tuple[PairResult, ...] = ()
