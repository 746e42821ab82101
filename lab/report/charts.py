"""Where things stand in the charts of the page, in percent of a strip: comparisons, slopes.

It decides positions, order and how much is shown; what is not shown is in report.json. Measures nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lab.verdict.compare.wording import amount, share, small

MOST_GROUPS = 16
MOST_ROWS = 14
"""Places shown of one figure; regressions and what holds over all OS builds come first."""
MOST_SLOPES = 12
MOST_POINTS = 24
"""Pairs drawn in one strip."""
ORDER = {"regression": 0, "not-enough": 1, "no-worse": 2}
KIND_TITLE = {"crashes": "Failed runs"}
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)

Doc = Mapping[str, Any]


def comparisons(doc: Doc) -> dict[str, Any]:
    """What the section on comparisons draws."""
    every = doc["comparisons"]
    counts = {verdict: sum(one["verdict"] == verdict for one in every) for verdict in ORDER}
    measured = [one for one in every if one["kind"] != "slope" and one["effect"] is not None]
    single = [one for one in measured if one["pairs"] < 2 and one["verdict"] == "not-enough"]
    groups = _groups([one for one in measured if one not in single]) if len(single) < len(measured) else []
    slopes = sorted((one for one in every if one["kind"] == "slope" and one["lines"]), key=_weight)
    return {
        "counts": counts,
        "worse": _worse([one for one in every if one["verdict"] == "regression"]),
        "groups": [_group(name, rows) for name, rows in groups[:MOST_GROUPS]],
        "more_groups": max(0, len(groups) - MOST_GROUPS),
        "single": len(single),
        "unmeasured": [one for one in every if one["effect"] is None],
        "slopes": [_slope(one) for one in slopes[:MOST_SLOPES]],
        "more_slopes": max(0, len(slopes) - MOST_SLOPES),
    }


def _worse(regressions: Iterable[Doc]) -> list[tuple[Doc, int]]:
    """For each figure of a scenario the comparison that speaks for the others, and how many others."""
    found: dict[tuple[str, str, str, str], list[Doc]] = {}
    for one in regressions:
        found.setdefault((one["kind"], one["name"], one["scenario"], one["version"]), []).append(one)
    leaders = [(min(group, key=_leading), group) for group in found.values()]
    return [(first, sum(one is not first for one in group)) for first, group in leaders]


def _leading(one: Doc) -> tuple[bool, float]:
    return (one["image"] != "*", one["p_adjusted"])


def _weight(one: Doc) -> tuple[int, bool, float, str]:
    return (ORDER[one["verdict"]], one["image"] != "*", one["p_value"], one["name"])


def _groups(measured: Iterable[Doc]) -> list[tuple[str, list[Doc]]]:
    """By figure, those with a regression first; failure rates where nothing failed are left to the counts."""
    found: dict[str, list[Doc]] = {}
    for one in measured:
        if one["kind"] != "crashes" or one["baseline"] or one["candidate"]:
            found.setdefault(one["name"], []).append(one)
    ordered = [(name, sorted(rows, key=_weight)) for name, rows in found.items()]
    return sorted(ordered, key=lambda item: (_weight(item[1][0])[0], item[0]))


def _group(name: str, rows: Sequence[Doc]) -> dict[str, Any]:
    """One figure: a strip per place on a common axis."""
    shown = rows[:MOST_ROWS]
    axis = _Axis.around(shown)
    first = shown[0]
    counts = {verdict: sum(one["verdict"] == verdict for one in rows) for verdict in ORDER}
    return {
        "title": KIND_TITLE.get(first["kind"], name),
        "kind": first["kind"],
        "note": _axis_note(first),
        "zero": axis.at(0.0),
        "margin": axis.at(first["margin"]),
        "ticks": [(axis.at(tick), _tick(first, tick)) for tick in axis.ticks()],
        "rows": [_row(one, axis) for one in shown],
        "left": len(rows) - len(shown),
        "counts": counts,
    }


def _axis_note(one: Doc) -> str:
    if one["kind"] == "crashes":
        return f"more failures in 100 runs than the released agent; no worse is below {one['margin'] * 100:g}"
    worse = "higher" if one["better"] == "lower" else "lower"
    return f"how much {worse} (worse) than with the released agent; {share(one['margin'])} is tolerated"


def _tick(one: Doc, tick: float) -> str:
    return f"{tick * 100:+.3g}" + ("" if one["kind"] == "crashes" else " %") if tick else "0"


def _row(one: Doc, axis: _Axis) -> dict[str, Any]:
    low, high = one["interval"]
    return {
        "one": one,
        "low": axis.at(low) if low is not None else 0.0,
        "high": axis.at(high) if high is not None else 100.0,
        "open_low": low is None,
        "open_high": high is None,
        "dot": axis.at(one["effect"]),
        "points": [] if one["kind"] == "crashes" else _points(one, axis),
        "text": _effect_text(one),
        "sure": f"p {small(one['p_adjusted'])}" if one["verdict"] == "regression" else "",
    }


def _points(one: Doc, axis: _Axis) -> list[float]:
    """The effect of each pair alone."""
    made = []
    for baseline, candidate in one["points"][-MOST_POINTS:]:
        if baseline > 0:
            ratio = candidate / baseline
            made.append(axis.at(ratio - 1 if one["better"] == "lower" else 1 - ratio))
    return made


def _effect_text(one: Doc) -> str:
    if one["kind"] == "crashes":
        return f"{round(one['candidate'] * one['pairs'])} : {round(one['baseline'] * one['pairs'])} failed"
    better, worse = ("−", "+") if one["better"] == "lower" else ("+", "−")
    sign = worse if one["effect"] > 0 else better if one["effect"] < 0 else ""
    values = f"{amount(one['baseline'])} → {amount(one['candidate'])} {one['unit']}".rstrip()
    return f"{sign}{share(abs(one['effect']))} ({values})"


class _Axis:
    """A linear axis; what lies beyond its ends is drawn at them."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    @classmethod
    def around(cls, rows: Sequence[Doc]) -> _Axis:
        """All effects, the margin, and bounds as far as they are not out of all proportion."""
        core = [0.0, *(one["margin"] for one in rows), *(one["effect"] for one in rows)]
        reach = max(map(abs, core)) * 2 or 0.1
        ends = [end for one in rows for end in one["interval"] if end is not None and abs(end) <= reach]
        low, high = min(*core, *ends, 0.0), max(*core, *ends, 0.0)
        room = (high - low) * 0.06 or 0.05
        return cls(low - room, high + room)

    def at(self, value: float) -> float:
        share_of = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share_of)), 2)

    def ticks(self, most: int = 6) -> list[float]:
        return nice_ticks(self.low, self.high, most)


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers within an axis, at most `most`."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(scale * one for one in STEPS if scale * one >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [0.0 if number == 0 else number * step for number in range(first, last + 1)]


