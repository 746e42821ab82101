"""Growth over time in both arms, compared: a leak is a slope above the released agent's.

Each run's slope is Theil and Sen's, the median of the slopes between all points. Samples of one run lean on
each other, so its error counts only what they are worth together (effective sample size of a first-order
autoregression, corrected for the bias of short series); how runs of an arm differ counts beside it. Refuses
to call a slope that both arms share a leak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lab.model import Comparison, TestPlan
from lab.verdict.compare import needed, wording
from lab.verdict.compare.betting import Array
from lab.verdict.compare.ruling import Evidence, bonferroni, finite, rule
from lab.verdict.compare.series import Series

BINS = 40
"""Points that a run is thinned to, each the median of its share of the samples."""
FEWEST = 12
"""Samples below which a run has no slope worth a comparison."""
SETTLING = 0.2
"""Share of a run that is left out at its start: caches fill and start-up ends in both arms."""
RANK_VARIANCE = 1.05
"""Theil and Sen's error variance per least squares' on normal noise: pi/3."""
MOST_LINES = 4
"""Runs of each arm that are kept for a chart."""


@dataclass(frozen=True, slots=True)
class Slope:
    """A slope per hour, its standard error, and how many samples' worth stand behind it."""

    per_hour: float
    error: float
    freedom: float


def slopes(
    baseline: Sequence[Series],
    candidate: Sequence[Series],
    *,
    plan: TestPlan,
    better: str = "lower",
    margin: float | None = None,
    name: str = "slope",
    unit: str = "",
    limit: float | None = None,
    missing: int = 0,
) -> Comparison:
    """Whether a value gets worse faster with the candidate.

    :param margin: units per hour that are tolerated; None: `plan.slope_margin` of the usual amount.
    :param limit: where what the value measures is used up, for the time that is left; None: at 0 when higher
        is better, otherwise not known.
    :param missing: pairs in which the candidate alone was not measured; then it is not shown to be no worse.
    """
    sign = -1.0 if better == "higher" else 1.0
    runs_b, runs_c = _usable(baseline, sign), _usable(candidate, sign)
    if margin is None:
        margin = plan.slope_margin * _level_of(runs_b)
    arm_b, arm_c = _arm(runs_b), _arm(runs_c)
    evidence, spread = _evidence(arm_b, arm_c, margin, plan)
    if missing:
        evidence = replace(evidence, high=None)
    adjusted = bonferroni(evidence.p_value, plan)
    pairs = min(len(runs_b), len(runs_c))
    return wording.worded(
        Comparison(
            kind="slope",
            name=name,
            verdict=rule(adjusted, evidence.high, margin, plan.level),
            sentence="",
            unit=unit,
            better=better,
            pairs=pairs,
            lost=max(len(baseline), len(candidate)) - pairs,
            missing=missing,
            baseline=sign * arm_b.per_hour if arm_b else None,
            candidate=sign * arm_c.per_hour if arm_c else None,
            effect=evidence.effect,
            interval=(evidence.low, evidence.high),
            tolerated=margin,
            margin=margin,
            p_value=evidence.p_value,
            p_adjusted=adjusted,
            more=_more(evidence.effect, spread, margin, pairs, plan) if pairs or not missing else None,
            lines=(*_lines("baseline", runs_b, sign), *_lines("candidate", runs_c, sign)),
            bands=_bands(arm_b, arm_c, sign, plan.level),
            exhausted_h=_exhausted(runs_c, arm_c, sign, limit, plan.level),
        ),
        plan,
    )


def _usable(runs: Sequence[Series], sign: float) -> list[tuple[Array, Array]]:
    """Hours and signed values (up is worse) of the runs that are long enough, settled and thinned."""
    usable = []
    for run in runs:
        hours, values = np.asarray(run.hours, dtype=float), sign * np.asarray(run.values, dtype=float)
        whole = np.isfinite(hours) & np.isfinite(values)
        hours, values = hours[whole], values[whole]
        if hours.size:
            settled = hours >= hours.min() + SETTLING * np.ptp(hours)
            hours, values = hours[settled], values[settled]
        if hours.size >= FEWEST and np.ptp(hours) > 0:
            usable.append(_thinned(hours, values))
    return usable


def _thinned(hours: Array, values: Array) -> tuple[Array, Array]:
    if hours.size <= BINS:
        return hours, values
    parts = np.array_split(np.arange(hours.size), BINS)
    return (
        np.array([hours[part].mean() for part in parts]),
        np.array([np.median(values[part]) for part in parts]),
    )


def slope_of(hours: Array, values: Array) -> Slope:
    """One run's slope. Values that never change have a slope of 0 without an error."""
    first, second = np.triu_indices(hours.size, 1)
    apart = hours[second] > hours[first]
    rises = (values[second] - values[first])[apart] / (hours[second] - hours[first])[apart]
    per_hour = float(np.median(rises))
    rest = values - per_hour * hours
    rest = rest - np.median(rest)
    bound = 3 * 1.4826 * float(np.median(np.abs(rest)))
    rest = np.clip(rest, -bound, bound) if bound > 0 else rest
    rest = rest - rest.mean()
    squares = float((rest**2).sum())
    if squares <= 1e-24 * max(float((values**2).sum()), 1e-300):
        return Slope(per_hour, 0.0, hours.size - 2.0)
    worth = _inflation(rest, squares)
    count = hours.size
    variance = squares / (count - 2) / max(1 - worth / count, 0.1)
    error = float(np.sqrt(RANK_VARIANCE * variance * worth / ((hours - hours.mean()) ** 2).sum()))
    return Slope(per_hour, error, max(count / worth - 2.0, 1.0))


