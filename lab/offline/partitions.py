"""Where the parts of a disk are: GPT and MBR, also damaged ones, from bytes alone.

Refuses to repair a table, and to give out parts that lie outside of the disk or on top of each other without
saying so: what is wrong is in `Table.problems`, and a part that overlaps another is marked.

Sources: UEFI specification 2.10, 5.2 and 5.3 (both ends of a GPT entry are inclusive); Microsoft's
PARTITION_INFORMATION_GPT for types; extended partitions as Linux reads them (block/partitions/msdos.c).
"""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

Read = Callable[[int, int], bytes]
"""(byte, length) -> bytes of the disk, fewer at its end."""

SECTOR = 512
SECTORS = (512, 4096)
MOST_ENTRIES = 1024
MOST_LOGICAL = 64
SIGNED = b"\x55\xaa"
GPT_MARK = b"EFI PART"
PROTECTIVE = 0xEE
EXTENDED = frozenset({0x05, 0x0F, 0x85})
BASIC_DATA = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"
"""GPT type of a Windows volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A part of a disk, in bytes."""

    number: int
    """As Linux counts them, from 1; logical ones from 5; 0: the whole disk."""
    start: int
    size: int
    type: str
    """GPT type in lower case, MBR type as `0x07`, or "" of a whole disk."""
    overlaps: bool = False

    @property
    def end(self) -> int:
        return self.start + self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What the disk says about its parts."""

    kind: str
    """`gpt`, `mbr` or `none`."""
    parts: tuple[Partition, ...]
    """In the order of their numbers."""
    problems: tuple[str, ...] = ()


def read_table(read: Read, size: int) -> Table:
    """The table of a disk of `size` bytes. Never raises for what a disk may hold."""
    problems: list[str] = []
    for sector in SECTORS:
        if read(sector, 8) == GPT_MARK or _protective(read(0, SECTOR)):
            parts = _gpt(read, size, sector, problems)
            if parts is not None:
                return _checked("gpt", parts, size, problems)
    first = read(0, SECTOR)
    if first[510:512] == SIGNED and not _protective(first) and not _boot_sector(first):
        parts = _mbr(read, first, problems)
        if parts:
            return _checked("mbr", parts, size, problems)
    return Table(kind="none", parts=(), problems=tuple(dict.fromkeys(problems)))


def _protective(first: bytes) -> bool:
    """An MBR that only says: here is a GPT."""
    return first[510:512] == SIGNED and any(first[at + 4] == PROTECTIVE for at in range(446, 510, 16))


def _boot_sector(first: bytes) -> bool:
    """A file system without a table begins like an MBR; its entries are then code."""
    named = first[3:11] in (b"NTFS    ", b"EXFAT   ", b"-FVE-FS-") or first[82:87] == b"FAT32"
    return named or first[54:57] == b"FAT"


# -- GPT ---------------------------------------------------------------------------


def _gpt(read: Read, size: int, sector: int, problems: list[str]) -> list[Partition] | None:
    """From the first header, or the one at the disk's end when that is damaged; None: neither is one."""
    last = (size // sector - 1) * sector
    for at, other in ((sector, False), (last, True)):
        if at <= 0:
            continue
        header = read(at, sector)
        why = _header_problem(header, sector)
        if not why:
            found = _entries(read, header, sector, problems)
            if found is not None:
                if other:
                    problems.append("the first partition table is damaged, the one at the disk's end is used")
                return found
        elif not other:
            problems.append(f"first partition table: {why}")
    return None


def _header_problem(header: bytes, sector: int) -> str:
    if header[:8] != GPT_MARK or len(header) < 92:
        return "no header"
    (length, checksum) = struct.unpack_from("<II", header, 12)
    if not 92 <= length <= sector:
        return f"header of {length} bytes"
    if zlib.crc32(header[:16] + bytes(4) + header[20:length]) != checksum:
        return "the header's checksum is wrong"
    return ""


def _entries(read: Read, header: bytes, sector: int, problems: list[str]) -> list[Partition] | None:
    """None when the array is not what its checksum says."""
    first, number, length, checksum = struct.unpack_from("<QIII", header, 72)
    if not 128 <= length <= 4096 or length % 8 or number > MOST_ENTRIES:
        problems.append(f"{number} entries of {length} bytes (wanted at most {MOST_ENTRIES} of 128 to 4096)")
        return None
    array = read(first * sector, number * length)
    if len(array) < number * length or zlib.crc32(array) != checksum:
        problems.append("the checksum of the partition entries is wrong")
        return None
    found = []
    for index in range(number):
        entry = array[index * length : (index + 1) * length]
        if entry[:16] == bytes(16):
            continue
        begin, end = struct.unpack_from("<QQ", entry, 32)
        kind = str(uuid.UUID(bytes_le=entry[:16]))
        if not 0 < begin <= end:
            problems.append(f"partition {index + 1}: from sector {begin} to {end}")
            continue
        found.append(
            Partition(number=index + 1, start=begin * sector, size=(end - begin + 1) * sector, type=kind)
        )
    return found


# -- MBR ---------------------------------------------------------------------------


def _mbr(read: Read, first: bytes, problems: list[str]) -> list[Partition]:
    found: list[Partition] = []
    for index, (kind, start, length) in enumerate(_slots(first)):
        if not kind or not length:
            continue
        if kind in EXTENDED:
            found += _logical(read, start, problems)
        elif start == 0:
            problems.append(f"partition {index + 1}: begins at sector 0")
        else:
            found.append(_part(index + 1, kind, start, length))
    return sorted(found, key=lambda part: part.number)


def _logical(read: Read, base: int, problems: list[str]) -> list[Partition]:
    """The chain of extended boot records: its first slot is a part, its second the next record."""
    found: list[Partition] = []
    at, seen = base, set[int]()
    while len(found) < MOST_LOGICAL:
        record = read(at * SECTOR, SECTOR)
        if record[510:512] != SIGNED:
            problems.append(f"logical partition {5 + len(found)}: no record at sector {at}")
            return found
        seen.add(at)
        (kind, start, length), (link, following, _size) = _slots(record)[:2]
        if kind and length and start:
            found.append(_part(5 + len(found), kind, at + start, length))
        if link not in EXTENDED or not following:
            return found
        at = base + following
        if at in seen:
            problems.append(f"logical partition {5 + len(found)}: the chain leads back to sector {at}")
            return found
    problems.append(f"more than {MOST_LOGICAL} logical partitions")
    return found


def _slots(record: bytes) -> list[tuple[int, int, int]]:
    """(type, first sector, sectors) of the four entries."""
    return [(record[at + 4], *struct.unpack_from("<II", record, at + 8)) for at in range(446, 510, 16)]


def _part(number: int, kind: int, start: int, length: int) -> Partition:
    return Partition(number=number, start=start * SECTOR, size=length * SECTOR, type=f"0x{kind:02x}")


# -- both --------------------------------------------------------------------------


def _checked(kind: str, parts: list[Partition], size: int, problems: list[str]) -> Table:
    """Without what lies outside of the disk, and with what overlaps marked."""
    inside = []
    for part in parts:
        if part.end > size:
            problems.append(f"partition {part.number}: ends at byte {part.end} of a disk of {size}")
        else:
            inside.append(part)
    marked = []
    for part in inside:
        over = [
            one.number for one in inside if one is not part and one.start < part.end and part.start < one.end
        ]
        if over:
            problems.append(f"partition {part.number} overlaps {', '.join(map(str, over))}")
        marked.append(replace(part, overlaps=bool(over)))
    return Table(kind=kind, parts=tuple(marked), problems=tuple(dict.fromkeys(problems)))
