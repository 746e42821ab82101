"""Files that are dumps of something else: named, so that nobody takes them for a kernel crash.

Refuses to read them; a Linux core's kernel log is taken out where the lab's host tools are.
"""

from __future__ import annotations

from dataclasses import dataclass

ELF_CORE = 4
"""e_type ET_CORE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A format that this room recognises and does not read."""

    start: bytes
    format: str
    reason: str
    source: str


USER_MODE = "a user-mode minidump: a program crashed, not the kernel"
LINUX_CORE = "a memory image of a guest: whether it crashed stands in its kernel log"

FOREIGN: tuple[Foreign, ...] = (
    Foreign(start=b"MDMP", format="user-mode", reason=USER_MODE, source="minidumpapiset.h"),
    Foreign(start=b"USERDUMP", format="user-mode", reason=USER_MODE, source="userdump of Windows NT 4"),
    Foreign(start=b"USERDU64", format="user-mode", reason=USER_MODE, source="userdump of Windows 2000"),
    Foreign(start=b"KDUMP   ", format="kdump", reason=LINUX_CORE, source="makedumpfile diskdump_mod.h"),
    Foreign(start=b"DISKDUMP", format="kdump", reason=LINUX_CORE, source="makedumpfile diskdump_mod.h"),
    Foreign(start=b"makedumpfile\0", format="kdump-flat", reason=LINUX_CORE, source="makedumpfile.h"),
    Foreign(start=b"EMiL", format="lime", reason="a raw memory image", source="LiME lime.h"),
    Foreign(start=b"HIBR", format="hibernation", reason="a hibernation file", source="rekall hibernation.py"),
    Foreign(start=b"hibr", format="hibernation", reason="a hibernation file", source="rekall hibernation.py"),
    Foreign(start=b"RSTR", format="hibernation", reason="a hibernation file", source="rekall hibernation.py"),
    Foreign(start=b"WAKE", format="hibernation", reason="a hibernation file", source="rekall hibernation.py"),
)


def foreign(start: bytes) -> Foreign | None:
    """The format of a file by its first bytes, None when it is unknown here."""
    for known in FOREIGN:
        if start.startswith(known.start):
            return known
    if start[:4] == b"\x7fELF" and len(start) >= 18:
        little = start[5] == 1
        if int.from_bytes(start[16:18], "little" if little else "big") == ELF_CORE:
            return Foreign(start=b"\x7fELF", format="elf-core", reason=LINUX_CORE, source="elf(5)")
    return None
