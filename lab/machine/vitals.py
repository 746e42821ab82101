"""A running machine read from outside, without stopping it: figures, registers, requests in flight.

What the pulse sensor and the evidence are made of. Refuses to interpret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from lab.errors import MachineError
from lab.machine import registers
from lab.machine.registers import CpuState

QUEUES = 16
"""Most queues of one disk that are asked; virtio-blk has one per virtual CPU."""


class Asked(Protocol):
    """`lab.machine.driver.Domain`, as far as it is needed here."""

    def figures(self) -> dict[str, Any]: ...

    def monitor(self, request: dict[str, Any] | str) -> Any: ...


class Vitals:
    """Reads one domain."""

    def __init__(self, domain: Asked, *, vcpus: int) -> None:
        self._domain = domain
        self._queues = min(vcpus, QUEUES)
        self._disks: tuple[str, ...] | None = None

    def figures(self) -> Mapping[str, Any]:
        """libvirt's statistics. :raise MachineError: the domain is gone."""
        return self._domain.figures()

    def registers(self) -> str:
        """QEMU's own text, of every virtual CPU. :raise MachineError: QEMU refused."""
        return str(self._domain.monitor(registers.QUERY))

    def cpus(self) -> tuple[CpuState, ...]:
        """Where every virtual CPU is; 1.5 ms. :raise MachineError: QEMU refused."""
        return registers.parse(self.registers())

    def in_flight(self) -> int | None:
        """Requests that virtio disks wait for; None where there is no such disk, or QEMU before 7.2."""
        try:
            if self._disks is None:
                self._disks = self._find_disks()
            if not self._disks:
                return None
            return sum(self._in_use(path) for path in self._disks)
        except MachineError:
            self._disks = ()
            return None

    def _find_disks(self) -> tuple[str, ...]:
        devices = self._domain.monitor({"execute": "x-query-virtio"})
        return tuple(device["path"] for device in devices if device.get("name") == "virtio-blk")

    def _in_use(self, path: str) -> int:
        total = 0
        for queue in range(self._queues):
            arguments = {"path": path, "queue": queue}
            request = {"execute": "x-query-virtio-queue-status", "arguments": arguments}
            try:
                total += int(self._domain.monitor(request).get("inuse", 0))
            except MachineError:
                if queue == 0:
                    raise
                break  # the disk has fewer queues than the machine has processors
        return total
