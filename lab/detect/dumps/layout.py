"""Where things stand in Windows crash dump files: tables of offsets, and bounded reads.

Offsets are in bytes. Facts: ntiodump.h of the Windows debugging tools as published by rekall and
volatility (crash_vtypes), kdmp-parser (BMP and RDMP headers) and the WDK's wdm.h (attributes);
written down here anew. Refuses to interpret what it reads.
"""

from __future__ import annotations

from dataclasses import dataclass

UNSET32 = int.from_bytes(b"PAGE", "little")
"""Windows fills a header with `PAGE` before it writes the fields; what is still so was never written."""
UNSET64 = int.from_bytes(b"PAGEPAGE", "little")
PAGE = 4096
REQUIRED_SPACE = 0xFA0
"""RequiredDumpSpace: bytes of the whole dump, 64 bits wide in both headers."""
RUNS_BYTES = 700
"""Size of the field that holds the physical memory runs."""


class DumpError(ValueError):
    """Not a dump that can be read. `str()` is the reason, for a person."""


@dataclass(frozen=True, slots=True)
class HeaderLayout:
    """DUMP_HEADER64 or DUMP_HEADER32."""

    bits: int
    size: int
    major: int
    build: int
    directory: int
    """DirectoryTableBase: physical address of the page tables of the crashing process."""
    modules: int
    """PsLoadedModuleList: virtual address of the list's head."""
    machine: int
    processors: int
    code: int
    parameters: int
    runs: int
    context: int
    exception: int
    dump_type: int
    system_time: int
    up_time: int
    comment: int
    attributes: int
    exception_address: int
    """Within the exception record."""
    pae: int = -1

    @property
    def word(self) -> int:
        """Size of a pointer."""
        return self.bits // 8


HEADER64 = HeaderLayout(
    bits=64,
    size=0x2000,
    major=0x08,
    build=0x0C,
    directory=0x10,
    modules=0x20,
    machine=0x30,
    processors=0x34,
    code=0x38,
    parameters=0x40,
    runs=0x88,
    context=0x348,
    exception=0xF00,
    dump_type=0xF98,
    system_time=0xFA8,
    up_time=0x1030,
    comment=0xFB0,
    attributes=0x1050,
    exception_address=0x10,
)
HEADER32 = HeaderLayout(
    bits=32,
    size=0x1000,
    major=0x08,
    build=0x0C,
    directory=0x10,
    modules=0x18,
    machine=0x20,
    processors=0x24,
    code=0x28,
    parameters=0x2C,
    runs=0x64,
    context=0x320,
    exception=0x7D0,
    dump_type=0xF88,
    system_time=0xFC0,
    up_time=0xFB8,
    comment=0x820,
    attributes=0x8A0,
    exception_address=0x0C,
    pae=0x5C,
)

MACHINES = {0x8664: "x64", 0x14C: "x86", 0xAA64: "arm64", 0x1C4: "arm", 0x200: "ia64"}
"""IMAGE_FILE_MACHINE_* of the PE format."""
INSTRUCTION_POINTER = {"x64": 0xF8, "x86": 0xB8, "arm64": 0x108}
"""Offset of the instruction pointer in a CONTEXT record (winnt.h: Rip, Eip, Pc)."""
LIVE_DUMP_ATTRIBUTE = 1 << 4
"""DUMP_FILE_ATTRIBUTES.LiveDumpGeneratedDump (wdm.h)."""
KNOWN_ATTRIBUTES = 0x3FF


@dataclass(frozen=True, slots=True)
class TriageLayout:
    """TRIAGE_DUMP64 or TRIAGE_DUMP32, and the driver entries that it points to. Offsets in the fields are
    from the start of the file."""

    start: int
    driver_list: int
    driver_count: int
    string_pool: int
    broken_driver: int
    exception: int
    entry_base: int
    """DllBase within a driver entry."""
    entry_size: int
    """SizeOfImage within a driver entry."""
    strides: tuple[int, ...]
    """Sizes that a driver entry may have; it grew with Windows."""


TRIAGE64 = TriageLayout(
    start=0x2000,
    driver_list=0x30,
    driver_count=0x34,
    string_pool=0x38,
    broken_driver=0x40,
    exception=0x10,
    entry_base=0x38,
    entry_size=0x48,
    strides=(0x90, 0x98, 0xA0, 0xA8, 0xB0, 0xB8),
)
TRIAGE32 = TriageLayout(
    start=0x1000,
    driver_list=0x30,
    driver_count=0x34,
    string_pool=0x38,
    broken_driver=0x40,
    exception=0x10,
    entry_base=0x1C,
    entry_size=0x24,
    strides=(0x4C, 0x50, 0x54, 0x58, 0x5C, 0x60),
)


@dataclass(frozen=True, slots=True)
class ModuleLayout:
    """KLDR_DATA_TABLE_ENTRY, as far as it is stable since NT 5."""

    base: int
    size: int
    name: int
    """BaseDllName, a UNICODE_STRING: length in bytes (16 bits), then the buffer's address."""
    buffer: int
    """The buffer's address within a UNICODE_STRING."""
    bytes: int
    """So many bytes of an entry are read."""


MODULE64 = ModuleLayout(base=0x30, size=0x40, name=0x58, buffer=8, bytes=0x68)
MODULE32 = ModuleLayout(base=0x18, size=0x20, name=0x2C, buffer=4, bytes=0x34)


class Bytes:
    """A dump file's bytes with reads that never leave it."""

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.size = len(view)

    def word(self, offset: int, size: int) -> int | None:
        """A little-endian number of `size` bytes, None outside the file."""
        if offset < 0 or offset + size > self.size:
            return None
        return int.from_bytes(self.view[offset : offset + size], "little")

    def u32(self, offset: int) -> int:
        """32 bits; 0 outside the file."""
        return self.word(offset, 4) or 0

    def u64(self, offset: int) -> int:
        """64 bits; 0 outside the file."""
        return self.word(offset, 8) or 0

    def take(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes."""
        return bytes(self.view[max(offset, 0) : max(offset + size, 0)])
