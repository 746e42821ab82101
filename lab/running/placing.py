"""Which host runs which cell: both arms of a comparison on the same one, work spread by size. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.matrix.capacity import GUEST_OVERHEAD_MIB, HostFacts
from lab.model import Cell, CellId, Firmware, Profile


def place(
    cells: Sequence[Cell], profiles: Mapping[str, Profile], hosts: Sequence[HostFacts]
) -> dict[CellId, str]:
    """Cell id to host name. Twins go together to the host with the least work per guest slot.

    A cell that fits no host goes to the first one; the plan has already said why it cannot run.
    """
    work = {host.name: 0.0 for host in hosts}
    chosen: dict[tuple[str, str, str, int, int], str] = {}
    slots = {host.name: host.most_slots for host in hosts}
    for cell in cells:
        if cell.twin_key not in chosen:
            fitting = [host for host in hosts if fits(cell, profiles[cell.profile], host)] or [hosts[0]]
            chosen[cell.twin_key] = min(fitting, key=lambda host: work[host.name]).name
        name = chosen[cell.twin_key]
        work[name] += 1.0 / slots[name]
    return {cell.id: chosen[cell.twin_key] for cell in cells}


def fits(cell: Cell, profile: Profile, host: HostFacts) -> bool:
    """Whether the host can run the cell at all."""
    return (
        cell.vcpus <= host.vcpus
        and cell.memory_mib + GUEST_OVERHEAD_MIB <= host.memory_mib
        and (host.uefi or profile.firmware is not Firmware.UEFI)
        and (host.tpm or not profile.tpm)
    )


def demand(cell: Cell) -> dict[str, float]:
    """What a cell takes of a worker's resources, where a scheduler elsewhere places it."""
    return {
        "vcpus": float(cell.vcpus),
        "mem_mib": float(cell.memory_mib + GUEST_OVERHEAD_MIB),
        "slots": 1.0,
    }
