"""How large a guest is, and what an intensity means on it. Decides no tool's options."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lab.errors import InputError

MOST = 4.0
"""Four times everything there is: beyond that only the queue gets longer."""
RESERVE_MIB = 48
"""Memory that a load leaves to the guest's own programs and the lab's channel at intensity 1.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSize:
    """What a guest has to spare when a load begins."""

    vcpus: int
    memory_mib: int
    available_mib: int
    disk_free_mib: int
    """Where the load keeps its files."""

    def workers(self, intensity: float, per_vcpu: float = 1.0) -> int:
        """Workers for `intensity` of all CPUs; at least one."""
        return max(1, math.ceil(self.vcpus * per_vcpu * intensity - 1e-9))

    def duty(self, intensity: float) -> float:
        """Share of the time that each of `workers(intensity)` is at work, above 0 and at most 1."""
        return min(1.0, self.vcpus * intensity / self.workers(intensity))

    def memory_target_mib(self, intensity: float) -> int:
        """Memory to take: 1.0 is all that is available but a reserve; above 1.0 more than there is."""
        return max(8, int((self.available_mib - RESERVE_MIB) * intensity))

    def file_target_mib(self, intensity: float) -> int:
        """Size of a large file: 1.0 is an eighth of the free disk, or twice the memory if that is less."""
        return max(4, int(min(self.disk_free_mib / 8, 2 * self.memory_mib) * intensity))


def check(intensity: float) -> float:
    """:raise InputError: not above 0 and at most `MOST`."""
    if not 0 < intensity <= MOST:
        raise InputError(
            f"intensity {intensity!r}: wanted above 0 and at most {MOST:g} (1.0 is all there is)"
        )
    return float(intensity)


def parse(text: str) -> tuple[GuestSize, list[str]]:
    """What `load.sh size` and `load.ps1 size` print.

    CPUs; total and available KiB of memory; free KiB of the disk; then a line for each missing program.

    :raise ValueError: it is something else.
    """
    cpus, memory, disk, *missing = text.splitlines()
    total, available = memory.split()
    size = GuestSize(
        vcpus=int(cpus),
        memory_mib=int(total) // 1024,
        available_mib=int(available) // 1024,
        disk_free_mib=int(disk) // 1024,
    )
    return size, [name.strip() for name in missing if name.strip()]
