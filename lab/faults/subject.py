"""What faults are put on, gathered: the guest, its machine, the agent in it, and what was seen of them.

Refuses to know any fault.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.agents.operations import AgentUnderTest
from lab.clock import Stopwatch
from lab.guest.guest import Guest
from lab.machine.driver import Domain
from lab.machine.machine import Machine
from lab.model import Family, MachineEvent, Observation, Timeouts


class Seen:
    """The hypervisor's events since a point in time; a subscriber of the recorder."""

    def __init__(self) -> None:
        self._events: list[MachineEvent] = []
        self._lock = threading.Lock()

    def observe(self, observation: Observation) -> None:
        if isinstance(observation, MachineEvent):
            with self._lock:
                self._events.append(observation)

    def since(self, t_s: float, name: str) -> list[MachineEvent]:
        """Events of this name from `t_s` on."""
        with self._lock:
            return [event for event in self._events if event.t_s >= t_s and event.name == name]


@dataclass(kw_only=True)
class Subject:
    """One guest that faults are put on.

    Time-outs are scaled to the host already.
    """

    guest: Guest
    machine: Machine
    agent: AgentUnderTest
    agent_dir: str
    family: Family
    record: Callable[[Observation], None]
    clock: Stopwatch
    timeouts: Timeouts
    seed: int = 0
    lost: Callable[[], bool] = field(default=lambda: False)
    """Whether the guest is known to be beyond answering."""
    seen: Seen = field(default_factory=Seen)
    injections: int = 0
    """How many there were: makes names and draws of each its own."""

    @property
    def domain(self) -> Domain:
        return self.machine.domain

    def draw(self, what: str) -> random.Random:
        """Chance that is the same wherever the cell is run again."""
        return random.Random(f"{self.seed}/{self.injections}/{what}")
