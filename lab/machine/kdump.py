"""Dumps in the kdump-compressed format: the kernel's note about itself, and the kernel log.

QEMU does not know the guest's kernel, so its dumps lack the VMCOREINFO note that readers want. The
kernel keeps that note in its memory (kernel/crash_core.c), so it is looked for among the dumped pages
and put into the dump. No help of the guest is needed, and a randomised kernel says in the note where it
is. Refuses to understand anything else in a dump.

The format: makedumpfile's IMPLEMENTATION and diskdump_mod.h (versions 1 to 6).
"""

from __future__ import annotations

import mmap
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from lab import proc
from lab.errors import MachineError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAGIC = b"KDUMP   "
FLAT_MAGIC = b"makedumpfile\0\0\0\0"
FLAT_HEADER = 4096
PHYS_BASE = re.compile(rb"^NUMBER\(phys_base\)=(-?\d+)$", re.MULTILINE)
"""Where an x86-64 kernel was put in physical memory, as it says in its note."""
NOTE_FIELDS = 32
"""Where the sub header has the offset and the size of the VMCOREINFO text."""
NOTE = b"\0\0\0\0VMCOREINFO\0"
"""Type 0 and name of the ELF note; 11 is the length of the name with its zero."""
NAME_BYTES = 11
LARGEST_NOTE = 1 << 16
ZLIB = 1
TOOL = "makedumpfile"
TOOL_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pages:
    """Where the pages of a dump are: parallel arrays, by page frame number."""

    frames: NDArray[Any]
    offsets: NDArray[Any]
    sizes: NDArray[Any]
    flags: NDArray[Any]


def unflatten(source: Path, target: Path) -> None:
    """QEMU writes dumps as a stream of (offset, size, bytes); readers want them as a file.

    :raise MachineError: `source` is no such stream, or ends early.
    """
    with source.open("rb") as stream, target.open("wb") as out:
        if not stream.read(FLAT_HEADER).startswith(FLAT_MAGIC):
            raise MachineError(f"dump {source.name!r} is not in makedumpfile's flattened format")
        while True:
            head = stream.read(16)
            if len(head) < 16:
                raise MachineError(f"dump {source.name!r} is cut off after {stream.tell()} bytes")
            offset, size = struct.unpack(">qq", head)
            if offset < 0:
                return
            out.seek(offset)
            _copy(stream, out, size)


def _copy(stream: BinaryIO, out: BinaryIO, size: int) -> None:
    while size > 0:
        piece = stream.read(min(size, 1 << 20))
        if not piece:
            raise MachineError(f"dump is cut off {size} bytes before the end of a piece")
        out.write(piece)
        size -= len(piece)


def kernel_log(dump: Path, target: Path, *, timeout_s: float = TOOL_S) -> int:
    """Write the kernel's own log, with every line that never reached a console, to `target`.

    :param dump: kdump-compressed, not flattened; it is given the kernel's note where it has none, which
        other readers (crash, drgn) want too.
    :return: how many kernels' notes were in memory; more than one after a reboot without a power-off,
        and the log is then the longest that could be read.
    :raise MachineError: no Linux kernel in this memory, or a log that makedumpfile cannot read.
    :raise HostError: makedumpfile is not installed.
    """
    notes = list(dict.fromkeys(vmcoreinfo(dump)))
    if not notes:
        raise MachineError(f"dump {dump.name!r} has no VMCOREINFO: no Linux kernel was running yet")
    best, best_note, why = b"", notes[0], ""
    for note in notes:
        log, why_not = _log_with(dump, note, target, timeout_s)
        why = why or why_not
        if len(log) > len(best):
            best, best_note = log, note
    if best_note != notes[-1]:
        embed(dump, best_note)
    if not best:
        raise MachineError(f"dump {dump.name!r}: the kernel log could not be read: {why}")
    target.write_bytes(best)
    return len(notes)


def embed(dump: Path, note: bytes) -> None:
    """Give the dump the kernel's note, at its end, and what readers take from the sub header instead of it.

    With a randomised kernel makedumpfile 1.7.2 finds no page table unless `phys_base` is right there.
    """
    found = PHYS_BASE.search(note)
    with dump.open("r+b") as stream:
        stream.seek(428)
        (block_size,) = struct.unpack("<i", stream.read(4))
        stream.seek(block_size + NOTE_FIELDS)
        at, size = struct.unpack("<QQ", stream.read(16))
        stream.seek(at)
        if size and stream.read(size) == note:
            return
        at = stream.seek(0, 2)
        stream.write(note)
        stream.seek(block_size + NOTE_FIELDS)
        stream.write(struct.pack("<QQ", at, len(note)))
        if found is not None:
            stream.seek(block_size)
            stream.write(struct.pack("<q", int(found[1])))


