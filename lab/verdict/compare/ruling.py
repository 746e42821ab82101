"""From evidence to one of three verdicts, the same way for rates, figures and slopes."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from lab.model import Compared, TestPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the numbers say of an effect: positive is worse."""

    p_value: float
    """Of an effect not above what is tolerated."""
    effect: float | None
    low: float | None
    """Bounds of the effect, each at the plan's level; None: no bound."""
    high: float | None


def rule(p_adjusted: float, high: float | None, margin: float, level: float) -> Compared:
    """A regression that is shown outweighs everything; without one, a bound within the margin is no worse."""
    if p_adjusted <= level:
        return Compared.REGRESSION
    if high is not None and high <= margin + 1e-12:
        return Compared.NO_WORSE
    return Compared.NOT_ENOUGH


def bonferroni(p_value: float, plan: TestPlan) -> float:
    """Corrected for the plan's family, before the other comparisons are known (Holm's first step)."""
    return min(1.0, p_value * max(1, plan.family))


def finite(value: float) -> float | None:
    """The value, or None where there is no bound."""
    return value if isfinite(value) else None
