"""Which guest may begin on a host now: the one book of what the run's guests take of it.

Memory is counted as measured, the RAM of a template once while any clone of it is there. Starts are
counted apart, since many at once make each of them late. Guests that measure latency get processors that
nobody else has. Where nothing runs, the next guest always may: a run comes to its end on any host that
the plan has found large enough. Refuses to start anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from lab.matrix.capacity import HostFacts
from lab.running.admission_demand import Claim
from lab.running.admission_pace import Pace, Pressure

BESIDE_ALONE = 1
"""Guests that may be starting while one measures latency."""


@dataclass(slots=True)
class _Guest:
    claim: Claim
    starting: bool = True


@dataclass(slots=True)
class Admission:
    """One host's book."""

    facts: HostFacts
    pace: Pace = field(init=False)
    refused: Counter[str] = field(default_factory=Counter)
    """How often the next guest began to wait, by what for."""
    most_guests: int = 0
    """The most that were there at a time."""
    _guests: dict[str, _Guest] = field(default_factory=dict)
    _pressure: Pressure = field(default_factory=Pressure)
    _waits_for: str = ""

    def __post_init__(self) -> None:
        self.pace = Pace(self.facts)

    # -- the book ------------------------------------------------------------

    def take(self, name: str, claim: Claim) -> None:
        """A guest begins; it is starting until `answered`."""
        self._guests[name] = _Guest(claim)
        self.most_guests = max(self.most_guests, len(self._guests))

    def answered(self, name: str) -> None:
        """Its start is over."""
        if name in self._guests:
            self._guests[name].starting = False

    def release(self, name: str) -> None:
        """It is gone, or was never there."""
        self._guests.pop(name, None)

    @property
    def guests(self) -> int:
        return len(self._guests)

    @property
    def starting(self) -> int:
        """Guests between power-on and their first answer."""
        return sum(1 for guest in self._guests.values() if guest.starting)

    @property
    def vcpus(self) -> int:
        return sum(guest.claim.vcpus for guest in self._guests.values())

    @property
    def memory_mib(self) -> int:
        """Of all guests, templates once."""
        own = sum(guest.claim.memory_mib for guest in self._guests.values())
        return own + sum(self._shared().values())

    # -- the decision --------------------------------------------------------

    def refuses(self, claim: Claim) -> str:
        """What a guest has to wait for, in words; "" when it may begin."""
        waited, self._waits_for = self._waits_for, ""
        if not self._guests:
            return ""
        for what, why in (
            ("pressure", self.pace.held),
            ("cap", self._over_cap()),
            ("starts", self._too_many_starts()),
            ("alone", self._disturbs(claim)),
            ("processors", self._no_processors(claim)),
            ("memory", self._no_memory(claim)),
        ):
            if why:
                self._waits_for = what
                self.refused[what] += what != waited
                return why
        return ""

    def adapt(self, pressure: Pressure) -> str:
        """Take the host's figures into account; what has changed, in words, or ""."""
        self._pressure = pressure
        wanted = self._waits_for == "processors"
        return self.pace.adapt(pressure, wanted=wanted, starting=self.starting, running=self.vcpus)

    def _over_cap(self) -> str:
        slots = self.facts.slots
        return f"lab.yaml allows {slots} guests at a time" if slots and self.guests >= slots else ""

    def _too_many_starts(self) -> str:
        alone = any(guest.claim.alone for guest in self._guests.values())
        most = BESIDE_ALONE if alone else self.facts.starts
        return f"{self.starting} guests are starting" if self.starting >= most else ""

    def _disturbs(self, claim: Claim) -> str:
        """A guest that measures latency must find its processors free, and keep them."""
        alone = claim.alone or any(guest.claim.alone for guest in self._guests.values())
        if not alone or self.vcpus + claim.vcpus <= self.facts.vcpus:
            return ""
        who = "this guest measures" if claim.alone else "a guest measures"
        return f"{who} latency, and {self.vcpus} of {self.facts.vcpus} processors are in use"

    def _no_processors(self, claim: Claim) -> str:
        if self.vcpus + claim.vcpus <= self.pace.vcpus:
            return ""
        return f"{self.vcpus} of {self.pace.vcpus} vCPUs at a time are in use"

    def _no_memory(self, claim: Claim) -> str:
        """By the book, and by what the host says: others may take memory too."""
        shared = self._shared()
        needed = claim.memory_mib + (0 if claim.shared in shared else claim.shared_mib)
        left = self.facts.memory_mib - self.memory_mib
        if needed > left:
            return f"{needed} MiB of memory are needed, {left} are left"
        available = self._pressure.memory_available_mib
        if available is None:
            return ""
        coming = sum(guest.claim.memory_mib for guest in self._guests.values() if guest.starting)
        free = int(available) - coming - sum(shared.values())
        return f"{needed} MiB of memory are needed, the host has {free}" if needed > free else ""

    def _shared(self) -> dict[str, int]:
        claims = (guest.claim for guest in self._guests.values())
        return {claim.shared: claim.shared_mib for claim in claims if claim.shared}

    # -- for people ----------------------------------------------------------

    def facts_of_run(self) -> dict[str, object]:
        """For run.json: what was found, and what it came to."""
        return {
            "host": self.facts.name,
            "why": list(self.facts.why),
            "vcpus_first": self.facts.first_vcpus,
            "vcpus_most": self.pace.most,
            "starts": self.facts.starts,
            "memory_mib": self.facts.memory_mib,
            "guests_most": self.most_guests,
            "waited_for": dict(self.refused),
            "changes": list(self.pace.changes),
        }