def _inflation(rest: Array, squares: float) -> float:
    """How many samples are worth one, from what neighbours have in common.

    The lag-1 correlation of residuals about a fitted line is too low by about (1 + 4 r)/n (Marriott and Pope
    1954, Kendall 1954); counted as (n r + 2)/(n - 4), never below 0.
    """
    count = rest.size
    common = float((rest[1:] * rest[:-1]).sum()) / squares
    corrected = min(max((count * common + 2) / (count - 4), 0.0), 0.99)
    return (1 + corrected) / (1 - corrected)


def _arm(runs: Sequence[tuple[Array, Array]]) -> Slope | None:
    """The mean slope of an arm's runs; its error is the larger of what runs claim and how they differ."""
    each = [slope_of(hours, values) for hours, values in runs]
    if not each:
        return None
    count = len(each)
    mean = float(np.mean([one.per_hour for one in each]))
    within = float(np.sqrt(sum(one.error**2 for one in each))) / count
    freedom = sum(one.freedom for one in each)
    if count > 1:
        between = float(np.std([one.per_hour for one in each], ddof=1)) / np.sqrt(count)
        if between > within:
            return Slope(mean, between, count - 1.0)
    return Slope(mean, within, freedom)


def _evidence(
    arm_b: Slope | None, arm_c: Slope | None, margin: float, plan: TestPlan
) -> tuple[Evidence, float]:
    """Welch's test of the difference; looks share the level as 6/(pi look)^2, which adds up to 1."""
    if arm_b is None or arm_c is None:
        return Evidence(p_value=1.0, effect=None, low=None, high=None), 0.0
    from scipy.special import stdtr, stdtrit

    effect = arm_c.per_hour - arm_b.per_hour
    error = float(np.hypot(arm_b.error, arm_c.error))
    price = (np.pi * plan.look) ** 2 / 6 if plan.sequential else 1.0
    if error == 0:
        p_value = 0.0 if effect > margin else 1.0
        return Evidence(p_value=p_value, effect=effect, low=effect, high=effect), 0.0
    freedom = error**4 / (arm_b.error**4 / arm_b.freedom + arm_c.error**4 / arm_c.freedom)
    p_value = float(stdtr(freedom, -(effect - margin) / error)) * price
    reach = float(stdtrit(freedom, 1 - plan.level / price)) * error
    low, high = finite(effect - reach), finite(effect + reach)
    return Evidence(p_value=min(1.0, p_value), effect=effect, low=low, high=high), error


def _more(effect: float | None, error: float, margin: float, pairs: int, plan: TestPlan) -> int | None:
    """Pairs of runs as long as these; errors shrink with their number."""
    if effect is None:
        return 1
    gap = abs(effect - margin)
    if gap == 0:
        return None
    level = plan.level / plan.family if effect > margin else plan.level
    ratio = (needed.score(level) + needed.score(1 - plan.power)) * error / gap
    wanted = int(np.ceil(pairs * ratio**2))
    return max(1, wanted - pairs) if wanted <= needed.MOST else None


def _level_of(runs: Sequence[tuple[Array, Array]]) -> float:
    """The usual amount, to measure growth by."""
    return float(np.median([np.median(np.abs(values)) for _, values in runs])) if runs else 0.0


def _lines(
    arm: str, runs: Sequence[tuple[Array, Array]], sign: float
) -> tuple[tuple[str, tuple[tuple[float, float], ...]], ...]:
    return tuple(
        (arm, tuple(zip(hours.tolist(), (sign * values).tolist(), strict=True)))
        for hours, values in runs[:MOST_LINES]
    )


def _bands(
    arm_b: Slope | None, arm_c: Slope | None, sign: float, level: float
) -> tuple[tuple[str, float, float, float], ...]:
    from scipy.special import stdtrit

    made = []
    for name, arm in (("baseline", arm_b), ("candidate", arm_c)):
        if arm is not None:
            reach = float(stdtrit(arm.freedom, 1 - level)) * arm.error
            slope = sign * arm.per_hour
            made.append((name, slope, slope - reach, slope + reach))
    return tuple(made)


def _exhausted(
    runs: Sequence[tuple[Array, Array]], arm: Slope | None, sign: float, limit: float | None, level: float
) -> tuple[float | None, float | None] | None:
    """Hours until the limit is reached at the candidate's own slope: typical, and earliest at the level."""
    if limit is None and sign < 0:
        limit = 0.0
    if limit is None or arm is None:
        return None
    from scipy.special import stdtrit

    left = sign * limit - max(float(np.median(values[-5:])) for _, values in runs)
    steepest = arm.per_hour + float(stdtrit(arm.freedom, 1 - level)) * arm.error
    typical = left / arm.per_hour if arm.per_hour > 0 and left > 0 else None
    return typical, left / steepest if steepest > 0 and left > 0 else None
