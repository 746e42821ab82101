"""What the lab brought about itself, by a fault that it put on the guest: reported apart, never judged.

A fault excuses only what follows from it by its nature, and only until it is undone: an error that QEMU was
told to return, a CPU that the lab had stopped. A crash is never excused. Reboots and silence are declared as
expectations and are not this module's.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.model import FaultMark, FaultPhase, Finding, FindingKind, Observation

EXCUSED = {
    "io": frozenset({FindingKind.IO_ERROR}),
    "stall": frozenset({FindingKind.LOCKUP}),
}
"""Mask to the findings that follow from the fault."""
EXCUSED_TITLES = {"nmi": frozenset({"unknown NMI"})}
LATE_S = 5.0
"""A report can come so long after the fault was undone: the kernel looks for stuck CPUs every few seconds."""


@dataclass(slots=True)
class _Open:
    """One fault, from its announcement to its end."""

    fault: str
    masks: tuple[str, ...]
    begin_s: float
    end_s: float | None = None


class Excuses:
    """Follows the faults of a recording."""

    def __init__(self) -> None:
        self._faults: dict[str, _Open] = {}

    def feed(self, observation: Observation) -> None:
        if not isinstance(observation, FaultMark) or not observation.masks:
            return
        mark = observation
        known = self._faults.get(mark.id)
        if known is None:
            self._faults[mark.id] = _Open(mark.fault, mark.masks, mark.t_s)
        elif mark.phase is FaultPhase.UNDONE:
            known.end_s = mark.t_s

    def reason(self, finding: Finding) -> str:
        """Why the finding is the lab's own doing, or ""."""
        for one in self._faults.values():
            in_time = (
                one.begin_s <= finding.t_s <= (float("inf") if one.end_s is None else one.end_s + LATE_S)
            )
            if in_time and any(_follows(mask, finding) for mask in one.masks):
                return f"the fault {one.fault}, which the lab had put on the guest, brings this about"
        return ""


def _follows(mask: str, finding: Finding) -> bool:
    return finding.kind in EXCUSED.get(mask, ()) or finding.title in EXCUSED_TITLES.get(mask, ())
