"""What hosts can run: pure sums over facts that someone else has measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.model import Firmware, ImageInfo, Profile

GUEST_OVERHEAD_MIB = 160
"""What QEMU needs beside the guest's memory: 90 to 140 MiB with VNC and TCG's translation cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """A host as far as planning needs it."""

    name: str
    vcpus: int
    memory_mib: int
    """For all guests together."""
    uefi: bool = True
    """OVMF is there."""
    tpm: bool = True
    """swtpm is there."""
    slots: int = 0
    """Guests at a time; 0 lets processors and memory decide."""
    factor: float = 1.0
    """How many times as slow as the reference host."""

    def slots_for(self, memory_mib: int) -> int:
        """Guests of this size at a time; at least one, since cells that cannot fit are not planned."""
        fitting = self.memory_mib // (memory_mib + GUEST_OVERHEAD_MIB)
        return max(1, min(self.slots or self.vcpus, fitting))


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why something cannot run, and what mends it."""

    reason: str
    hint: str = ""


def misfit(image: ImageInfo, profile: Profile) -> str:
    """Why this image and profile make no cell, or "": a rule of the matrix, not a shortage."""
    if image.firmware is not profile.firmware:
        return (
            f"image {image.name} starts with {image.firmware}, profile {profile.name} has {profile.firmware}"
        )
    if image.needs_tpm and not profile.tpm:
        return f"image {image.name} needs a TPM, profile {profile.name} has none"
    return ""


def obstacle(
    image: ImageInfo, profile: Profile, *, memory_mib: int, vcpus: int, hosts: Sequence[HostFacts]
) -> Obstacle | None:
    """Why no host can run such a cell; without any host facts, hosts are not held against it."""
    if image.unrunnable:
        return Obstacle(image.unrunnable, image.hint)
    if memory_mib < image.min_memory_mib:
        return Obstacle(
            f"image {image.name} needs {image.min_memory_mib} MiB of memory, the cell has {memory_mib}",
            f"raise profiles.{profile.name}.memory in lab.yaml",
        )
    refusals = [_refusal(host, profile, memory_mib, vcpus) for host in hosts]
    if not refusals or None in refusals:
        return None
    known = [one for one in refusals if one is not None]
    return Obstacle("; ".join(one.reason for one in known), known[0].hint)


def _refusal(host: HostFacts, profile: Profile, memory_mib: int, vcpus: int) -> Obstacle | None:
    where = f"host {host.name}"
    if profile.firmware is Firmware.UEFI and not host.uefi:
        return Obstacle(f"{where} has no UEFI firmware (OVMF)", "lab doctor says how to install OVMF")
    if profile.tpm and not host.tpm:
        return Obstacle(f"{where} has no swtpm", "lab doctor says how to install swtpm")
    if vcpus > host.vcpus:
        return Obstacle(
            f"{where} has {host.vcpus} processors, the cell needs {vcpus}",
            f"lower profiles.{profile.name}.vcpus in lab.yaml or add a larger host",
        )
    if memory_mib + GUEST_OVERHEAD_MIB > host.memory_mib:
        needed = memory_mib + GUEST_OVERHEAD_MIB
        return Obstacle(
            f"{where} has {host.memory_mib} MiB of memory for guests, the cell needs {needed}",
            f"lower profiles.{profile.name}.memory in lab.yaml or add a larger host",
        )
    return None
