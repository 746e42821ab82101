"""Windows crash dumps built byte by byte: made up for the tests, never written by Windows.

The layouts are those of lab/detect/dumps/layout.py, built here from other ends (page tables that map
what a module list needs), so that a wrong offset there does not repeat itself here unseen.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

PAGE = 4096
MODULES = (
    ("ntoskrnl.exe", 0xFFFFF80411A00000, 0x1046000),
    ("hal.dll", 0xFFFFF80411900000, 0x9A000),
    ("csagent.sys", 0xFFFFF80415C00000, 0x2C0000),
    ("wörterbuch.sys", 0xFFFFF80416000000, 0x10000),
)
MODULES32 = (("ntkrnlpa.exe", 0x82A0A000, 0x412000), ("win32k.sys", 0x99160000, 0x24A000))
FILETIME = 133_658_359_120_000_000
"""2024-07-19T04:11:52 UTC."""


def header64(
    code: int = 0x7E,
    parameters: Sequence[int] = (
        0xFFFFFFFFC0000005,
        0xFFFFF80415CE14ED,
        0xFFFFC88C5B1E7078,
        0xFFFFC88C5B1E68B0,
    ),
    *,
    dump_type: int = 4,
    attributes: int | None = 0,
    exception_address: int = 0,
    rip: int = 0,
    machine: int = 0x8664,
) -> bytearray:
    """DUMP_HEADER64: 8192 bytes, `PAGE` where nothing is written."""
    data = bytearray(b"PAGE" * 0x800)
    data[0:8] = b"PAGEDU64"
    struct.pack_into("<II", data, 0x08, 0xF, 22621)
    struct.pack_into("<QQQQ", data, 0x10, 0x1AD000, 0, 0xFFFFF8041262B2D0, 0)
    struct.pack_into("<II", data, 0x30, machine, 4)
    struct.pack_into("<I", data, 0x38, code)
    struct.pack_into("<4Q", data, 0x40, *parameters)
    struct.pack_into("<Q", data, 0x348 + 0xF8, rip)
    struct.pack_into("<IIQQ", data, 0xF00, 0xC0000005, 0, 0, exception_address)
    struct.pack_into("<I", data, 0xF98, dump_type)
    struct.pack_into("<Q", data, 0xFA8, FILETIME)
    data[0xFB0:0x1030] = b"made up by a test".ljust(128, b"\0")
    struct.pack_into("<Q", data, 0x1030, 421 * 10_000_000)
    if attributes is not None:
        struct.pack_into("<I", data, 0x1050, attributes)
    return data


def header32(
    code: int = 0x8E,
    parameters: Sequence[int] = (0xC0000005, 0x99165A4C, 0x807E6A90, 0),
    *,
    dump_type: int = 4,
    pae: bool = True,
) -> bytearray:
    """DUMP_HEADER32: 4096 bytes."""
    data = bytearray(b"PAGE" * 0x400)
    data[0:8] = b"PAGEDUMP"
    struct.pack_into("<IIIIII", data, 0x08, 0xF, 7601, 0x185000, 0, 0x82B5A850, 0)
    struct.pack_into("<III", data, 0x20, 0x14C, 1, code)
    struct.pack_into("<4I", data, 0x2C, *parameters)
    data[0x5C] = int(pae)
    struct.pack_into("<I", data, 0xF88, dump_type)
    struct.pack_into("<QQ", data, 0xFB8, 60 * 10_000_000, FILETIME)
    return data


def triage(
    header: bytearray,
    modules: Sequence[tuple[str, int, int]] = MODULES,
    *,
    broken: str = "",
    stride: int = 0x90,
    length_in_bytes: bool = False,
) -> bytes:
    """A minidump: the header, TRIAGE_DUMP, driver entries, names."""
    wide = header[4:8] == b"DU64"
    start = 0x2000 if wide else 0x1000
    entries = start + 0x100
    pool = entries + len(modules) * stride
    names = bytearray()
    places = []
    for name, _base, _size in modules:
        places.append(pool + len(names))
        path = f"\\SystemRoot\\system32\\drivers\\{name}".encode("utf-16-le")
        names += struct.pack("<I", len(path) // (1 if length_in_bytes else 2)) + path + b"\0\0"
        names += b"\0" * (-len(names) % 8)
    body = bytearray(entries - start)
    fields = {0x30: entries, 0x34: len(modules), 0x38: pool, 0x3C: len(names)}
    if broken:
        fields[0x40] = places[[name for name, _base, _size in modules].index(broken)]
    for offset, value in fields.items():
        struct.pack_into("<I", body, offset, value)
    for (_name, base, size), place in zip(modules, places, strict=True):
        entry = bytearray(stride)
        struct.pack_into("<I", entry, 0, place)
        struct.pack_into("<Q" if wide else "<I", entry, 0x38 if wide else 0x1C, base)
        struct.pack_into("<I", entry, 0x48 if wide else 0x24, size)
        body += entry
    return bytes(header + body + names)


@dataclass(frozen=True)
class Paging:
    """How an address is split, from the top level on."""

    levels: tuple[tuple[int, int], ...]
    entry: int
    root: int


LONG_MODE = Paging(levels=((39, 9), (30, 9), (21, 9), (12, 9)), entry=8, root=0x1AD000)
PAE = Paging(levels=((30, 2), (21, 9), (12, 9)), entry=8, root=0x185000)
PLAIN = Paging(levels=((22, 10), (12, 10)), entry=4, root=0x185000)


class Memory:
    """Physical pages with page tables over them."""

    def __init__(self, paging: Paging) -> None:
        self.paging = paging
        self.pages: dict[int, bytearray] = {paging.root // PAGE: bytearray(PAGE)}
        self._free = paging.root // PAGE + 1

    def page(self) -> int:
        """A new page; its frame number. Every third frame is left out, so that runs have gaps."""
        self._free += 2 if self._free % 3 == 0 else 1
        self.pages[self._free] = bytearray(PAGE)
        return self._free

    def write(self, address: int, data: bytes) -> None:
        """Write at a virtual address, mapping what is not mapped."""
        for number, byte in enumerate(data):
            frame = self._frame(address + number)
            self.pages[frame][(address + number) % PAGE] = byte

    def _frame(self, address: int) -> int:
        table = self.paging.root // PAGE
        code = "<Q" if self.paging.entry == 8 else "<I"
        for shift, bits in self.paging.levels:
            offset = ((address >> shift) & ((1 << bits) - 1)) * self.paging.entry
            entry = struct.unpack_from(code, self.pages[table], offset)[0]
            if not entry & 1:
                entry = self.page() * PAGE | 0x63
                struct.pack_into(code, self.pages[table], offset, entry)
            table = entry // PAGE & 0xFFFFFFFFF
        return table

    def module_list(self, head: int, modules: Sequence[tuple[str, int, int]]) -> None:
        """PsLoadedModuleList at `head`."""
        wide = self.paging is LONG_MODE
        word = "Q" if wide else "I"
        step = head + 0x10000
        places = [step + number * 0x1000 - 8 for number in range(len(modules))]
        links = [head, *places, head]
        self.write(head, struct.pack(f"<{word}", links[1]))
        for number, (name, base, size) in enumerate(modules):
            raw = name.encode("utf-16-le")
            entry = bytearray(0x90)
            struct.pack_into(f"<{word}", entry, 0, links[number + 2])
            struct.pack_into(f"<{word}", entry, 0x30 if wide else 0x18, base)
            struct.pack_into("<I", entry, 0x40 if wide else 0x20, size)
            place = 0x58 if wide else 0x2C
            buffer = places[number] + 0x200
            struct.pack_into("<HH", entry, place, len(raw), len(raw) + 2)
            struct.pack_into(f"<{word}", entry, place + (8 if wide else 4), buffer)
            self.write(places[number], bytes(entry))
            self.write(buffer, raw)

    def runs(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for frame in sorted(self.pages):
            if found and sum(found[-1]) == frame:
                found[-1] = (found[-1][0], found[-1][1] + 1)
            else:
                found.append((frame, 1))
        return found

    def in_order(self) -> bytes:
        return b"".join(bytes(self.pages[frame]) for frame in sorted(self.pages))


def full(header: bytearray, memory: Memory) -> bytes:
    """A complete dump: runs in the header, pages after it."""
    wide = header[4:8] == b"DU64"
    at, runs = (0x88 if wide else 0x64), memory.runs()
    struct.pack_into(
        "<IIQ" if wide else "<II",
        header,
        at,
        *((len(runs), 0, len(memory.pages)) if wide else (len(runs), len(memory.pages))),
    )
    at += 16 if wide else 8
    for frame, count in runs:
        struct.pack_into("<QQ" if wide else "<II", header, at, frame, count)
        at += 16 if wide else 8
    return bytes(header) + memory.in_order()


def bitmap(header: bytearray, memory: Memory) -> bytes:
    """A kernel dump of Windows 8 and later: a bitmap of pages, then the pages."""
    bits = max(memory.pages) + 9
    raw = bytearray((bits + 7) // 8)
    for frame in memory.pages:
        raw[frame // 8] |= 1 << frame % 8
    first = 0x2000 + 0x38 + len(raw)
    first += -first % PAGE
    body = bytearray(first - 0x2000)
    body[0:8] = b"SDMPDUMP"
    struct.pack_into("<QQQ", body, 0x20, first, len(memory.pages), bits)
    body[0x38 : 0x38 + len(raw)] = raw
    return bytes(header + body) + memory.in_order()


def ranges(header: bytearray, memory: Memory) -> bytes:
    """A kernel dump as newer debuggers write it: a list of ranges, then the pages."""
    runs = memory.runs()
    first = 0x2030 + 16 * len(runs)
    body = bytearray(0x30)
    struct.pack_into("<I4s4sIQQ", body, 0, 0x40, b"RDMP", b"DUMP", 0, first - 0x2020, first)
    for frame, count in runs:
        body += struct.pack("<QQ", frame, count)
    return bytes(header + body) + memory.in_order()


def with_modules64() -> Memory:
    """Memory of a 64-bit kernel that holds its module list."""
    memory = Memory(LONG_MODE)
    memory.module_list(0xFFFFF8041262B2D0, MODULES)
    return memory


def with_modules32(paging: Paging) -> Memory:
    """Memory of a 32-bit kernel that holds its module list."""
    memory = Memory(paging)
    memory.module_list(0x82B5A850, MODULES32)
    return memory
