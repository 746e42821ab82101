"""Figures of both arms, compared pair by pair: by what share is the candidate worse?

Each pair's ratio is a shift on the logarithmic scale, so that a slow image and a fast one, or a busy hour and
a quiet one, count the same. The typical shift is the centre of the Walsh averages: one wild run moves it
little. Refuses to compare what was not measured in pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lab.model import Comparison, TestPlan
from lab.verdict.compare import betting, exact, needed, wording
from lab.verdict.compare.betting import Array
from lab.verdict.compare.ruling import Evidence, bonferroni, finite, rule

TAILS = np.array((1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0))
GRID = 81
"""Shifts within the data, and ranges beyond it, that are tried for a bound that holds at any time."""
BEYOND = 10.0
"""Times the largest shift: where a pair is put whose candidate was not measured."""
MOST_POINTS = 60
"""Pairs that are kept for a chart."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How values become shifts, and shifts become shares."""

    higher_is_better: bool
    log: bool
    unit: float = 1.0
    """What a difference is divided by where ratios cannot be taken."""

    def shifts(self, baseline: Array, candidate: Array) -> Array:
        sign = -1.0 if self.higher_is_better else 1.0
        if self.log:
            return np.asarray(sign * np.log(candidate / baseline))
        return np.asarray(sign * (candidate - baseline) / self.unit)

    def edge(self, share: float) -> float:
        """The shift that is worse by `share`."""
        if not self.log:
            return share
        return float(-np.log1p(-share) if self.higher_is_better else np.log1p(share))

    def share(self, shift: float) -> float:
        if not self.log:
            return shift
        return float(-np.expm1(-shift) if self.higher_is_better else np.expm1(shift))


def figures(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    better: str = "lower",
    margin: float,
    plan: TestPlan,
    name: str = "figure",
    unit: str = "",
    lost: int = 0,
    missing: int = 0,
) -> Comparison:
    """Whether the candidate is worse by more than `margin`, or not.

    :param candidate: `candidate[i]` is the twin of `baseline[i]`: same seed, same host, run one after the
        other. Pairs without two finite numbers are left out and counted as lost.
    :param margin: share, 0.1 for 10 %. It is what is tolerated, too: a regression is worse than that.
    :param missing: of the lost pairs, those in which the candidate alone gave no number. They are none for a
        regression, and count as worse than any other when no worse is to be shown.
    :raise ValueError: `better` is neither `lower` nor `higher`, or the margin is not in [0, 1).
    """
    if better not in ("lower", "higher") or not 0 <= margin < 1:
        raise ValueError(
            f"figure {name!r}: better {better!r}, margin {margin} (wanted lower or higher, 0 to 1)"
        )
    values_b, values_c, gone = _pairs(baseline, candidate)
    scale = scale_of(values_b, values_c, better)
    shifts = scale.shifts(values_b, values_c)
    edge = scale.edge(margin)
    at_end = shifts.size + lost + gone >= plan.most
    evidence = _evidence(shifts, edge, plan, at_end=at_end)
    if missing:
        evidence = replace(evidence, high=_high_at_worst(shifts, missing, edge, plan, at_end=at_end))
    adjusted = bonferroni(evidence.p_value, plan)
    low, high = (None if end is None else scale.share(end) for end in (evidence.low, evidence.high))
    verdict = rule(adjusted, evidence.high, edge, plan.level)
    edges = ((edge, plan.level / plan.family), (edge, plan.level))
    centre = None if evidence.effect is None else scale.share(evidence.effect)
    return wording.worded(
        Comparison(
            kind="figure",
            name=name,
            verdict=verdict,
            sentence="",
            unit=unit,
            better=better,
            pairs=shifts.size,
            lost=lost + gone,
            missing=missing,
            baseline=float(np.median(values_b)) if shifts.size else None,
            candidate=float(np.median(values_c)) if shifts.size else None,
            effect=centre,
            interval=(low, high),
            tolerated=margin,
            margin=margin,
            p_value=evidence.p_value,
            p_adjusted=adjusted,
            more=needed.by_shifts(shifts, _asked(shifts, edges), plan)
            if shifts.size or not missing
            else None,
            points=tuple(zip(values_b.tolist(), values_c.tolist(), strict=True))[-MOST_POINTS:],
        ),
        plan,
    )


