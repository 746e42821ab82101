"""A kind of fault as data: its name, its parameters with units and ranges, what proves it, what it masks.

Owns how parameters that somebody gave become those of an injection. Knows no guest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from lab.config.located import unknown
from lab.errors import InputError
from lab.model import Family

if TYPE_CHECKING:
    from lab.faults.fault import Fault
    from lab.faults.subject import Subject

Value = float | str | bool
"""Whole numbers are numbers too."""
Values = Mapping[str, Value]

MASKS = {
    "reboot": "one reboot is the lab's",
    "silence": "a guest that does not answer meanwhile is in order",
    "clock": "the guest's clock is not the host's",
    "io": "I/O errors that QEMU reports are the lab's",
    "stall": "CPUs that the kernel finds stuck were stopped by the lab",
    "nmi": "an interrupt without a reason is the lab's",
}
"""What a fault excuses from its beginning until it is undone."""


class Support(StrEnum):
    """How sure it is that a fault works on a family of guests."""

    TESTED = "tested"
    AWAITS = "awaits a real host"
    """Written and not yet run on such a guest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One setting of a fault."""

    name: str
    meaning: str
    default: Value | None
    """None: it must be given."""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    whole: bool = False
    """A whole number: a guest's shell counts with it."""
    choices: tuple[str, ...] = ()
    drawn: tuple[float, float] | None = None
    """Range that schedules draw from; else they keep the default."""

    @property
    def words(self) -> str:
        """`rate 0..1 (default 0.1)`: for lists."""
        span = "|".join(self.choices)
        if self.low is not None or self.high is not None:
            low = "" if self.low is None else f"{self.low:g}"
            span = f"{low}..{'' if self.high is None else f'{self.high:g}'}"
        default = "must be given" if self.default is None else f"default {_plain(self.default)}"
        return " ".join(word for word in (self.name, span, self.unit, f"({default})") if word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One fault of the catalogue."""

    name: str
    what: str
    """What it does, one sentence without its end."""
    proof: str
    """What shows that it happened."""
    undo: str
    """How it ends, and what shows that."""
    make: Callable[[Subject, Values], Fault]
    families: Mapping[Family, Support]
    parameters: tuple[Parameter, ...] = ()
    masks: tuple[str, ...] = ()
    needs: str = ""
    """What must be there beside the guest."""

    def resolve(self, given: Values) -> dict[str, Value]:
        """All parameters: those given, checked, and the defaults of the others.

        :raise InputError: an unknown name, a missing value, another type, or out of range.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                raise InputError(
                    f"fault {self.name!r}: {unknown('parameter', name, list(known))}",
                    hint="`lab faults` lists the parameters of each fault",
                )
        return {name: _resolved(self.name, known[name], given.get(name)) for name in known}

    def check(self, family: Family) -> None:
        """:raise InputError: it cannot be done to this family."""
        if family not in self.families:
            able = ", ".join(one.value for one in self.families)
            raise InputError(
                f"fault {self.name!r} cannot be put on a {family} guest (wanted {able})",
                hint="`lab faults` lists what each family can be given",
            )


def _resolved(fault: str, parameter: Parameter, given: Value | None) -> Value:
    name = f"fault {fault!r}: {parameter.name}"
    value = parameter.default if given is None else given
    if value is None:
        raise InputError(f"{name} must be given ({parameter.meaning})")
    wanted = parameter.default if parameter.default is not None else ""
    if isinstance(wanted, bool) is not isinstance(value, bool):
        raise InputError(f"{name} is {value!r} (wanted {_type(wanted)})")
    if isinstance(wanted, str) is not isinstance(value, str):
        raise InputError(f"{name} is {value!r} (wanted {_type(wanted)})")
    if isinstance(value, str) and parameter.choices and value not in parameter.choices:
        raise InputError(f"{name} is {value!r} (wanted one of {', '.join(parameter.choices)})")
    if not isinstance(value, str):
        _check_range(name, parameter, value)
    return value


def _check_range(name: str, parameter: Parameter, value: float) -> None:
    low = float("-inf") if parameter.low is None else parameter.low
    high = float("inf") if parameter.high is None else parameter.high
    if not low <= value <= high:  # also refuses what is not a number
        raise InputError(f"{name} is {value:g} (wanted {low:g} to {high:g} {parameter.unit}".rstrip() + ")")
    if parameter.whole and value != int(value):
        raise InputError(f"{name} is {value:g} (wanted a whole number)")


def _type(value: Value) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "text" if isinstance(value, str) else "a number"


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return (value or '""') if isinstance(value, str) else f"{value:g}"


def number(values: Values, name: str) -> float:
    """A numeric parameter of a resolved set."""
    value = values[name]
    assert not isinstance(value, str)
    return float(value)


def text(values: Values, name: str) -> str:
    """A textual parameter of a resolved set."""
    value = values[name]
    assert isinstance(value, str)
    return value