def _log_with(dump: Path, note: bytes, target: Path, timeout_s: float) -> tuple[bytes, str]:
    out = target.with_name(f".{target.name}.new")
    embed(dump, note)
    try:
        out.unlink(missing_ok=True)
        done = proc.run([TOOL, "--dump-dmesg", dump, out], timeout_s=timeout_s)
        return (out.read_bytes(), "") if done.ok and out.is_file() else (b"", _last(done))
    finally:
        out.unlink(missing_ok=True)


def vmcoreinfo(dump: Path) -> Iterator[bytes]:
    """The text of every VMCOREINFO note in the dump, its own first. 256 MiB of a young guest: 0.6 s.

    :raise MachineError: not a kdump-compressed file, or a damaged one.
    """
    with dump.open("rb") as stream:
        try:
            data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise MachineError(f"dump {dump.name!r} cannot be read: {error}") from error
        with data:
            try:
                yield from _notes(data)
            except (struct.error, ValueError, IndexError, zlib.error) as error:
                raise MachineError(f"dump {dump.name!r} is damaged: {error}") from error


def _notes(data: mmap.mmap) -> Iterator[bytes]:
    if data[:8] != MAGIC:
        raise ValueError(f"it starts with {data[:8]!r} (wanted {MAGIC!r})")
    block_size, sub_blocks, bitmap_blocks = struct.unpack_from("<iiI", data, 428)
    own_at, own_size = struct.unpack_from("<QQ", data, block_size + NOTE_FIELDS)
    if own_size:
        yield bytes(data[own_at : own_at + own_size])
    pages = _pages(data, (1 + sub_blocks) * block_size, bitmap_blocks * block_size)
    yield from _search(data, pages)


def _pages(data: mmap.mmap, bitmap_at: int, bitmap_size: int) -> _Pages:
    """The second half of the bitmap says which frames were dumped; a descriptor for each follows it."""
    import numpy as np

    half = bitmap_size // 2
    bits = np.unpackbits(np.frombuffer(data, np.uint8, half, bitmap_at + half).copy(), bitorder="little")
    frames = np.flatnonzero(bits)
    shape = np.dtype([("offset", "<i8"), ("size", "<u4"), ("flags", "<u4"), ("page_flags", "<u8")])
    found = np.frombuffer(data, shape, len(frames), bitmap_at + bitmap_size).copy()
    return _Pages(frames=frames, offsets=found["offset"], sizes=found["size"], flags=found["flags"])


def _search(data: mmap.mmap, pages: _Pages) -> Iterator[bytes]:
    """QEMU stores a page of zeros once, so most of a guest's memory is skipped by its offset."""
    import numpy as np

    for index in np.sort(np.unique(pages.offsets, return_index=True)[1]):
        page = _page(data, pages, int(index))
        at = page.find(NOTE)
        while at >= 8:
            name, size = struct.unpack_from("<II", page, at - 8)
            if name == NAME_BYTES and 0 < size <= LARGEST_NOTE:
                text = _from(data, pages, int(index), at + len(NOTE) + 1, size)
                if text.startswith(b"OSRELEASE="):
                    yield text
            at = page.find(NOTE, at + 1)


def _from(data: mmap.mmap, pages: _Pages, index: int, at: int, size: int) -> bytes:
    """`size` bytes from `at` in a page on, over the frames that follow it without a gap."""
    found = _page(data, pages, index)[at:]
    while len(found) < size and index + 1 < len(pages.frames):
        if pages.frames[index + 1] != pages.frames[index] + 1:
            break
        index += 1
        found += _page(data, pages, index)
    return found[:size]


def _page(data: mmap.mmap, pages: _Pages, index: int) -> bytes:
    offset, size = int(pages.offsets[index]), int(pages.sizes[index])
    raw = bytes(data[offset : offset + size])
    return zlib.decompress(raw) if int(pages.flags[index]) & ZLIB else raw


def _last(done: proc.Completed) -> str:
    return (done.error_text.splitlines() or ["no output"])[-1]
