"""Partition tables made byte by byte, for tests; from the specifications, not by the code under test."""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Callable, Sequence

from lab.offline.partitions import BASIC_DATA

SECTOR = 512
DISK = 4096 * SECTOR


def reader(data: bytes) -> Callable[[int, int], bytes]:
    """`Read` of a disk that is these bytes."""
    return lambda at, length: data[at : at + length] if at >= 0 else b""


def gpt(parts: Sequence[tuple[int, int]], *, size: int = DISK, kind: str = BASIC_DATA) -> bytearray:
    """A disk with a GPT at both ends; `parts` are (first sector, last sector)."""
    disk = bytearray(size)
    disk[446:462] = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, size // SECTOR - 1)
    disk[510:512] = b"\x55\xaa"
    entries = bytearray(128 * 128)
    for index, (first, last) in enumerate(parts):
        entry = uuid.UUID(kind).bytes_le + uuid.UUID(int=index + 1).bytes_le + struct.pack("<QQ", first, last)
        entries[index * 128 : index * 128 + len(entry)] = entry
    last_sector = size // SECTOR - 1
    for own, other, array in ((1, last_sector, 2), (last_sector, 1, last_sector - 32)):
        disk[array * SECTOR : array * SECTOR + len(entries)] = entries
        disk[own * SECTOR : own * SECTOR + 92] = header(own, other, array, bytes(entries), last_sector)
    return disk


def header(own: int, other: int, array: int, entries: bytes, last_sector: int) -> bytes:
    """92 bytes with their checksum."""
    ends = (own, other, 34, last_sector - 33)
    body = struct.pack(
        "<8sIIII4Q16sQIII", b"EFI PART", 0x10000, 92, 0, 0, *ends, bytes(16), array, 128, 128, 0
    )
    body = body[:88] + struct.pack("<I", zlib.crc32(entries))
    return body[:16] + struct.pack("<I", zlib.crc32(body)) + body[20:]


def mbr(slots: Sequence[tuple[int, int, int]], *, size: int = DISK) -> bytearray:
    """A disk with an MBR; `slots` are (type, first sector, sectors)."""
    disk = bytearray(size)
    record(disk, 0, slots)
    return disk


def record(disk: bytearray, sector: int, slots: Sequence[tuple[int, int, int]]) -> None:
    """Write a boot record, extended ones too."""
    at = sector * SECTOR
    for index, (kind, first, count) in enumerate(slots):
        entry = struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", kind, b"\xfe\xff\xff", first, count)
        disk[at + 446 + 16 * index : at + 462 + 16 * index] = entry
    disk[at + 510 : at + 512] = b"\x55\xaa"
