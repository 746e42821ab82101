"""Exact tests and bounds for a number of runs that was fixed beforehand; one look, full power.

Rates: the exact unconditional test (Barnard's kind) and its inversion, bounds of a difference of rates (Chan
and Zhang, Biometrics 1999). Shifts of pairs: the signed-rank test as a permutation test over all signs, ties
and zeros included, and its inversion, the ordered Walsh averages. Knows numbers and nothing of cells.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NUISANCE_POINTS = 129
BISECTIONS = 14
"""Halvings of the range of differences: bounds are exact to 2/2**14."""
MOST_RANKED = 400
"""Pairs from which on the signed-rank distribution is taken as normal: the error is then below 0.0005."""


def more_failures(failed_b: int, runs_b: int, failed_c: int, runs_c: int) -> float:
    """One-sided p-value of "the candidate fails no more often", at the rates where it is largest."""
    return _as_low(failed_c, runs_c, failed_b, runs_b, 0.0) if runs_b and runs_c else 1.0


def rate_difference(
    failed_b: int, runs_b: int, failed_c: int, runs_c: int, level: float
) -> tuple[float, float]:
    """Bounds of candidate's rate minus baseline's, each exact at `level`, whatever the rates are."""
    upper = _upper_difference(failed_b, runs_b, failed_c, runs_c, level)
    return -_upper_difference(failed_c, runs_c, failed_b, runs_b, level), upper


@lru_cache(maxsize=4096)
def _upper_difference(failed_b: int, runs_b: int, failed_c: int, runs_c: int, level: float) -> float:
    """The largest difference that is not rejected, by bisection from the observed one."""
    if not runs_b or not runs_c:
        return 1.0
    low, high = failed_c / runs_c - failed_b / runs_b, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if _as_low(failed_b, runs_b, failed_c, runs_c, middle) > level:
            low = middle
        else:
            high = middle
    return high


@lru_cache(maxsize=8192)
def _as_low(failed_b: int, runs_b: int, failed_c: int, runs_c: int, difference: float) -> float:
    """Chance of an outcome as low as this one, at the rates where it is largest."""
    scores = _scores(runs_b, runs_c, difference)
    extreme = scores <= scores[failed_b, failed_c] + 1e-12
    rates = np.linspace(max(0.0, -difference), min(1.0, 1.0 - difference), NUISANCE_POINTS)
    chance_b = _binomial(runs_b, rates)
    chance_c = _binomial(runs_c, np.clip(rates + difference, 0.0, 1.0))
    return float(((chance_b @ extreme) * chance_c).sum(axis=1).max())


def _scores(runs_b: int, runs_c: int, difference: float) -> Array:
    """Every outcome's distance above the difference, in standard errors at the likeliest rates."""
    rate_b = np.arange(runs_b + 1)[:, None] / runs_b
    rate_c = np.arange(runs_c + 1)[None, :] / runs_c
    likely_c = np.clip(_likeliest(rate_b, rate_c, runs_b / runs_c, difference), 0.0, 1.0)
    likely_b = np.clip(likely_c - difference, 0.0, 1.0)
    error = np.sqrt(likely_b * (1 - likely_b) / runs_b + likely_c * (1 - likely_c) / runs_c)
    return np.asarray((rate_c - rate_b - difference) / np.maximum(error, 1e-9))


def _likeliest(rate_b: Array, rate_c: Array, ratio: float, difference: float) -> Array:
    """The candidate's likeliest rate if it is the baseline's plus `difference`.

    The root of a cubic, in closed form: Farrington and Manning, Statistics in Medicine 1990.
    """
    a = 1 + ratio
    b = -(1 + ratio + rate_c + ratio * rate_b + difference * (ratio + 2))
    c = difference**2 + difference * (2 * rate_c + ratio + 1) + rate_c + ratio * rate_b
    d = -rate_c * difference * (1 + difference)
    v = b**3 / (3 * a) ** 3 - b * c / (6 * a**2) + d / (2 * a)
    u = np.where(v >= 0, 1.0, -1.0) * np.sqrt(np.maximum(b**2 / (3 * a) ** 2 - c / (3 * a), 0.0))
    cube = np.where(np.abs(u) < 1e-12, 1.0, u**3)
    angle = (np.pi + np.arccos(np.clip(v / cube, -1.0, 1.0))) / 3
    return np.asarray(2 * u * np.cos(angle) - b / (3 * a))


def _binomial(runs: int, rates: Array) -> Array:
    """(rates, runs + 1): chance of each count."""
    from scipy.special import xlog1py, xlogy

    counts = np.arange(runs + 1)
    ways = np.log(np.array([float(comb(runs, int(k))) for k in counts]))
    logs = ways + xlogy(counts, rates[:, None]) + xlog1py(runs - counts, -rates[:, None])
    return np.asarray(np.exp(logs))


def more_shifted(shifts: Array) -> float:
    """One-sided signed-rank p-value of "shifts lie about 0 or below", given their sizes.

    Ties get their mean rank; a shift of 0 has a rank and no sign, so that it counts for neither side.
    """
    if not shifts.size:
        return 1.0
    _, place, ties = np.unique(np.abs(shifts), return_inverse=True, return_counts=True)
    ranks = (2 * np.cumsum(ties) - ties + 1)[place]  # doubled, so that mean ranks are whole numbers
    signed, up = ranks[shifts != 0], ranks[shifts > 0]
    if not signed.size:
        return 1.0
    if signed.size > MOST_RANKED:
        return _normal_tail((up.sum() - signed.sum() / 2 - 1) / (np.sqrt((signed**2.0).sum()) / 2))
    return float(_rank_sums(tuple(sorted(signed.tolist())))[int(up.sum()) :].sum())


@lru_cache(maxsize=512)
def _rank_sums(ranks: tuple[int, ...]) -> Array:
    """Chance of each sum of the ranks that get a plus, when every sign is a fair coin."""
    chances = np.zeros(sum(ranks) + 1)
    chances[0] = 1.0
    for rank in ranks:
        moved = np.zeros_like(chances)
        moved[rank:] = chances[:-rank]
        chances = (chances + moved) / 2
    return chances


def shift_bounds(shifts: Array, level: float) -> tuple[float, float]:
    """Bounds of the shifts' centre, each at `level`; infinite where so few pairs bound nothing."""
    walsh = walsh_averages(shifts)
    rank = _walsh_rank(shifts.size, level)
    if rank == 0:
        return -np.inf, np.inf
    return float(walsh[rank - 1]), float(walsh[walsh.size - rank])


def walsh_averages(shifts: Array) -> Array:
    """Means of all pairs of shifts, each with itself too, in order; their median is the centre."""
    first, second = np.triu_indices(shifts.size)
    return np.asarray(np.sort((shifts[first] + shifts[second]) / 2))


@lru_cache(maxsize=1024)
def _walsh_rank(pairs: int, level: float) -> int:
    """How many Walsh averages may lie beyond a bound; 0: none can be given."""
    if pairs == 0:
        return 0
    if pairs > MOST_RANKED:
        from scipy.special import ndtri

        spread = np.sqrt(pairs * (pairs + 1) * (2 * pairs + 1) / 24)
        return max(0, int(pairs * (pairs + 1) / 4 + ndtri(level) * spread))
    below = np.cumsum(_rank_sums(tuple(range(1, pairs + 1))))
    return int(np.searchsorted(below, level, side="right"))


def _normal_tail(score: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(-score))
