"""How often each arm fails, compared: exact tests, or bets where the arms are looked at after every pair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lab.model import Comparison, TestPlan
from lab.verdict.compare import betting, exact, needed, wording
from lab.verdict.compare.betting import Array
from lab.verdict.compare.ruling import Evidence, bonferroni, finite, rule

DIFFERENCES = np.linspace(-0.995, 0.995, 399)
"""Differences of rates that are tried for a bound that holds at any time."""


def crash_rates(
    baseline: Sequence[bool], candidate: Sequence[bool], plan: TestPlan, *, lost: int = 0
) -> Comparison:
    """Whether the candidate fails more often than the released agent.

    Any increase that is shown is a regression; `plan.crash_margin` only says what "no worse" means.

    :param baseline: one per run, whether it failed; `candidate[i]` is the twin of `baseline[i]`. Runs
        beyond the shorter list have no twin and are left out.
    :param lost: further pairs of which a run gave no result.
    """
    pairs = min(len(baseline), len(candidate))
    lost += max(len(baseline), len(candidate)) - pairs
    failed_b = np.array(baseline[:pairs], dtype=float)
    failed_c = np.array(candidate[:pairs], dtype=float)
    evidence = _evidence(failed_b, failed_c, plan, at_end=pairs + lost >= plan.most)
    adjusted = bonferroni(evidence.p_value, plan)
    verdict = rule(adjusted, evidence.high, plan.crash_margin, plan.level)
    rates = (float(failed_b.mean()), float(failed_c.mean())) if pairs else (None, None)
    return wording.worded(
        Comparison(
            kind="crashes",
            name="crashes",
            verdict=verdict,
            sentence="",
            pairs=pairs,
            lost=lost,
            baseline=rates[0],
            candidate=rates[1],
            effect=evidence.effect,
            interval=(evidence.low, evidence.high),
            margin=plan.crash_margin,
            p_value=evidence.p_value,
            p_adjusted=adjusted,
            more=_more(failed_b, failed_c, plan),
            points=tuple(zip(failed_b.tolist(), failed_c.tolist(), strict=True)),
        ),
        plan,
    )


def _evidence(failed_b: Array, failed_c: Array, plan: TestPlan, *, at_end: bool) -> Evidence:
    """With a budget, bets and the exact test at its end have half of the level each (a union bound)."""
    pairs = failed_b.size
    if not pairs:
        return Evidence(p_value=1.0, effect=None, low=None, high=None)
    counts = (int(failed_b.sum()), pairs, int(failed_c.sum()), pairs)
    effect = float((failed_c - failed_b).mean())
    if not plan.sequential:
        low, high = exact.rate_difference(*counts, plan.level)
        return Evidence(p_value=exact.more_failures(*counts), effect=effect, low=low, high=high)
    share = 2.0 if plan.most else 1.0
    p_value = share * float(betting.p_value(betting.against_mean_at_most(failed_c - failed_b, 0.0)))
    low, high = _bounds(failed_c - failed_b, plan.level / share)
    if plan.most and at_end:
        last_low, last_high = exact.rate_difference(*counts, plan.level / 2)
        p_value = min(p_value, 2 * exact.more_failures(*counts))
        low, high = max(low, last_low), min(high, last_high)
    return Evidence(p_value=min(1.0, p_value), effect=effect, low=finite(low), high=finite(high))


def _bounds(differences: Array, level: float) -> tuple[float, float]:
    """Bounds of the mean difference that hold at any time."""
    many = np.broadcast_to(differences, (DIFFERENCES.size, differences.size))
    refuted_low = betting.against_mean_at_most(many, DIFFERENCES) >= 1 / level
    refuted_high = betting.against_mean_at_least(many, DIFFERENCES) >= 1 / level
    low = float(DIFFERENCES[refuted_low].max(initial=-1.0))
    high = float(DIFFERENCES[refuted_high].min(initial=1.0))
    return low, high


def _more(failed_b: Array, failed_c: Array, plan: TestPlan) -> int | None:
    """Pairs that would decide if the rates are as they look, a little towards each other."""
    pairs = failed_b.size
    rate_b = (float(failed_b.sum()) + 0.5 * _prior(failed_b, failed_c)) / (pairs + 1)
    rate_c = (float(failed_c.sum()) + 0.5 * _prior(failed_b, failed_c)) / (pairs + 1)
    wanted = needed.by_rates(rate_b, rate_c, plan.crash_margin, (plan.level / plan.family, plan.level), plan)
    return max(1, wanted - pairs) if wanted <= needed.MOST else None


def _prior(failed_b: Array, failed_c: Array) -> float:
    """No run failed: then none is expected to."""
    return 1.0 if failed_b.any() or failed_c.any() else 0.0
