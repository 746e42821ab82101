"""A value over time in one run, as slopes are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """One run's samples of one value, in order of time."""

    hours: Sequence[float]
    """Of the guest's own clock: under time-warp it runs ahead of ours."""
    values: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.hours) != len(self.values):
            raise ValueError(
                f"series: {len(self.hours)} times and {len(self.values)} values (wanted as many)"
            )
