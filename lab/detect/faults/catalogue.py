"""The fault catalogue: by code, by name, by whatever is known of a fault.

`catalogue()` has the texts and reads them on first use; `brief()` has codes and names only and is
what the live path uses. Refuses to hold a fact that is not in the data files.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property

from lab.detect.faults.codes import brief_faults
from lab.detect.faults.fault import Fault, FaultClass, fold
from lab.detect.faults.load import all_faults
from lab.detect.faults.search import (
    NameIndex,
    bare_codes,
    by_words,
    closest_in,
    exact_names,
    plain,
    spelled_code,
)
from lab.model import Finding, FindingKind

SURE = 100.0
BESIDE_SURE = 85.0
"""Beside an exact hit, only what is nearly as good is worth showing."""


class Catalogue:
    """Faults and the ways to find them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = tuple(faults)
        self._stops: dict[int, Fault] = {}
        self._boot: dict[int, Fault] = {}
        self._leading: list[Fault] = []
        """Without the minidump forms, which stand for other entries."""
        for fault in self._faults:
            table = self._boot if fault.fault_class is FaultClass.BOOT_STATUS else self._stops
            for code in (fault.code, *fault.codes):
                if code is not None:
                    table.setdefault(code, fault)
        for fault in self._faults:
            if fault.code is None or self.stands_for(fault) is fault:
                self._leading.append(fault)

    def all(self) -> tuple[Fault, ...]:
        """Every fault, in the order of the files."""
        return self._faults

    def by_code(self, code: int) -> Fault | None:
        """The stop (or live dump, or message) with this code, minidump forms folded; otherwise the boot
        status; otherwise None."""
        code &= 0xFFFFFFFF
        return self._stops.get(fold(code)) or self._stops.get(code) or self._boot.get(code)

    def boot_status(self, code: int) -> Fault | None:
        """The boot status with this code, which the boot manager showed."""
        return self._boot.get(code & 0xFFFFFFFF)

    def by_name(self, name: str) -> Fault | None:
        """The fault with this name or alias; case, spaces and underscores do not count."""
        found = self._exact.get(plain(name))
        return None if found is None else self.stands_for(found)

    def stands_for(self, fault: Fault) -> Fault:
        """The stop that a minidump form stands for; any other fault itself."""
        if fault.fault_class is FaultClass.BOOT_STATUS or fault.code is None:
            return fault
        return self._stops.get(fold(fault.code), fault)

    def search(self, text: str, limit: int = 5) -> list[tuple[Fault, float]]:
        """Faults for a code in any spelling, a name (also a damaged one) or words; best first, each once,
        with a score from 0 to 100."""
        found: dict[str, tuple[Fault, float]] = {}
        for fault, score in self._candidates(text, limit):
            key = f"{fault.fault_class}:{fault.name}:{fault.code}"
            if key not in found or found[key][1] < score:
                found[key] = (fault, score)
        ranked = sorted(found.values(), key=lambda pair: -pair[1])
        sure = bool(ranked) and ranked[0][1] >= SURE
        return [pair for pair in ranked if not sure or pair[1] >= BESIDE_SURE][:limit]

    def closest_name(self, text: str) -> tuple[Fault, float] | None:
        """The stop whose name a line of read text holds, whatever the reader did to it, and a score from
        0 to 100; None when no name is near enough."""
        return closest_in(self._names, text)

    def of_finding(self, finding: Finding) -> Fault | None:
        """The entry that explains a finding: by its code, otherwise by how its title begins."""
        if finding.code is not None:
            boot = finding.kind in (FindingKind.BOOT_FAILURE, FindingKind.RECOVERY_SCREEN)
            return (self.boot_status(finding.code) if boot else None) or self.by_code(finding.code)
        titles = [title.lower() for title in (finding.signature.title, *finding.signature.alt_titles)]
        for title in titles:
            best = [begin for begin in self._beginnings if title.startswith(begin)]
            if best:
                return self._beginnings[max(best, key=len)]
        return None

    def _candidates(self, text: str, limit: int) -> list[tuple[Fault, float]]:
        found: list[tuple[Fault, float]] = []
        code = spelled_code(text)
        codes = [(code, SURE)] if code is not None else list(bare_codes(text))
        for value, score in codes:
            found += [(fault, score) for fault in self._with_code(value)]
        named = self.by_name(text)
        if named is not None:
            found.append((named, SURE))
        read = closest_in(self._names, text) or closest_in(self._names, text.upper())
        if read is not None:
            found.append(read)
        if not codes or not found:
            found += by_words(self._leading, text, limit + 3)
        return found

    def _with_code(self, code: int) -> list[Fault]:
        """Stop and boot status of one code, which may both exist; NTSTATUS values are also given without
        their 0xC0000000."""
        main = self.by_code(code)
        boot = self.boot_status(code) or self.boot_status(code | 0xC0000000)
        return [fault for fault in (main, boot if boot is not main else None) if fault is not None]

    @cached_property
    def _exact(self) -> dict[str, Fault]:
        return dict(exact_names(self._faults))

    @cached_property
    def _names(self) -> NameIndex:
        windows = (FaultClass.STOP, FaultClass.LIVE_DUMP)
        return NameIndex.of([fault for fault in self._leading if fault.fault_class in windows])

    @cached_property
    def _beginnings(self) -> dict[str, Fault]:
        linux = [fault for fault in self._faults if fault.fault_class is FaultClass.LINUX]
        return {name.lower(): fault for fault in linux for name in fault.names}


@cache
def catalogue() -> Catalogue:
    """The whole catalogue; the texts are read on the first call (some tenths of a second)."""
    return Catalogue(all_faults())


@cache
def brief() -> Catalogue:
    """Codes and names only; reads one small table on the first call."""
    return Catalogue(brief_faults())


def closest_name(text: str) -> tuple[Fault, float] | None:
    """`Catalogue.closest_name` of the brief catalogue."""
    return brief().closest_name(text)
