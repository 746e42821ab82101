"""Comparisons in sentences: what was measured, how sure it is, what would decide. Decides nothing."""

from __future__ import annotations

from dataclasses import replace

from lab.model import Compared, Comparison, TestPlan


def worded(comparison: Comparison, plan: TestPlan) -> Comparison:
    """The comparison with its sentence, and with no further runs wanted where it is decided."""
    more = comparison.more if comparison.verdict is Compared.NOT_ENOUGH else 0
    return replace(comparison, more=more, sentence=sentence(comparison, plan))


def sentence(one: Comparison, plan: TestPlan) -> str:
    """`agent_rss_kib: 8.1 % higher than with the released agent (at least 6.2 %, 12 pairs, p 0.0004)`."""
    match one.verdict:
        case Compared.REGRESSION:
            chance = f"{_pairs(one)}, {_chance(one)}"
            return f"{one.name}: {_seen(one)} ({_at_least(one)}{chance}){_tolerated(one)}"
        case Compared.NO_WORSE:
            seen = f"{_seen(one)}, {_at_most(one)}{_pairs(one)}"
            within = f"no worse than {_amount(one, one.margin)} at {_sure(plan)}"
            return f"{one.name}: {within} ({seen}){_missing(one)}"
        case Compared.NOT_ENOUGH:
            seen = f"{_seen(one)}{_between(one)}, {_pairs(one)}"
            return f"{one.name}: {_wanted(one)} ({seen}){_missing(one)}{_tolerated(one)}"


def _seen(one: Comparison) -> str:
    """What was seen of both arms."""
    if one.effect is None or one.baseline is None or one.candidate is None:
        return "nothing measured in pairs"
    if one.kind == "crashes":
        failed = [round(rate * one.pairs) for rate in (one.candidate, one.baseline)]
        return f"the candidate failed in {failed[0]} of {one.pairs} runs, the released agent in {failed[1]}"
    if one.kind == "slope":
        return f"{_rate(one, one.candidate)}, the released agent {_rate(one, one.baseline)}"
    if abs(one.effect) < 0.0005:
        return "the same as with the released agent"
    return f"{share(abs(one.effect))} {_direction(one, one.effect)} than with the released agent"


def _missing(one: Comparison) -> str:
    """What the candidate did not give although it passed."""
    if not one.missing:
        return ""
    where = "1 pair" if one.missing == 1 else f"{one.missing} pairs"
    return f"; in {where} only the released agent gave this figure"


def _direction(one: Comparison, effect: float) -> str:
    return "higher" if (effect > 0) == (one.better == "lower") else "lower"


def _rate(one: Comparison, slope: float) -> str:
    """`grows by 120 KiB/h`."""
    word = "grows by" if slope > 0 else "falls by" if slope < 0 else "changes by"
    return f"{word} {amount(abs(slope))} {one.unit}/h".replace(" /h", "/h")


def _amount(one: Comparison, value: float) -> str:
    match one.kind:
        case "crashes":
            return f"{value * 100:.3g} points"
        case "slope":
            return f"{amount(value)} {one.unit}/h".replace(" /h", "/h")
        case _:
            return share(value)


def _at_least(one: Comparison) -> str:
    low = one.interval[0]
    if low is None or low <= 0:
        return ""
    return f"at least {_amount(one, low)} more, " if one.kind != "figure" else f"at least {share(low)}, "


def _at_most(one: Comparison) -> str:
    high = one.interval[1]
    if high is None or high > one.margin or high <= 0:
        return ""
    word = "worse" if one.kind == "figure" else "more"
    return f"at most {_amount(one, high)} {word}, "


def _between(one: Comparison) -> str:
    low, high = one.interval
    if low is None or high is None:
        return ""
    if one.kind != "figure":
        return f", between {_amount(one, low)} and {_amount(one, high)} more"
    least = f"{share(-low)} better" if low < 0 else f"{share(low)} worse"
    most = f"{share(-high)} better" if high < 0 else f"{share(high)} worse"
    return f", between {least} and {most}"


def _wanted(one: Comparison) -> str:
    if one.more is None:
        return "not enough runs, and no number of them would decide while the arms look like this"
    pairs = "1 more pair" if one.more == 1 else f"{one.more} more pairs"
    return f"not enough runs: about {pairs} would decide"


def _tolerated(one: Comparison) -> str:
    return f"; {_amount(one, one.tolerated)} is tolerated" if one.tolerated else ""


def _pairs(one: Comparison) -> str:
    lost = f", {one.lost} more without a result" if one.lost else ""
    return f"1 pair{lost}" if one.pairs == 1 else f"{one.pairs} pairs{lost}"


def _chance(one: Comparison) -> str:
    corrected = " after correction" if one.p_adjusted > one.p_value else ""
    return f"p {small(one.p_adjusted)}{corrected}"


def _sure(plan: TestPlan) -> str:
    return f"{(1 - plan.level) * 100:.4g} %"


def share(value: float) -> str:
    """`8.1 %`, `0.3 %`, `210 %`."""
    percent = value * 100
    return f"{percent:.0f} %" if abs(percent) >= 9.95 else f"{percent:.1f} %".replace(".0 %", " %")


def amount(value: float) -> str:
    """A plain number with three figures: `1240`, `0.0312`, `12.4`."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def small(value: float) -> str:
    """A p-value: `0.031`, `< 0.0001`."""
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}"
