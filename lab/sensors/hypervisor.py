"""What the hypervisor says: panics, resets, watchdogs, stops, I/O errors, and QEMU's own death."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.clock import Stopwatch
from lab.model import MachineEvent, Observation
from lab.sensors.thread import SensorThread

MOST_ERRORS = 1000
"""I/O errors recorded of one machine: QEMU 7.2 tells of each, and a bad disk makes thousands a second."""


class EventSink:
    """Turns driver events into observations; called on libvirt's event thread."""

    def __init__(self, record: Callable[[Observation], None], clock: Stopwatch) -> None:
        self._record = record
        self._clock = clock
        self._errors = 0

    def __call__(self, name: str, details: dict[str, Any]) -> None:
        if name == "io-error":
            self._errors += 1
            if self._errors > MOST_ERRORS:
                return
        self._record(MachineEvent(t_s=self._clock.t_s, name=name, details=details))


class LifeSensor(SensorThread):
    """Notices that QEMU itself is gone without having said why: the lab's fault, not the guest's.

    :param alive: whether the domain still exists.
    :param ended: whether a shutdown was announced (then its absence is no news).
    """

    def __init__(
        self,
        alive: Callable[[], bool],
        ended: Callable[[], bool],
        record: Callable[[Observation], None],
        clock: Stopwatch,
    ) -> None:
        super().__init__("life", interval_s=0.5)
        self._alive = alive
        self._ended = ended
        self._record = record
        self._clock = clock
        self._told = False

    def step(self) -> None:
        if self._told or self._alive():
            return
        self._told = True
        if not self._ended():
            self._record(MachineEvent(t_s=self._clock.t_s, name="process-gone"))
