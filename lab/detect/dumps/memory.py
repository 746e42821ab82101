"""Memory inside a dump: physical pages, page tables, and the list of loaded modules.

Reads only what the file holds and follows only valid page table entries, so a list that is cut short
is given as far as it goes. Bounded: pages, modules and bitmap sizes have limits. Refuses arm64 (its
page tables are not described by the header alone).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from lab.detect.dumps.header import Header
from lab.detect.dumps.layout import (
    MODULE32,
    MODULE64,
    PAGE,
    RUNS_BYTES,
    UNSET32,
    UNSET64,
    Bytes,
    HeaderLayout,
)
from lab.detect.dumps.triage import MOST_MODULES, Module, base_name, is_image

MOST_RANGES = 1 << 16
LARGEST_BITMAP = 32 << 20
"""Bytes; one bit per page, so one TiB of memory."""
MOST_READS = 100_000
"""Words read through page tables, for one module list."""
FULL, SUMMARY, BITMAP_FULL, BITMAP_KERNEL, AUTOMATIC = 1, 2, 5, 6, 7
RDMP_KERNEL, RDMP_KERNEL_USER, RDMP_FULL = 8, 9, 10
ADDRESS = 0x000FFFFFFFFFF000
"""Bits 12 to 51 of a page table entry: the physical address."""
LARGE = 1 << 7


class Pages:
    """Where in the file a physical page is."""

    def offset(self, frame: int) -> int | None:
        """File offset of the page with this frame number, None when the dump does not hold it."""
        raise KeyError(frame)


@dataclass(frozen=True, slots=True)
class Range:
    """Pages that follow one another in memory and in the file."""

    frame: int
    count: int
    offset: int


class RangePages(Pages):
    """Pages as runs: complete dumps, and the range lists of debuggers."""

    def __init__(self, runs: Iterable[tuple[int, int]], first: int) -> None:
        ranges = []
        for frame, count in runs:
            ranges.append(Range(frame, count, first))
            first += count * PAGE
        self._ranges = sorted(ranges, key=lambda item: item.frame)
        self._frames = [item.frame for item in self._ranges]

    def offset(self, frame: int) -> int | None:
        place = bisect_right(self._frames, frame) - 1
        if place < 0 or frame >= self._ranges[place].frame + self._ranges[place].count:
            return None
        return self._ranges[place].offset + (frame - self._ranges[place].frame) * PAGE


class BitmapPages(Pages):
    """Pages as a bitmap: the n-th set bit is the n-th page of the file."""

    CHUNK = 256

    def __init__(self, bitmap: bytes, pages: int, first: int) -> None:
        self._bitmap, self._pages, self._first = bitmap, pages, first
        self._before = [0]
        for start in range(0, len(bitmap), self.CHUNK):
            bits = int.from_bytes(bitmap[start : start + self.CHUNK], "little").bit_count()
            self._before.append(self._before[-1] + bits)

    def offset(self, frame: int) -> int | None:
        byte, bit = divmod(frame, 8)
        if not 0 <= frame < self._pages or byte >= len(self._bitmap) or not self._bitmap[byte] >> bit & 1:
            return None
        chunk = byte // self.CHUNK
        head = int.from_bytes(self._bitmap[chunk * self.CHUNK : byte], "little").bit_count()
        head += (self._bitmap[byte] & ((1 << bit) - 1)).bit_count()
        return self._first + (self._before[chunk] + head) * PAGE


def pages_of(data: Bytes, header: Header) -> Pages | None:
    """The physical memory that the dump holds, None when it holds none or in no known way."""
    layout, kind = header.layout, header.dump_type
    if kind == FULL:
        runs = header_runs(data, layout)
        return RangePages(runs, layout.size) if runs else None
    if layout.bits == 64 and kind in (SUMMARY, BITMAP_FULL, BITMAP_KERNEL, AUTOMATIC):
        return bitmap_pages(data, layout.size)
    if layout.bits == 64 and kind in (RDMP_KERNEL, RDMP_KERNEL_USER, RDMP_FULL):
        return listed_pages(data, layout.size)
    return None


def header_runs(data: Bytes, layout: HeaderLayout) -> list[tuple[int, int]]:
    """First frame and number of pages of each run of physical memory in the header."""
    count = data.u32(layout.runs)
    start = layout.runs + (16 if layout.bits == 64 else 8)
    most = (layout.runs + RUNS_BYTES - start) // (2 * layout.word)
    if not 0 < count <= most:
        return []
    offsets = range(start, start + count * 2 * layout.word, 2 * layout.word)
    return [
        (data.word(at, layout.word) or 0, data.word(at + layout.word, layout.word) or 0) for at in offsets
    ]


def bitmap_pages(data: Bytes, start: int) -> Pages | None:
    """BMP_HEADER64: `SDMP` or `FDMP`, `DUMP`; at 0x20 the first page's offset, then pages held and pages."""
    if data.take(start, 8) not in (b"SDMPDUMP", b"FDMPDUMP"):
        return None
    first, pages = data.u64(start + 0x20), data.u64(start + 0x30)
    size = (pages + 7) // 8
    if not 0 < size <= LARGEST_BITMAP or first < start + 0x38 or first > data.size:
        return None
    return BitmapPages(data.take(start + 0x38, size), pages, first)


