"""Faults at times that a seed decides: the same list in both arms, in every repetition and in a repro.

Pure. One fault at a time: each has to show its own effect, and a guest that dies under two at once does not
say of which.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.config.located import unknown
from lab.errors import InputError
from lab.faults.kind import Kind, Parameter, Value

GAP_S = (1.0, 4.0)
"""Between the end of one fault and the beginning of the next."""
HOLD_S = (2.0, 6.0)
"""How long one lasts."""
DIGITS = 2
"""Decimal places of times, and `SIGNIFICANT` digits of values: so many are written, so many are meant."""
SIGNIFICANT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One fault of a schedule; times count from its beginning."""

    at_s: float
    for_s: float
    kind: str
    parameters: Mapping[str, Value] = field(default_factory=dict)

    @property
    def end_s(self) -> float:
        return round(self.at_s + self.for_s, DIGITS)


def schedule(
    seed: int, kinds: Sequence[str], for_s: float, *, table: Mapping[str, Kind] | None = None
) -> tuple[Planned, ...]:
    """Faults of these kinds, drawn again and again, one after the other, all over within `for_s` seconds.

    Depends on nothing but its arguments; the order of `kinds` and repetitions in it change nothing. Every
    kind comes once before any comes twice.

    :raise InputError: an unknown kind, one whose parameters must be given, or none at all.
    """
    known = table if table is not None else _catalogue()
    names = sorted(set(kinds))
    if not names:
        raise InputError("schedule: no kinds of faults (wanted at least one)")
    for name in names:
        _check(name, known)
    draw = random.Random(f"{seed}/{for_s:g}/{','.join(names)}")
    planned: list[Planned] = []
    deck: list[str] = []
    at_s = _between(draw, GAP_S)
    while True:
        hold_s = _between(draw, HOLD_S)
        if at_s + hold_s > for_s:
            return tuple(planned)
        if not deck:
            deck = draw.sample(names, len(names))
        kind = known[deck.pop()]
        parameters = {one.name: _drawn(draw, one) for one in kind.parameters}
        planned.append(Planned(at_s=at_s, for_s=hold_s, kind=kind.name, parameters=parameters))
        at_s = round(at_s + hold_s + _between(draw, GAP_S), DIGITS)


def _check(name: str, known: Mapping[str, Kind]) -> None:
    kind = known.get(name)
    if kind is None:
        raise InputError(unknown("fault", name, list(known)), hint="`lab faults` lists them")
    for parameter in kind.parameters:
        if parameter.default is None:
            raise InputError(
                f"fault {name!r} cannot be drawn: {parameter.name} must be given",
                hint="inject it by name at a time of your own",
            )


def _drawn(draw: random.Random, parameter: Parameter) -> Value:
    assert parameter.default is not None
    if parameter.drawn is None:
        return parameter.default
    value = draw.uniform(*parameter.drawn)
    return float(round(value)) if parameter.whole else float(f"{value:.{SIGNIFICANT}g}")


def _between(draw: random.Random, span: tuple[float, float]) -> float:
    return round(draw.uniform(*span), DIGITS)


def _catalogue() -> Mapping[str, Kind]:
    from lab.faults.catalogue import KINDS

    return KINDS
