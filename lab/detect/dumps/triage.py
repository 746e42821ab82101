"""The driver list of a minidump (DumpType 4): loaded modules by name, and the driver that Windows blames.

Refuses half a list: where less than half of the entries make sense there are no modules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.detect.dumps.layout import PAGE, TRIAGE32, TRIAGE64, UNSET32, Bytes, HeaderLayout, TriageLayout

MOST_MODULES = 2048
LONGEST_NAME = 520
"""Characters of a path."""
LARGEST_IMAGE = 1 << 30
KERNEL64, KERNEL32 = 0xFFFF800000000000, 0x80000000
NAME = re.compile(r"[\w .$~@#&()\[\]{}+,=^!%'-]{1,96}")


@dataclass(frozen=True, slots=True)
class Module:
    """A loaded kernel module; addresses are virtual."""

    name: str
    """Base name in lower case: `csagent.sys`."""
    base: int
    size: int

    def holds(self, address: int) -> bool:
        return self.base <= address < self.base + self.size


def triage_modules(data: Bytes, header: HeaderLayout) -> tuple[tuple[Module, ...], str]:
    """Modules by address, and the name of the driver that Windows blamed ("" where it blamed none)."""
    layout = TRIAGE64 if header.bits == 64 else TRIAGE32
    if data.size < layout.start + 0x48:
        return (), ""
    count = data.u32(layout.start + layout.driver_count)
    first = data.u32(layout.start + layout.driver_list)
    blamed = broken_driver(data, layout, header.bits)
    if first in (0, UNSET32) or not 0 < count <= MOST_MODULES:
        return (), blamed
    pool = data.u32(layout.start + layout.string_pool)
    strides = list(layout.strides)
    likely = (pool - first) // count if pool > first else 0
    if likely in strides:
        strides.insert(0, likely)
    best: list[Module] = []
    for stride in strides:
        found = [
            m for number in range(count) if (m := entry(data, layout, header.bits, first + number * stride))
        ]
        if len(found) > len(best):
            best = found
        if len(best) == count:
            break
    if len(best) * 2 < count:
        return (), blamed
    return tuple(sorted(best, key=lambda module: module.base)), blamed


def entry(data: Bytes, layout: TriageLayout, bits: int, offset: int) -> Module | None:
    """The module of the driver entry at `offset`, None when that is not one."""
    name = dump_string(data, data.u32(offset))
    base = data.word(offset + layout.entry_base, bits // 8) or 0
    size = data.u32(offset + layout.entry_size)
    return Module(name, base, size) if name and is_image(base, size, bits) else None


def is_image(base: int, size: int, bits: int) -> bool:
    """Whether a kernel module can stand there."""
    lowest = KERNEL64 if bits == 64 else KERNEL32
    return base >= lowest and base % PAGE == 0 and 0 < size <= LARGEST_IMAGE


def broken_driver(data: Bytes, layout: TriageLayout, bits: int) -> str:
    """The blamed driver: the field points to its name, or to its entry in the list (versions differ)."""
    offset = data.u32(layout.start + layout.broken_driver)
    if offset in (0, UNSET32) or offset < layout.start:
        return ""
    found = entry(data, layout, bits, offset)
    return found.name if found else dump_string(data, offset)


def dump_string(data: Bytes, offset: int) -> str:
    """The base name in a DUMP_STRING: a length, then UTF-16 and a NUL. The length counts characters
    (some writers: bytes); the NUL tells which."""
    length = data.u32(offset)
    if offset <= 0 or not 0 < length <= LONGEST_NAME * 2:
        return ""
    for size in (length * 2, length):
        if size % 2 == 0 and data.word(offset + 4 + size, 2) == 0:
            name = base_name(data.take(offset + 4, size))
            if name:
                return name
    return ""


def base_name(raw: bytes) -> str:
    """A module's base name from UTF-16 text of its path, "" when that is no name."""
    try:
        path = raw.decode("utf-16-le")
    except UnicodeDecodeError:
        return ""
    name = path.replace("/", "\\").rpartition("\\")[2].lower()
    return name if NAME.fullmatch(name) else ""
