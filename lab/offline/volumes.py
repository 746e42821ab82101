"""What a volume is, by its first sectors: FAT, exFAT, NTFS, ext4, BitLocker, or nothing known.

Refuses to read a file system: this is how it is chosen who does.

Sources: fastfat's and exFAT's specifications (Microsoft), libbde's "BitLocker Drive Encryption (BDE) format",
ext4's disk layout (Documentation/filesystems/ext4).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum

from lab.offline.partitions import Partition, Read

HEAD = 4096
EXT_SUPER = 1024
EXT_MAGIC = b"\x53\xef"
BITLOCKER = b"-FVE-FS-"
BITLOCKER_TO_GO = bytes.fromhex("3bd66749292ed84a8399f6a339e3d001")
"""GUID 4967d63b-2e29-4ad8-8399-f6a339e3d001 at byte 424 of a volume that otherwise reads as FAT32."""


class FileSystem(StrEnum):
    """Names as the rescue guest takes them."""

    FAT = "fat"
    EXFAT = "exfat"
    NTFS = "ntfs"
    EXT4 = "ext4"
    """ext2 and ext3 as well: ext4's driver mounts them."""
    BITLOCKER = "bitlocker"
    UNKNOWN = "unknown"

    @property
    def mountable(self) -> bool:
        return self not in (FileSystem.BITLOCKER, FileSystem.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A partition, or a whole disk without a table, and what is on it."""

    part: Partition
    type: FileSystem
    label: str = ""

    @property
    def number(self) -> int:
        return self.part.number

    def __str__(self) -> str:
        size = f"{self.part.size >> 20} MiB"
        return f"{self.number}: {self.type.value} {size}{f' {self.label!r}' if self.label else ''}"


def volume(read: Read, part: Partition) -> Volume:
    """The volume on a part of a disk. Never raises for what a disk may hold."""
    head = read(part.start, min(HEAD, part.size))
    kind = type_of(head)
    return Volume(part=part, type=kind, label=_label(head, kind))


def type_of(head: bytes) -> FileSystem:
    """By the first 4 KiB of a volume."""
    if head[3:11] == BITLOCKER or head[424:440] == BITLOCKER_TO_GO:
        return FileSystem.BITLOCKER
    if head[3:11] == b"NTFS    ":
        return FileSystem.NTFS
    if head[3:11] == b"EXFAT   ":
        return FileSystem.EXFAT
    if head[510:512] == b"\x55\xaa" and _fat(head):
        return FileSystem.FAT
    if head[EXT_SUPER + 56 : EXT_SUPER + 58] == EXT_MAGIC:
        return FileSystem.EXT4
    return FileSystem.UNKNOWN


def _fat(head: bytes) -> bool:
    """A BIOS parameter block that adds up; the text `FAT32` in it is only a comment."""
    sector, cluster, reserved, tables = struct.unpack_from("<HBHB", head, 11)
    sane = sector in (512, 1024, 2048, 4096) and cluster and not cluster & (cluster - 1)
    return bool(sane and reserved and 1 <= tables <= 4 and (head[54:57] == b"FAT" or head[82:85] == b"FAT"))


def _label(head: bytes, kind: FileSystem) -> str:
    """Where the boot sector has one; NTFS and exFAT keep theirs elsewhere."""
    if kind is FileSystem.EXT4:
        raw = head[EXT_SUPER + 120 : EXT_SUPER + 136].split(b"\0")[0]
    elif kind is FileSystem.FAT:
        raw = head[71:82] if head[82:87] == b"FAT32" else head[43:54]
    else:
        return ""
    text = raw.decode("ascii", "replace").strip(" \0")
    return text if text.isprintable() and text != "NO NAME" else ""
