"""The disk for crash dumps: an MBR with one partition, FAT32, exFAT or NTFS, on a sparse raw file.

The host reads it without booting the guest, and every dump disk has the same identity (disk signature and
volume serial), so that Windows gives each of them the letter it gave the first one.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Sequence
from pathlib import Path

from lab import proc
from lab.errors import BuildError
from lab.images.tools import Tool, require

MIB = 1 << 20
START = MIB
"""Byte at which the partition begins."""
SIGNATURE = 0x4C414244
"""The disk's identity to Windows: `LABD`."""
LABEL = "LABDUMP"
MKFS_S = 120.0
FILE_SYSTEMS: dict[str, tuple[Tool, int, tuple[str, ...]]] = {
    "ntfs": (
        Tool("mkfs.ntfs", "ntfs-3g"),
        0x07,
        ("-Q", "-F", "-q", "-L", LABEL, "-p", "2048", "-H", "255", "-S", "63"),
    ),
    "exfat": (Tool("mkfs.exfat", "exfatprogs"), 0x07, ("-L", LABEL)),
    "fat32": (
        Tool("mkfs.vfat", "dosfstools"),
        0x0C,
        ("-F", "32", "-n", LABEL, "-i", "4c414244", "--invariant"),
    ),
}
"""File system -> its program, MBR partition type, options."""


def make(path: Path, size_mib: int, file_system: str = "ntfs") -> None:
    """A new dump disk of `size_mib` at `path`.

    :raise HostError: the file system's program is not installed.
    :raise BuildError: it failed, or the size is too small for it.
    """
    tool, kind, options = FILE_SYSTEMS[file_system]
    require([tool], "making a dump disk")
    least = 64
    if size_mib < least:
        raise BuildError(f"dump disk of {size_mib} MiB is too small (wanted at least {least} MiB)")
    part = path.with_name(f".{path.name}.part")
    try:
        _file_system(part, size_mib * MIB - START, tool, options)
        with path.open("wb") as disk:
            disk.truncate(size_mib * MIB)
            disk.write(_master_boot_record(kind, size_mib))
            _copy_sparse(part, disk.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        part.unlink(missing_ok=True)


def _file_system(part: Path, size: int, tool: Tool, options: Sequence[str]) -> None:
    with part.open("wb") as stream:
        stream.truncate(size)
    done = proc.run([tool.path or tool.name, *options, part], timeout_s=MKFS_S)
    if not done.ok:
        raise BuildError(f"dump disk: {tool.name!r} exited with {done.exit_code}: {done.error_text[-200:]}")


def _master_boot_record(kind: int, size_mib: int) -> bytes:
    """One partition from `START` to the end, in LBA; no boot code."""
    record = bytearray(512)
    struct.pack_into("<I", record, 440, SIGNATURE)
    beyond = b"\xfe\xff\xff"
    entry = struct.pack("<B3sB3sII", 0, beyond, kind, beyond, START // 512, (size_mib * MIB - START) // 512)
    record[446 : 446 + 16] = entry
    record[510:512] = b"\x55\xaa"
    return bytes(record)


def _copy_sparse(source: Path, target: int) -> None:
    """Copy a file behind `START`; only what was written of it, which is some MiB of many GiB (lseek(2))."""
    with source.open("rb") as stream:
        end = source.stat().st_size
        at = _next(stream.fileno(), 0, os.SEEK_DATA, end)
        while at < end:
            hole = _next(stream.fileno(), at, os.SEEK_HOLE, end)
            while at < hole:
                block = os.pread(stream.fileno(), min(MIB, hole - at), at)
                os.pwrite(target, block, START + at)
                at += len(block)
            at = _next(stream.fileno(), hole, os.SEEK_DATA, end)


def _next(file: int, at: int, what: int, end: int) -> int:
    """Where data or a hole begins, at or after `at`; `end` when there is no more data (ENXIO)."""
    try:
        return os.lseek(file, at, what)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return end
        raise