def _pairs(baseline: Sequence[float], candidate: Sequence[float]) -> tuple[Array, Array, int]:
    """Pairs of finite numbers, and how many were none."""
    pairs = min(len(baseline), len(candidate))
    values = np.array((baseline[:pairs], candidate[:pairs]), dtype=float)
    whole = np.isfinite(values).all(axis=0)
    gone = max(len(baseline), len(candidate)) - int(whole.sum())
    return values[0, whole], values[1, whole], gone


def scale_of(baseline: Array, candidate: Array, better: str) -> Scale:
    """Ratios of positive values; otherwise differences, in shares of the released agent's usual amount."""
    if (baseline > 0).all() and (candidate > 0).all():
        return Scale(better == "higher", log=True)
    usual = float(np.median(np.abs(baseline)))
    if usual == 0:
        sizes = np.abs(np.concatenate((baseline, candidate)))
        usual = float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
    return Scale(better == "higher", log=False, unit=usual)


def _evidence(shifts: Array, edge: float, plan: TestPlan, *, at_end: bool) -> Evidence:
    """With a budget, bets and the exact test at its end have half of the level each (a union bound)."""
    if not shifts.size:
        return Evidence(p_value=1.0, effect=None, low=None, high=None)
    centre = float(np.median(exact.walsh_averages(shifts)))
    beyond = shifts - edge
    if not plan.sequential:
        low, high = exact.shift_bounds(shifts, plan.level)
        return Evidence(p_value=exact.more_shifted(beyond), effect=centre, low=finite(low), high=finite(high))
    share = 2.0 if plan.most else 1.0
    p_value = share * float(betting.p_value(betting.against_no_more(beyond)))
    low, high = _bounds(shifts, plan.level / share)
    if share * float(betting.p_value(betting.against_no_more(-beyond))) <= plan.level:
        high = min(high, edge)
    if plan.most and at_end:
        last_low, last_high = exact.shift_bounds(shifts, plan.level / 2)
        p_value = min(p_value, 2 * exact.more_shifted(beyond))
        low, high = max(low, last_low), min(high, last_high)
    return Evidence(p_value=min(1.0, p_value), effect=centre, low=finite(low), high=finite(high))


def _high_at_worst(shifts: Array, missing: int, edge: float, plan: TestPlan, *, at_end: bool) -> float | None:
    """The upper bound if what was not measured was worse than all that was."""
    most = float(np.abs(shifts).max(initial=edge))
    worst = np.concatenate((np.full(missing, BEYOND * (1 + most)), shifts))  # first, where bets lose most
    high = _evidence(worst, edge, plan, at_end=at_end).high
    return high if high is not None and high <= most else None


def _bounds(shifts: Array, level: float) -> tuple[float, float]:
    """Bounds of the typical shift that hold at any time; infinite where the data bounds nothing."""
    least, most = float(shifts.min()), float(shifts.max())
    room = (most - least) or max(abs(most), 1e-3) * 1e-3
    inside = np.linspace(least - room / 2, most + room / 2, GRID)
    tried = np.concatenate((least - room * TAILS[::-1], inside, most + room * TAILS))
    moved = shifts[None, :] - tried[:, None]
    above = betting.against_no_more(moved) >= 1 / level
    below = betting.against_no_more(-moved) >= 1 / level
    low = tried[above].max(initial=-np.inf) if above[0] else -np.inf
    high = tried[below].min(initial=np.inf) if below[-1] else np.inf
    return float(low), float(high)


def _asked(shifts: Array, edges: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """The question that can be answered yes: a regression above the edge, no worse below it."""
    if shifts.size >= needed.FEWEST_TO_GUESS:
        return edges[:1] if float(np.median(shifts)) > edges[0][0] else edges[1:]
    return edges[1:]
