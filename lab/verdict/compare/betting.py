"""Bets against a hypothesis, pair by pair: evidence that may be looked at after every pair.

A bettor starts with 1 and can only lose on average while the hypothesis is true. By Ville's inequality the
fortune then reaches 1/level with probability at most `level`, however often one looks and whenever one stops
(Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS B 2024; Grünwald,
de Heide and Koolen, "Safe testing", JRSS B 2024). All functions work on the last axis, so that many
histories are judged at once. They know numbers and nothing of cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STAKES = np.array((1.0, 0.8, 0.5, 0.25))
"""Shares of the largest stake that cannot lead into debt: bold for large effects, timid for small ones."""
FUNDS = np.array((0.5, 0.2, 0.15, 0.15))
"""How the fortune is divided among them at the start. With half of it on the boldest, five pairs that all
point the same way reach 20 (level 0.05), as few as any exact test of signs needs."""
LARGEST = 600.0
"""Logarithm of a fortune beyond which it is not counted any more."""


def fortune(steps: Array, room: float | Array = 1.0) -> Array:
    """The fortune after each pair, for gains of `steps` per unit staked.

    :param steps: (..., pairs), each at least -1/room.
    :param room: the largest stake that cannot lead into debt.
    """
    stakes = STAKES * np.asarray(room, dtype=float)[..., None]
    with np.errstate(divide="ignore"):
        logs = np.log(np.maximum(1.0 + stakes[..., None, :] * steps[..., None], 0.0))
    return np.asarray(np.exp(np.minimum(np.cumsum(logs, axis=-2), LARGEST)) @ FUNDS)


def best(fortunes: Array) -> Array:
    """The largest fortune so far, at the end; never below the 1 at the start."""
    if fortunes.shape[-1] == 0:
        return np.ones(fortunes.shape[:-1])
    return np.asarray(np.maximum(1.0, fortunes.max(axis=-1)))


def sign_steps(shifts: Array) -> Array:
    """Signs weighted by size: +-1 for a shift that is not small among those so far, less for a small one.

    While shifts are symmetric about 0 (or below), each sign is a fair coin (or worse) whatever the sizes are,
    so sizes may be used freely: here each is divided by the median of all sizes up to its own, and cut at 1.
    """
    sizes = np.abs(shifts)
    weights = np.zeros_like(sizes)
    for number in range(sizes.shape[-1]):
        usual = np.median(sizes[..., : number + 1], axis=-1)
        own = sizes[..., number]
        ratio = np.divide(own, usual, out=np.where(own > 0, np.inf, 0.0), where=usual > 0)
        weights[..., number] = np.minimum(1.0, ratio)
    return np.asarray(np.sign(shifts) * weights)


def against_no_more(shifts: Array) -> Array:
    """Evidence against "shifts lie about 0 or below": the largest fortune, (...)."""
    return best(fortune(sign_steps(shifts)))


def against_mean_at_most(values: Array, mean: float | Array) -> Array:
    """Evidence against "the mean of values in [-1, 1] is at most `mean`", each given those before it."""
    bound = np.asarray(mean, dtype=float)
    return best(fortune(values - bound[..., None], 1.0 / (1.0 + bound)))


def against_mean_at_least(values: Array, mean: float | Array) -> Array:
    """Evidence against "the mean of values in [-1, 1] is at least `mean`"."""
    return against_mean_at_most(-values, -np.asarray(mean, dtype=float))


def p_value(evidence: Array) -> Array:
    """A p-value that holds at any time: 1 over the largest fortune."""
    return np.asarray(np.minimum(1.0, 1.0 / evidence))
