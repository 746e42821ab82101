"""How many virtual processors a host runs at a time: found while the run is going on.

It begins with what its processors carry for sure. While cells wait for processors and the host's own
pressure figures (PSI) are low, one more is let in; when tasks wait for a processor or for memory, fewer.
Guests that run are left alone: a lower number means that fewer begin. Refuses to read anything itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.matrix.capacity import HostFacts

EVERY_S = 10.0
"""The kernel's shortest average of pressure is over 10 s: looking more often sees the same again."""
CALM = 0.40
"""Share of time in which some task waited for a processor, below which one more guest is let in."""
CROWDED = 0.75
"""Above it fewer are: detectors call a host overloaded from there on (`lab.detect.pulse`)."""
MEMORY_STALL = 0.10
"""Share of time in which some task waited for memory: the host is swapping or reclaiming."""
LEAST_MEMORY_MIB = 512
"""Available to the host itself: with less, nothing is started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """How a host is doing; None for what it does not tell."""

    cpu: float | None = None
    """Share of the last 10 s in which some task waited for a processor."""
    memory: float | None = None
    """The same, for memory."""
    memory_available_mib: float | None = None


@dataclass(slots=True)
class Pace:
    """The number for one host, and how it came to be."""

    facts: HostFacts
    vcpus: int = 0
    """At a time, now."""
    held: str = ""
    """Why nothing may start now, or ""."""
    most: int = 0
    """The highest that `vcpus` has been."""
    changes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.vcpus = self.most = self.facts.first_vcpus

    def adapt(self, pressure: Pressure, *, wanted: bool, starting: int, running: int) -> str:
        """Take the host's figures into account.

        :param wanted: cells wait for processors.
        :param starting: guests that are starting: their work is not there for long.
        :param running: vCPUs of all guests.
        :return: what has changed and why, or "".
        """
        self.held = _shortage(pressure)
        before, share = self.vcpus, pressure.cpu
        if self.held or (share is not None and share >= CROWDED and running > 0):
            self.vcpus = max(1, min(self.vcpus, running) - max(1, running // 8))
        elif wanted and share is not None and share < CALM and not starting:
            self.vcpus = min(self.facts.most_vcpus, self.vcpus + max(1, self.facts.vcpus // 8))
        elif self.vcpus < self.facts.first_vcpus and share is not None and share < CALM:
            self.vcpus = min(self.facts.first_vcpus, self.vcpus + max(1, self.facts.vcpus // 8))
        if self.vcpus == before:
            return ""
        self.most = max(self.most, self.vcpus)
        waited = f"tasks waited for a processor {share:.0%} of the time" if share is not None else ""
        said = f"vCPUs at a time: {before} -> {self.vcpus} ({self.held or waited})"
        self.changes.append(said)
        return said


def _shortage(pressure: Pressure) -> str:
    """Why the host's memory allows no more guests, or ""."""
    if pressure.memory is not None and pressure.memory >= MEMORY_STALL:
        return f"tasks waited for memory {pressure.memory:.0%} of the time"
    available = pressure.memory_available_mib
    if available is not None and available < LEAST_MEMORY_MIB:
        return f"{available:.0f} MiB of memory are available"
    return ""
