"""The machine's pulse: what its CPUs and disks did since it started, and how the host was meanwhile.

Every few seconds the numbers that cost nothing; when the guest is suspected of not answering, a burst of
samples with the instruction pointer of every CPU, from which the difference between an idle, a spinning
and a blocked guest can be read. Reads only: the guest is never stopped for it. Holds no opinion.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from lab.clock import Stopwatch
from lab.model import MachineSample, Observation, VcpuSample
from lab.sensors.thread import SensorThread

INTERVAL_S = 5.0
BURST = 5
BURST_INTERVAL_S = 0.3
REST_S = 10.0
"""From the end of a burst to the next that a lasting suspicion brings."""

STATES = {
    1: "running", 2: "blocked", 3: "paused", 4: "shutdown", 5: "shutoff", 6: "crashed", 7: "pmsuspended",
}  # fmt: skip
"""virDomainState."""
SUMS = {"rd_bytes": "rd.bytes", "wr_bytes": "wr.bytes", "rd_reqs": "rd.reqs", "wr_reqs": "wr.reqs"}


class CpuLike(Protocol):
    """What is read of one CPU's registers."""

    @property
    def cpu(self) -> int: ...
    @property
    def ip(self) -> int | None: ...
    @property
    def halted(self) -> bool | None: ...
    @property
    def where(self) -> str: ...


class Patient(Protocol):
    """The machine, as far as its pulse is concerned."""

    def figures(self) -> Mapping[str, Any]:
        """libvirt's statistics by its own names."""
        ...

    def cpus(self) -> tuple[CpuLike, ...]:
        """Registers of every virtual CPU, read without stopping it."""
        ...

    def in_flight(self) -> int | None:
        """Disk requests that QEMU has taken and not answered, where it counts them."""
        ...


class PulseSensor(SensorThread):
    """Samples one machine.

    :param host: the host's own numbers; None for a machine on another host.
    """

    def __init__(
        self,
        machine: Patient,
        record: Callable[[Observation], None],
        clock: Stopwatch,
        *,
        host: Callable[[], dict[str, float]] | None = None,
        interval_s: float = INTERVAL_S,
    ) -> None:
        super().__init__("pulse", interval_s=interval_s)
        self._machine = machine
        self._record = record
        self._clock = clock
        self._host = host
        self._due_s: float | None = None
        self._rested_s = 0.0
        self._suspected = threading.Event()
        self._burst = threading.Lock()

    def suspect(self) -> None:
        """The guest may be hanging: take a burst soon. From any thread, as often as one likes."""
        if not self._suspected.is_set() and self._clock.t_s >= self._rested_s:
            self._suspected.set()
            self.wake()

    def burst(self) -> None:
        """Take a burst now, in the calling thread.

        :raise MachineError: the machine cannot be read.
        """
        with self._burst:
            for number in range(BURST):
                if number:
                    time.sleep(BURST_INTERVAL_S)
                self._sample(deep=True)
            self._rested_s = self._clock.t_s + REST_S

    def step(self) -> None:
        due, self._due_s = self._due_s, self._clock.t_s + self.interval_s
        if self._suspected.is_set():
            self._suspected.clear()
            self.burst()
        else:
            self._sample(deep=False, late_s=max(0.0, self._clock.t_s - due) if due is not None else 0.0)

    def _sample(self, *, deep: bool, late_s: float = 0.0) -> None:
        figures = self._machine.figures()
        cpus = self._machine.cpus() if deep else ()
        block = sums(figures)
        waiting = self._machine.in_flight() if deep else None
        if waiting is not None:
            block["in_flight"] = waiting
        host = self._host() if self._host is not None else {}
        self._record(
            MachineSample(
                t_s=self._clock.t_s,
                state=STATES.get(figures.get("state.state", 0), "unknown"),
                vcpus=vcpus(figures, cpus),
                block=block,
                host={**host, "late_s": round(late_s, 3)} if host else {},
            )
        )


def sums(figures: Mapping[str, Any]) -> dict[str, int]:
    """Of all disks; empty where libvirt could not ask QEMU."""
    count = int(figures.get("block.count", 0))
    return {
        name: sum(int(figures.get(f"block.{number}.{theirs}", 0)) for number in range(count))
        for name, theirs in SUMS.items()
        if any(f"block.{number}.{theirs}" in figures for number in range(count))
    }


def vcpus(figures: Mapping[str, Any], cpus: tuple[CpuLike, ...]) -> tuple[VcpuSample, ...]:
    """Both sources by number of the CPU; libvirt tells times in ns."""
    by_number = {cpu.cpu: cpu for cpu in cpus}
    numbers = sorted({*range(int(figures.get("vcpu.current", 0))), *by_number})
    found = []
    for number in numbers:
        cpu, used = by_number.get(number), figures.get(f"vcpu.{number}.time")
        found.append(
            VcpuSample(
                cpu=number,
                ip=cpu.ip if cpu else None,
                halted=cpu.halted if cpu else None,
                time_s=int(used) / 1e9 if used is not None else None,
                where=cpu.where if cpu else "",
            )
        )
    return tuple(found)
