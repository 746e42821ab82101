"""Which comparisons a run has: each figure of each place, and of each scenario over all places.

A ratio within a pair says the same on every image, so what is too small to show on one OS build may show
over all of them. Refuses to read recordings (reading.py) and to say what all of them mean (correction.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from lab.model import Comparison, TestPlan
from lab.verdict.compare.results import Growing, Measured, PairResult, PlaceResults, RunResult

EVERYWHERE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One comparison that is to be made."""

    kind: str
    name: str
    image: str
    profile: str
    scenario: str
    version: str
    pairs: tuple[PairResult, ...]
    places: int = 1
    """So many places have their pairs here."""

    def done(self, plan: TestPlan) -> Comparison:
        """Made. The plan's budget is one place's."""
        if plan.most and self.places > 1:
            plan = replace(plan, most=plan.most * self.places)
        match self.kind:
            case "crashes":
                made = _crashes(self.pairs, plan)
            case "figure":
                made = _figure(self.name, self.pairs, plan)
            case _:
                made = _slope(self.name, self.pairs, plan)
        return replace(
            made, image=self.image, profile=self.profile, scenario=self.scenario, version=self.version
        )


def tasks(places: Sequence[PlaceResults]) -> list[Task]:
    """Every comparison of these places, and of the scenarios that several of them share."""
    made = [task for place in places for task in place_tasks(place)]
    for scenario, version in dict.fromkeys((place.scenario, place.version) for place in places):
        own = [place for place in places if (place.scenario, place.version) == (scenario, version)]
        own = [place for place in own if place.pairs]
        if len(own) > 1:
            made += _everywhere(scenario, version, own)
    return made


def place_tasks(place: PlaceResults) -> list[Task]:
    """The failure rate, every figure and every slope of one place. Nothing without a pair."""
    growing = _names(place.pairs, lambda run: run.growing)
    return [
        Task(
            kind=kind,
            name=name,
            image=place.image,
            profile=place.profile,
            scenario=place.scenario,
            version=place.version,
            pairs=place.pairs,
        )
        for kind, name in [*_named(place.pairs), *(("slope", name) for name in growing)]
    ]


def _everywhere(scenario: str, version: str, places: Sequence[PlaceResults]) -> list[Task]:
    """Pairs in rounds: the first of every place, then the second, as they are run."""
    pairs = [pair for place in places for pair in place.pairs]
    pairs.sort(key=lambda pair: (pair.repetition, pair.seed))
    return [
        Task(
            kind=kind,
            name=name,
            image=EVERYWHERE,
            profile=EVERYWHERE,
            scenario=scenario,
            version=version,
            pairs=tuple(pairs),
            places=len(places),
        )
        for kind, name in _named(pairs)
    ]


def _named(pairs: Sequence[PairResult]) -> list[tuple[str, str]]:
    if not pairs:
        return []
    return [("crashes", "crashes"), *(("figure", name) for name in _names(pairs, lambda run: run.figures))]


def _names(pairs: Iterable[PairResult], of: Callable[[RunResult], Mapping[str, object]]) -> list[str]:
    """Names that either arm has: a figure that only one arm gives is a comparison without pairs."""
    return sorted({name for pair in pairs for run in (pair.baseline, pair.candidate) for name in of(run)})


def _missing(pairs: Iterable[PairResult], name: str, of: Callable[[RunResult], Mapping[str, object]]) -> int:
    """Pairs in which the candidate's run passed, gave other numbers, and not this one, which its twin gave.

    What is not measured may be what went wrong: a load too slow to be timed, a value not told any more.
    """
    return sum(
        name in of(pair.baseline) and name not in of(pair.candidate) and bool(pair.candidate.figures)
        for pair in pairs
    )


def margin_of(name: str, margins: Mapping[str, float]) -> float:
    """The margin of a figure: that of the first pattern that matches; 0.1 where none does."""
    return next((margin for pattern, margin in margins.items() if fnmatchcase(name, pattern)), 0.1)


def _crashes(pairs: Sequence[PairResult], plan: TestPlan) -> Comparison:
    from lab.verdict.compare.rates import crash_rates

    told = [(pair.baseline.failed, pair.candidate.failed) for pair in pairs]
    both = [(b, c) for b, c in told if b is not None and c is not None]
    return crash_rates([b for b, _ in both], [c for _, c in both], plan, lost=len(told) - len(both))


def _figure(name: str, pairs: Sequence[PairResult], plan: TestPlan) -> Comparison:
    from lab.verdict.compare.shifts import figures

    told = [(pair.baseline.figures.get(name), pair.candidate.figures.get(name)) for pair in pairs]
    both = [(b, c) for b, c in told if b is not None and c is not None]
    first: Measured = next(one for pair in told for one in pair if one is not None)
    return figures(
        [b.value for b, _ in both],
        [c.value for _, c in both],
        better=first.better,
        margin=margin_of(name, plan.margins),
        plan=plan,
        name=name,
        unit=first.unit,
        lost=len(told) - len(both),
        missing=_missing(pairs, name, lambda run: run.figures),
    )


def _slope(name: str, pairs: Sequence[PairResult], plan: TestPlan) -> Comparison:
    from lab.verdict.compare.growth import slopes

    told = [(pair.baseline.growing.get(name), pair.candidate.growing.get(name)) for pair in pairs]
    both = [(b, c) for b, c in told if b is not None and c is not None]
    first: Growing = next(one for pair in told for one in pair if one is not None)
    made = slopes(
        [b.series for b, _ in both],
        [c.series for _, c in both],
        plan=replace(plan, look=max(plan.look, len(pairs))),
        better=first.better,
        name=name,
        unit=first.unit,
        limit=min((c.limit for _, c in both if c.limit is not None), default=None),
        missing=_missing(pairs, name, lambda run: run.growing),
    )
    return replace(made, lost=made.lost + len(told) - len(both))
