"""What hosts can run: pure sums over facts that someone else has measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.model import Cell, Firmware, ImageInfo, Profile

GUEST_OVERHEAD_MIB = 160
"""What QEMU needs beside the guest's memory: 90 to 140 MiB with VNC and TCG's translation cache."""
CLONE_SHARE = 0.5
"""Of the guest's memory that a clone is expected to take for itself before one was measured: idle ones of
the images here take 30 to 40 %, and a scenario adds to that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the processors of a host take, by what runs guests on them."""

    first: float
    """vCPUs per CPU that a run begins with."""
    most: float
    """vCPUs per CPU that it may come to while the host's own pressure figures stay low."""
    starts: float
    """Guests per CPU between power-on and their first answer."""


LOADS: Mapping[str, Load] = {
    "kvm": Load(first=1.5, most=4.0, starts=2.0),
    # An emulated guest that boots fills a CPU: of three on two CPUs each took 1.4 times as long as of two,
    # and no more of them booted per minute.
    "tcg": Load(first=1.0, most=2.0, starts=1.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """A host as far as planning needs it."""

    name: str
    vcpus: int
    """Processors that guests may use."""
    memory_mib: int
    """For all guests together."""
    uefi: bool = True
    """OVMF is there."""
    tpm: bool = True
    """swtpm is there."""
    slots: int = 0
    """Guests at a time that the user allows at most; 0: no such limit."""
    factor: float = 1.0
    """How many times as slow as the reference host."""
    accelerator: str = "tcg"
    local: bool = True
    """Its pressure can be read here."""
    why: tuple[str, ...] = ()
    """Where processors and memory are from, one phrase each."""

    @property
    def load(self) -> Load:
        return LOADS.get(self.accelerator, LOADS["tcg"])

    @property
    def first_vcpus(self) -> int:
        """vCPUs at a time that a run begins with; never fewer than there are processors."""
        return max(1, int(self.vcpus * self.load.first))

    @property
    def most_vcpus(self) -> int:
        """vCPUs at a time that it may come to."""
        return max(self.first_vcpus, int(self.vcpus * self.load.most))

    @property
    def starts(self) -> int:
        """Guests that may be starting at a time."""
        return max(1, int(self.vcpus * self.load.starts))

    @property
    def most_slots(self) -> int:
        """Guests at a time, whatever they are."""
        return min(self.slots or self.most_vcpus, self.most_vcpus)

    def slots_for(self, memory_mib: int, vcpus: int = 1) -> int:
        """Guests that take so much at a time when a run begins; at least one, since cells that cannot fit
        are not planned.

        :param memory_mib: all that one takes of the host.
        """
        fitting = self.memory_mib // max(1, memory_mib)
        return max(1, min(self.slots or self.first_vcpus, self.first_vcpus // max(1, vcpus), fitting))


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


def memory_of(cell: Cell) -> int:
    """MiB of the host that the cell is expected to take, before anything was measured."""
    whole = cell.memory_mib + GUEST_OVERHEAD_MIB
    return whole if cell.cold else min(whole, round(cell.memory_mib * CLONE_SHARE) + GUEST_OVERHEAD_MIB)