def listed_pages(data: Bytes, start: int) -> Pages | None:
    """RDMP_HEADER64: marker 0x40, `RDMP`, `DUMP`; at 0x18 the first page's offset; from 0x30 the ranges."""
    if data.take(start + 4, 8) != b"RDMPDUMP":
        return None
    first = data.u64(start + 0x18)
    count = (first - start - 0x30) // 16
    if not 0 < count <= MOST_RANGES or first > data.size:
        return None
    offsets = range(start + 0x30, start + 0x30 + count * 16, 16)
    runs = [(data.u64(at), data.u64(at + 8)) for at in offsets]
    return RangePages([run for run in runs if run[1]], first)


class AddressSpace:
    """Virtual memory of the kernel through the page tables in the dump."""

    def __init__(self, data: Bytes, header: Header, pages: Pages) -> None:
        self._data, self._pages = data, pages
        self._root = header.directory
        self._reads = 0
        self._known: dict[int, int | None] = {}
        if header.layout.bits == 64:
            self._levels: tuple[tuple[int, int], ...] = ((39, 9), (30, 9), (21, 9), (12, 9))
        else:
            self._levels = ((30, 2), (21, 9), (12, 9)) if header.pae else ((22, 10), (12, 10))
        self._entry = 4 if header.layout.bits == 32 and not header.pae else 8
        self._root &= ~0x1F if header.pae else ~0xFFF
        self._root &= (1 << 52) - 1

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes at a virtual address; fewer where the dump does not hold them."""
        found = b""
        while size > len(found):
            at = address + len(found)
            physical = self._physical(at)
            if physical is None:
                break
            step = min(PAGE - at % PAGE, size - len(found))
            piece = self._bytes(physical, step)
            found += piece
            if len(piece) < step:
                break
        return found

    def _physical(self, address: int) -> int | None:
        page = address // PAGE
        if page not in self._known:
            self._known[page] = self._walk(page * PAGE)
        start = self._known[page]
        return None if start is None else start + address % PAGE

    def _walk(self, address: int) -> int | None:
        table = self._root
        for shift, bits in self._levels:
            entry = self._number(table + ((address >> shift) & ((1 << bits) - 1)) * self._entry)
            if entry is None or not entry & 1:
                return None
            where = entry & (ADDRESS if self._entry == 8 else 0xFFFFF000)
            pdpt_of_pae = bits == 2
            if shift > 12 and entry & LARGE and not pdpt_of_pae and shift < 39:
                inside = (1 << shift) - 1
                return (where & ~inside) | (address & inside)
            table = where
        return table

    def _number(self, physical: int) -> int | None:
        raw = self._bytes(physical, self._entry)
        return int.from_bytes(raw, "little") if len(raw) == self._entry else None

    def _bytes(self, physical: int, size: int) -> bytes:
        self._reads += 1
        offset = self._pages.offset(physical // PAGE) if self._reads <= MOST_READS else None
        return b"" if offset is None else self._data.take(offset + physical % PAGE, size)


def memory_modules(data: Bytes, header: Header) -> tuple[Module, ...]:
    """The loaded modules as the kernel's own list has them, by address; () where it cannot be reached."""
    if header.machine not in ("x64", "x86") or header.module_list in (0, UNSET32, UNSET64):
        return ()
    pages = pages_of(data, header)
    if pages is None or header.directory in (0, UNSET32, UNSET64):
        return ()
    space, word = AddressSpace(data, header, pages), header.layout.word
    layout = MODULE64 if header.layout.bits == 64 else MODULE32
    found: dict[int, Module] = {}
    seen = {header.module_list}
    link = int.from_bytes(space.read(header.module_list, word), "little")
    while link and link not in seen and len(seen) <= MOST_MODULES:
        seen.add(link)
        raw = space.read(link, layout.bytes)
        if len(raw) < layout.bytes:
            break
        base = int.from_bytes(raw[layout.base : layout.base + word], "little")
        size = int.from_bytes(raw[layout.size : layout.size + 4], "little")
        length = int.from_bytes(raw[layout.name : layout.name + 2], "little")
        buffer = int.from_bytes(raw[layout.name + layout.buffer :][:word], "little")
        name = base_name(space.read(buffer, min(length, 512)))
        if name and is_image(base, size, header.layout.bits):
            found[base] = Module(name, base, size)
        link = int.from_bytes(raw[:word], "little")
    return tuple(found[base] for base in sorted(found))
