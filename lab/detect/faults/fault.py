"""One fault of the catalogue, and how Windows' codes are folded to it.

Refuses to know where faults come from and how they are searched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MINIDUMP_FORM = 0x10000000
"""Set in the code of the minidump form of a stop: 0x1000007E is 0x7E (bugcodes.h names them ..._M)."""


class FaultClass(StrEnum):
    """What sort of thing a fault is."""

    STOP = "stop"
    """A Windows bug check: the system stopped."""
    LIVE_DUMP = "live-dump"
    """A code that Windows gives to a dump of a system that goes on running."""
    MESSAGE = "message"
    """A text of bugcodes.h that is no fault at all."""
    LINUX = "linux"
    BOOT_STATUS = "boot-status"
    """What the Windows boot manager or recovery shows when it cannot start the system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One entry of the catalogue. A brief one (from codes.tsv) has no texts."""

    name: str
    fault_class: FaultClass
    code: int | None = None
    codes: tuple[int, ...] = ()
    """Further codes of the same fault (minidump forms)."""
    aliases: tuple[str, ...] = ()
    """Older names, other sources' spellings; of a Linux fault, how its titles begin."""
    cause: str = ""
    """The usual cause class: driver, memory, disk, hardware, ..."""
    meaning: str = ""
    parameters: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    """First things to check, most useful first."""
    provoke: str = ""
    """How a tester can bring it about, or why not."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where each fact is from, by field."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its name, then its aliases."""
        return (self.name, *self.aliases)

    @property
    def is_crash(self) -> bool:
        """Whether a kernel that shows this code stopped."""
        return self.fault_class is FaultClass.STOP


def fold(code: int) -> int:
    """The code that the catalogue lists: 32 bits (a 64-bit field may hold a sign extension), minidump
    forms mapped to their stop."""
    code &= 0xFFFFFFFF
    return code & ~MINIDUMP_FORM if code >> 28 == 1 else code
