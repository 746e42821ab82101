"""When the arms have been run often enough: asked after every pair, and again for all places at the end.

Refuses to run anything, and to stop for a crash: whether a crash closes the gate is the gate's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lab.model import Compared, Comparison, Decision, TestPlan
from lab.verdict.compare.correction import corrected, could_be, countable
from lab.verdict.compare.places import place_tasks, tasks
from lab.verdict.compare.results import PlaceResults


def decided(place_results: PlaceResults | Iterable[PlaceResults], plan: TestPlan) -> Decision:
    """Whether one place (or several) needs further pairs.

    Stops when every comparison is decided, when a regression is shown (the answer cannot get better), or when
    `plan.most` pairs have been run. How many more would decide is a guess, and ends nothing. `plan.family`
    must be the number of comparisons of the whole run, so that what is decided here holds among them.
    """
    places = (place_results,) if isinstance(place_results, PlaceResults) else tuple(place_results)
    looked = replace(plan, sequential=True)
    made = tuple(one for place in places for one in (task.done(looked) for task in place_tasks(place)))
    pairs = min((len(place.pairs) for place in places), default=0)
    worse = [one for one in made if one.verdict is Compared.REGRESSION]
    waiting = [one for one in made if one.verdict is Compared.NOT_ENOUGH]
    if worse:
        return Decision(stop=True, reason=f"a regression is shown: {worse[0].sentence}", comparisons=made)
    if made and not waiting:
        return Decision(stop=True, reason=f"{pairs} pairs decided {_count(made)}", comparisons=made)
    wanted = [one.more for one in waiting if one.more is not None]
    more = max(wanted, default=None if waiting else 1)
    left = plan.most - pairs
    if left <= 0:
        reason = (
            f"{pairs} pairs, the most that are allowed: {waiting[0].sentence if waiting else 'no result'}"
        )
        return Decision(stop=True, reason=reason, more=more, comparisons=made)
    reason = f"{_count(waiting)} undecided after {pairs} pairs" if made else "no pair has been run"
    return Decision(stop=False, reason=reason, more=more, comparisons=made)


def compare_all(places: Sequence[PlaceResults], plan: TestPlan) -> tuple[Comparison, ...]:
    """Every comparison of a run, corrected together; the worst first."""
    wanted = tasks(places)
    counted = countable([could_be(task.kind, len(task.pairs), plan) for task in wanted], plan.level)
    whole = replace(plan, family=max(1, sum(counted)))
    order = list(Compared)
    ruled = corrected([task.done(whole) for task in wanted], whole)
    return tuple(sorted(ruled, key=lambda one: (order.index(one.verdict), one.p_value, one.place, one.name)))


def family_of(places: int, figures: int) -> int:
    """Comparisons that a run will make: rate and figures of every place, and of each over all places."""
    return max(1, places * (1 + figures) + 1 + figures)


def _count(comparisons: Sequence[Comparison]) -> str:
    return "1 comparison" if len(comparisons) == 1 else f"{len(comparisons)} comparisons"
