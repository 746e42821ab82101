"""How many pairs of runs decide: power, turned round. Estimates for people and for budgets, never a proof."""

from __future__ import annotations

from math import ceil, log2, sqrt

import numpy as np
from numpy.typing import NDArray

from lab.model import TestPlan
from lab.verdict.compare.betting import FUNDS, STAKES

Array = NDArray[np.float64]

MOST = 10_000
"""More pairs than this are called none: nobody will run them."""
SEQUENTIAL_COST = 1.9
"""Pairs that a bet needs with 80 % chance, per pair of the exact test (measured, docs/comparing.md)."""
RANK_COST = 1.05
"""Pairs that the signed-rank test needs, per pair of the t-test on normal noise: pi/3."""
FEWEST_TO_GUESS = 4
"""Pairs below which their spread says nothing."""


def smallest(plan: TestPlan, level: float) -> int:
    """Pairs that must all point the same way before anything can be said at `level`."""
    return ceil(log2(_share(plan) / level) - 1e-9)


def by_shifts(shifts: Array, edges: tuple[tuple[float, float], ...], plan: TestPlan) -> int | None:
    """Further pairs until a shift is told from the nearest edge that it can be told from.

    :param edges: edge and level of each question asked.
    """
    floor = min(smallest(plan, level) for _, level in edges)
    have = shifts.size
    if have < FEWEST_TO_GUESS:
        return max(1, floor - have)
    centre = float(np.median(shifts))
    spread = 1.4826 * float(np.median(np.abs(shifts - centre))) or float(np.std(shifts))
    wanted = [_pairs_for(centre - edge, spread, level, plan) for edge, level in edges]
    best = min((pairs for pairs in wanted if pairs is not None), default=None)
    return None if best is None else max(1, best - have)


def _pairs_for(gap: float, spread: float, level: float, plan: TestPlan) -> int | None:
    if gap == 0:
        return None
    cost = RANK_COST * (SEQUENTIAL_COST if plan.sequential else 1.0)
    pairs = cost * ((score(level) + score(1 - plan.power)) * spread / gap) ** 2
    needed = max(smallest(plan, level), ceil(min(pairs, 2 * MOST)))
    return needed if needed <= MOST else None


def by_rates(rate_b: float, rate_c: float, margin: float, levels: tuple[float, float], plan: TestPlan) -> int:
    """Pairs until "fails more often" or "no worse than `margin`" is shown at these rates; above MOST: never.

    :param levels: of a regression, and of no worse.
    """
    worse, better = rate_c * (1 - rate_b), rate_b * (1 - rate_c)
    outcomes = np.array((1.0, 0.0, -1.0))
    chances = np.array((worse, 1 - worse - better, better))
    targets = [np.log(_share(plan) / level) - (np.log(FUNDS) if plan.sequential else 0.0) for level in levels]
    up = _pairs_by_growth(outcomes, chances, targets[0], plan.power)
    down = _pairs_by_growth((margin - outcomes) / (1 - margin), chances, targets[1], plan.power)
    return min(up, down)


def _pairs_by_growth(steps: Array, chances: Array, targets: Array | float, power: float) -> int:
    """Pairs until one of the stakes has grown by as much as its target says (a logarithm)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.maximum(1 + STAKES[:, None] * steps[None, :], 1e-12))
    growth = logs @ chances
    spread = np.sqrt(np.maximum((logs**2) @ chances - growth**2, 0.0))
    best = MOST + 1
    for gain, noise, target in zip(growth, spread, np.broadcast_to(targets, growth.shape), strict=True):
        if gain > 1e-9:
            late = score(1 - power) * noise
            root = (late + sqrt(late**2 + 4 * gain * target)) / (2 * gain)
            best = min(best, ceil(root**2 - 1e-9))
    return best


def _share(plan: TestPlan) -> float:
    """The bets and the exact test at the end of the budget have half of the level each."""
    return 2.0 if plan.sequential and plan.most else 1.0


def score(level: float) -> float:
    """The normal quantile that a chance of `level` lies beyond."""
    from scipy.special import ndtri

    return float(-ndtri(level))
