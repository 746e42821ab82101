"""One measured figure: its samples, and its ratio to what was measured beside it. Pure.

A ratio is taken per repetition, of two samples that were measured one after the other, and then the
median of those is shown: what the machine did meanwhile is in both halves. Refuses to run anything.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """`what` names both sides in the order of the division: `cold / clone`."""

    what: str
    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        return spread(self.samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the project asks of a figure, or of its ratio."""

    limit: float
    at_least: bool
    of_ratio: bool = False

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g}{'x' if self.of_ratio else ''}"

    def met_by(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row of the table."""

    name: str
    """What was measured: `clone to first command`."""
    subject: str = ""
    """What it was measured on: `debian-12, 512 MiB`."""
    unit: str
    samples: tuple[float, ...] = ()
    """Empty where it could not be measured; `note` then says why."""
    ratio: Ratio | None = None
    wanted: Wanted | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not self.samples and not self.note:
            raise ValueError(f"figure {self.name!r}: no samples and no reason")

    @property
    def median(self) -> float | None:
        return statistics.median(self.samples) if self.samples else None

    @property
    def spread(self) -> tuple[float, float] | None:
        return spread(self.samples) if self.samples else None

    @property
    def met(self) -> bool | None:
        """Whether it is as wanted; None where nothing is wanted or nothing was measured."""
        if self.wanted is None:
            return None
        if self.wanted.of_ratio:
            return None if self.ratio is None else self.wanted.met_by(self.ratio.median)
        return None if self.median is None else self.wanted.met_by(self.median)

    def beside(self, other: Figure, what: str, wanted: Wanted | None = None) -> Figure:
        """This figure with its ratio `other / this`, pair by pair: how many times as much `other` took."""
        return replace(self, ratio=ratio(what, other.samples, self.samples), wanted=wanted or self.wanted)


def spread(samples: Sequence[float]) -> tuple[float, float]:
    """The middle half of the samples; all of them where there are fewer than four."""
    if len(samples) < 4:
        return min(samples), max(samples)
    low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
    return low, high


def ratio(what: str, above: Sequence[float], below: Sequence[float]) -> Ratio | None:
    """`above / below`, sample by sample where they were taken in pairs, else of the medians.

    None where a side was not measured or is zero.
    """
    if not above or not below:
        return None
    if len(above) == len(below):
        pairs = list(zip(above, below, strict=True))
    else:
        pairs = [(statistics.median(above), statistics.median(below))]
    if any(low == 0 for _, low in pairs):
        return None
    return Ratio(what=what, samples=tuple(high / low for high, low in pairs))


def missing(name: str, unit: str, why: str, *, subject: str = "") -> Figure:
    """A figure that could not be had; the table says why."""
    return Figure(name=name, subject=subject, unit=unit, note=why)


def interleaved(variants: Mapping[str, Callable[[], float]], times: int) -> dict[str, tuple[float, ...]]:
    """Measure each variant `times` times, in turns, beginning with another one each time.

    A variant that fails ends the measuring: half a comparison is none.
    """
    taken: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    for turn in range(times):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            taken[name].append(variants[name]())
    return {name: tuple(samples) for name, samples in taken.items()}