def _slope(one: Doc) -> dict[str, Any]:
    """Both arms over time, each with its line and the band that its slope may lie in."""
    points = [point for _, line in one["lines"] for point in line]
    hours = [point[0] for point in points]
    values = [point[1] for point in points]
    x_axis = _Axis(min(hours), max(hours) if max(hours) > min(hours) else min(hours) + 1)
    room = (max(values) - min(values)) * 0.08 or abs(values[0]) * 0.01 or 1.0
    y_axis = _Axis(min(values) - room, max(values) + room)
    return {
        "one": one,
        "lines": [
            (arm, " ".join(f"{x_axis.at(x):g},{100 - y_axis.at(y):g}" for x, y in line))
            for arm, line in one["lines"]
        ],
        "bands": [_band(band, one["lines"], x_axis, y_axis) for band in one["bands"]],
        "x_ticks": [(x_axis.at(tick), _hours(tick)) for tick in x_axis.ticks(8)],
        "y_ticks": [(100 - y_axis.at(tick), amount(tick)) for tick in y_axis.ticks(5)],
        "left": _left(one),
    }


def _band(
    band: Sequence[Any], lines: Sequence[tuple[str, Sequence[Sequence[float]]]], x_axis: _Axis, y_axis: _Axis
) -> dict[str, Any]:
    """A slope and its bounds through the middle of the arm's points."""
    arm, slope, low, high = band
    own = [point for name, line in lines if name == arm for point in line]
    middle_x = sum(x for x, _ in own) / len(own)
    rest = sorted(y - slope * (x - middle_x) for x, y in own)
    middle_y = rest[len(rest) // 2]
    first, last = min(x for x, _ in own), max(x for x, _ in own)

    def at(x: float, per_hour: float) -> str:
        return f"{x_axis.at(x):g},{100 - y_axis.at(middle_y + per_hour * (x - middle_x)):g}"

    return {
        "arm": arm,
        "line": f"{at(first, slope)} {at(last, slope)}",
        "area": f"{at(first, low)} {at(last, low)} {at(last, high)} {at(first, high)}",
    }


def _hours(tick: float) -> str:
    """Of the guest's uptime."""
    if tick and abs(tick) < 1:
        return f"{tick * 60:.3g} min"
    return f"{tick:.3g} h" if abs(tick) < 72 else f"{tick / 24:.3g} d"


def _left(one: Doc) -> str:
    """`used up in 10 days, at the earliest in 8 days`."""
    if not one["exhausted_h"] or one["verdict"] != "regression":
        return ""
    typical, earliest = one["exhausted_h"]
    told = []
    if typical is not None:
        told.append(f"used up in {span(typical)} at this rate")
    if earliest is not None:
        told.append(f"at the earliest in {span(earliest)}")
    return ", ".join(told)


def span(hours: float) -> str:
    """`40 min`, `5 h`, `12 days`, `3 years`."""
    for limit, unit, word in ((1.5, 1 / 60, "min"), (72, 1, "h"), (24 * 730, 24, "days")):
        if hours < limit:
            return f"{hours / unit:.0f} {word}"
    return f"{hours / 24 / 365:.0f} years"
