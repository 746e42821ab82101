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
    for cell in cells:
        if cell.twin_key not in chosen:
            fitting = [host for host in hosts if fits(cell, profiles[cell.profile], host)] or [hosts[0]]
            chosen[cell.twin_key] = min(fitting, key=lambda host: work[host.name]).name
        name = chosen[cell.twin_key]
        slots = next(slots_of(host) for host in hosts if host.name == name)
        work[name] += 1.0 / slots
    return {cell.id: chosen[cell.twin_key] for cell in cells}


def fits(cell: Cell, profile: Profile, host: HostFacts) -> bool:
    """Whether the host can run the cell at all."""
    return (
        cell.vcpus <= host.vcpus
        and cell.memory_mib + GUEST_OVERHEAD_MIB <= host.memory_mib
        and (host.uefi or profile.firmware is not Firmware.UEFI)
        and (host.tpm or not profile.tpm)
    )


def slots_of(host: HostFacts) -> int:
    """Guests at a time."""
    return host.slots or host.vcpus


def resources(hosts: Sequence[HostFacts]) -> dict[str, float]:
    """What the in-process worker has to give, host by host."""
    given: dict[str, float] = {}
    for host in hosts:
        slots = slots_of(host)
        given[f"vcpus:{host.name}"] = float(max(host.vcpus, slots))
        given[f"mem_mib:{host.name}"] = float(host.memory_mib)
        given[f"slots:{host.name}"] = float(slots)
    return given


def demand(cell: Cell, host: str) -> dict[str, float]:
    """What a cell takes of it. Workers of a scheduler elsewhere name no host: `host` is "" then."""
    suffix = f":{host}" if host else ""
    return {
        f"vcpus{suffix}": float(cell.vcpus),
        f"mem_mib{suffix}": float(cell.memory_mib + GUEST_OVERHEAD_MIB),
        f"slots{suffix}": 1.0,
    }
