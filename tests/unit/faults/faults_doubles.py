"""Faults and a subject without any guest, for tests of how faults are put on and taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from lab.clock import Stopwatch
from lab.errors import MachineError
from lab.faults import Faults
from lab.faults.kind import Kind, Parameter, Support, Values
from lab.faults.subject import Subject
from lab.model import Expectation, Family, FaultMark, Observation, Timeouts


@dataclass
class FakeFault:
    """Shows its effect at the look number `shows_at`; 0: never."""

    shows_at: int = 1
    breaks: str = ""
    """`inject` or `undo`: where it fails."""
    in_guest: bool = False
    calls: list[str] = field(default_factory=list)

    def inject(self) -> None:
        self.calls.append("inject")
        if self.breaks == "inject":
            raise MachineError("QEMU refused")

    def prove(self) -> str:
        self.calls.append("prove")
        return "it shows" if 0 < self.shows_at <= self.calls.count("prove") else ""

    def undo(self) -> str:
        self.calls.append("undo")
        if self.breaks == "undo":
            raise MachineError("QEMU refused to undo")
        return "it is gone"


def kind(name: str, fault: FakeFault, **changes: Any) -> Kind:
    def make(_subject: Subject, _values: Values) -> FakeFault:
        return fault

    given: dict[str, Any] = {
        "what": "does nothing",
        "proof": "none",
        "undo": "none",
        "families": {Family.LINUX: Support.TESTED},
        "parameters": (
            Parameter(name="share", meaning="of it", default=0.5, low=0, high=1, drawn=(0.1, 0.9)),
            Parameter(name="count", meaning="of them", default=1.0, whole=True),
        ),
        **changes,
    }
    return Kind(name=name, make=make, **given)


@dataclass
class Bench:
    """`Faults` with fake kinds, and what was recorded."""

    faults: Faults
    seen: list[Observation]

    def marks(self) -> list[str]:
        return [f"{mark.fault} {mark.phase}" for mark in self.seen if isinstance(mark, FaultMark)]

    def evidence(self, phase: str) -> list[str]:
        return [mark.evidence for mark in self.seen if isinstance(mark, FaultMark) and mark.phase == phase]

    def expectations(self) -> list[tuple[str, bool]]:
        return [(item.what, item.begin) for item in self.seen if isinstance(item, Expectation)]


def bench(*kinds: Kind, lost: Callable[[], bool] = lambda: False) -> Bench:
    seen: list[Observation] = []
    nothing: Any = SimpleNamespace()
    subject = Subject(
        guest=nothing,
        machine=nothing,
        agent=nothing,
        agent_dir="/opt/agent",
        family=Family.LINUX,
        record=seen.append,
        clock=Stopwatch(),
        timeouts=Timeouts(command_s=0.1),
        seed=3,
        lost=lost,
    )
    return Bench(Faults(subject, table={one.name: one for one in kinds}), seen)
