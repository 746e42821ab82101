"""Many comparisons in one run: a regression must hold against all of them.

Holm's method keeps the chance of even one false REGRESSION in a run at the level, however the comparisons
hang together; one is enough to close the gate, so it is that chance and not the share of false ones that
counts. Comparisons that could not reach significance with the pairs they have do not count among the others
(Tarone, Biometrics 1990). NO_WORSE needs no correction: a bad candidate ships only if the very comparison
that it is bad in is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from lab.model import Compared, Comparison, TestPlan
from lab.verdict.compare.ruling import rule
from lab.verdict.compare.wording import worded


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given: the smallest times their number, the next times one less, ..."""
    order = sorted(range(len(p_values)), key=lambda number: p_values[number])
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, number in enumerate(order):
        largest = max(largest, min(1.0, p_values[number] * (len(p_values) - rank)))
        adjusted[number] = largest
    return adjusted


def countable(least: Sequence[float], level: float) -> list[bool]:
    """Which comparisons count, by the least p-value that each could have had.

    Tarone's rule: the smallest number k such that no more than k of them could be significant at level/k.
    """
    ordered = sorted(least)
    for k in range(1, len(ordered) + 1):
        if sum(one <= level / k for one in ordered[: k + 1]) <= k:
            return [one <= level / k for one in least]
    return [False] * len(least)


@lru_cache(maxsize=1024)
def least_p(kind: str, pairs: int, plan_key: tuple[bool, bool]) -> float:
    """The smallest p-value that so many pairs can have, all of them as bad as can be.

    :param plan_key: whether the design is sequential, and whether it has a budget.
    """
    from lab.verdict.compare import betting, exact

    if not pairs:
        return 1.0
    if kind == "slope":
        return 0.0
    once = exact.more_failures(0, pairs, pairs, pairs) if kind == "crashes" else 0.5**pairs
    sequential, budget = plan_key
    if not sequential:
        return once
    import numpy as np

    bet = float(betting.p_value(betting.best(betting.fortune(np.ones(min(pairs, 500))))))
    return min(1.0, 2 * min(bet, once) if budget else bet)


def could_be(kind: str, pairs: int, plan: TestPlan) -> float:
    """`least_p` of a comparison of which `pairs` were run; with a stop rule, of the most it may run.

    What was run beforehand or allowed beforehand only: what the pairs have shown may not choose.
    """
    if plan.sequential:
        pairs = max(pairs, plan.most)
    return least_p(kind, pairs, (plan.sequential, plan.most > 0))


def corrected(comparisons: Sequence[Comparison], plan: TestPlan) -> tuple[Comparison, ...]:
    """The comparisons of one run, ruled together, in the order given."""
    counts = countable([could_be(one.kind, one.pairs + one.lost, plan) for one in comparisons], plan.level)
    among = iter(holm([one.p_value for one, counted in zip(comparisons, counts, strict=True) if counted]))
    return tuple(
        _ruled(one, next(among) if counted else 1.0, plan)
        for one, counted in zip(comparisons, counts, strict=True)
    )


def _ruled(one: Comparison, p_adjusted: float, plan: TestPlan) -> Comparison:
    verdict = rule(p_adjusted, one.interval[1], one.margin, plan.level)
    if (verdict, p_adjusted) == (one.verdict, one.p_adjusted):
        return one
    undone = one.verdict is Compared.REGRESSION and verdict is Compared.NOT_ENOUGH
    more = max(1, one.more or 0) if undone else one.more
    return worded(replace(one, verdict=verdict, p_adjusted=p_adjusted, more=more), plan)
