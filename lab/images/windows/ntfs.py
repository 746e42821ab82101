"""Files taken out of a guest's disk without starting the guest: Windows Setup's own logs, read-only.

The partition is found in the disk's own table (GPT or MBR), taken out of the qcow2 by qemu-img, and read by
ntfs-3g's `ntfscat`. Nothing is mounted and no root is needed. A disk that cannot be read gives no files, and
the reason.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from lab import proc
from lab.errors import LabError
from lab.images import workshop
from lab.images.tools import Tool

NTFSCAT = Tool("ntfscat", "ntfs-3g")
BASIC_DATA = bytes.fromhex("a2a0d0ebe5b9334487c068b6b72699c7")
"""Type of a Windows partition in a GPT, as its bytes stand there (EBD0A0A2-B9E5-4433-87C0-68B6B72699C7)."""
NTFS_MBR = 0x07
SECTOR = 512
HEAD_MIB = 1
TOOL_S = 900.0
LARGEST = 4 << 20
SETUP_LOGS = (
    "Windows/Panther/setupact.log",
    "Windows/Panther/setuperr.log",
    "Windows/Panther/UnattendGC/setupact.log",
    "$WINDOWS.~BT/Sources/Panther/setupact.log",
    "$WINDOWS.~BT/Sources/Panther/setuperr.log",
    "Windows/inf/setupapi.dev.log",
    "lab/finish.log",
)
"""Where Setup logs by phase (learn.microsoft.com: Windows Setup log files and event logs)."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of a disk, in bytes."""

    start: int
    size: int


def partitions(head: bytes) -> list[Partition]:
    """Windows partitions in the first MiB of a disk, the largest first."""
    if head[SECTOR : SECTOR + 8] == b"EFI PART":
        found = _gpt(head)
    elif head[510:512] == b"\x55\xaa":
        found = _mbr(head)
    else:
        found = []
    return sorted(found, key=lambda part: -part.size)


def _gpt(head: bytes) -> list[Partition]:
    """UEFI specification 5.3: entries of `size` bytes from LBA `first` on; both ends are inclusive."""
    first, number, size = struct.unpack_from("<QII", head, SECTOR + 72)
    found = []
    for index in range(min(number, 128)):
        at = first * SECTOR + index * size
        if size >= 128 and head[at : at + 16] == BASIC_DATA and at + 48 <= len(head):
            begin, end = struct.unpack_from("<QQ", head, at + 32)
            if 0 < begin <= end:
                found.append(Partition(begin * SECTOR, (end - begin + 1) * SECTOR))
    return found


def _mbr(head: bytes) -> list[Partition]:
    found = []
    for at in range(446, 510, 16):
        begin, size = struct.unpack_from("<II", head, at + 8)
        if head[at + 4] == NTFS_MBR and begin and size:
            found.append(Partition(begin * SECTOR, size * SECTOR))
    return found


def fetch(disk: Path, names: tuple[str, ...], scratch: Path) -> tuple[dict[str, bytes], str]:
    """(files by path, why there are none): what is there of `names` on the disk's largest NTFS partition.

    :param disk: a qcow2 that nobody has open.
    :param scratch: room for the partition's used part.
    """
    if NTFSCAT.path is None:
        return {}, "ntfscat is not on this host (apt-get install ntfs-3g)"
    try:
        found = partitions(_head(disk, scratch))
        if not found:
            return {}, "the disk has no Windows partition yet"
        part = scratch / "partition.raw"
        try:
            workshop.check_room(scratch, disk.stat().st_size // workshop.MIB + 64, "setup logs")
            _take_out(disk, found[0], part)
            files = {name: content for name in names if (content := _read(part, name)) is not None}
        finally:
            part.unlink(missing_ok=True)
    except (LabError, OSError) as error:
        return {}, str(error)
    return files, "" if files else "none of Setup's logs is on it yet"


def _head(disk: Path, scratch: Path) -> bytes:
    head = scratch / "head.raw"
    argv = [
        "qemu-img",
        "dd",
        "-f",
        "qcow2",
        "-O",
        "raw",
        f"bs={HEAD_MIB}M",
        "count=1",
        f"if={disk}",
        f"of={head}",
    ]
    try:
        proc.checked(argv, timeout_s=TOOL_S, what="head of the disk")
        return head.read_bytes()
    finally:
        head.unlink(missing_ok=True)


def _take_out(disk: Path, part: Partition, target: Path) -> None:
    """QEMU's raw driver gives a window of the qcow2 below it (`offset`, `size`); holes stay holes."""
    below = f"file.driver=qcow2,file.file.driver=file,file.file.filename={_escaped(disk)}"
    window = f"driver=raw,offset={part.start},size={part.size},{below}"
    argv = ["qemu-img", "convert", "--image-opts", "-O", "raw", window, str(target)]
    proc.checked(argv, timeout_s=TOOL_S, what="Windows partition")


def _escaped(path: Path) -> str:
    return str(path).replace(",", ",,")


def _read(part: Path, name: str) -> bytes | None:
    done = proc.run([NTFSCAT.path or "ntfscat", "-f", part, name], timeout_s=TOOL_S)
    return done.stdout[-LARGEST:] if done.ok else None
