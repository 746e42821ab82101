"""What the lab did to a guest on purpose, as far as it decides what a pass or a finding is worth.

A fault without proof happened to nobody, so nothing was tested under it; a finding made under a fault is
still one, and says so. Refuses to excuse anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.model import FaultMark, FaultPhase, Observation

NO_EFFECT = "had no effect that could be shown"


@dataclass(frozen=True, slots=True)
class Injection:
    """All marks of one fault that was put on the guest."""

    marks: tuple[FaultMark, ...]

    @property
    def begin_s(self) -> float:
        return self.marks[0].t_s

    @property
    def end_s(self) -> float | None:
        """None when it was never undone."""
        return next((mark.t_s for mark in self.marks if mark.phase is FaultPhase.UNDONE), None)

    @property
    def proven(self) -> bool:
        return any(mark.phase is FaultPhase.PROVEN for mark in self.marks)

    @property
    def words(self) -> str:
        """`disk-error (op=write, rate=0.1)`."""
        given = ", ".join(f"{name}={_plain(value)}" for name, value in self.marks[0].parameters.items())
        return f"{self.marks[0].fault} ({given})" if given else self.marks[0].fault

    @property
    def lacks(self) -> str:
        """Why what was seen under it proves nothing; "" when it is in order."""
        failed = [mark.evidence for mark in self.marks if mark.phase is FaultPhase.FAILED and mark.evidence]
        tail = f": {failed[0]}" if failed else ""
        if not self.proven:
            return f"the fault {self.words} {NO_EFFECT}{tail}"
        return f"the fault {self.words} could not be taken back{tail}" if self.end_s is None else ""


def injections(observations: Iterable[Observation]) -> list[Injection]:
    """Every fault of the recording, in the order in which they began."""
    found: dict[str, list[FaultMark]] = {}
    for item in observations:
        if isinstance(item, FaultMark):
            found.setdefault(item.id or item.fault, []).append(item)
    return [Injection(tuple(marks)) for marks in found.values()]


def under(faults: Sequence[Injection], t_s: float) -> str:
    """What was on the guest at `t_s`, or what had been last, as the end of a sentence; "" for nothing."""
    begun = [fault for fault in faults if fault.begin_s <= t_s]
    on = [fault.words for fault in begun if fault.end_s is None or t_s <= fault.end_s]
    if on:
        return f"under the fault {' and '.join(on)}"
    return f"after the fault {begun[-1].words}" if begun else ""


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
