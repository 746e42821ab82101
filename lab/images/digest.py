"""Digests of large files, computed once per content, and whether a qcow2 is whole."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from lab import codec
from lab.errors import ArtefactError

QCOW2_MAGIC = b"QFI\xfb"


def of_file(path: Path) -> str:
    """sha256 of a file, as hexadecimal text."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def combined(files: Mapping[str, str]) -> str:
    """One digest over named digests, whatever their order."""
    text = "".join(f"{name} {files[name]}\n" for name in sorted(files))
    return hashlib.sha256(text.encode()).hexdigest()


class Remembered:
    """sha256 of files, remembered by size, modification time and inode in one JSON file."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory

    def of_file(self, path: Path) -> str:
        """The file's sha256; read only when the file is not the one that was remembered."""
        stat = path.stat()
        identity = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        known = self._load()
        entry = known.get(str(path))
        if entry is not None and entry[:3] == identity:
            return str(entry[3])
        value = of_file(path)
        known = self._load()
        known[str(path)] = [*identity, value]
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        codec.replace_text(self._memory, json.dumps(known, indent=1) + "\n")
        return value

    def _load(self) -> dict[str, list[int | str]]:
        try:
            loaded = json.loads(self._memory.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return loaded if isinstance(loaded, dict) else {}


def check_qcow2(path: Path) -> None:
    """Refuse a file that is no qcow2, or whose tables point past its end.

    Header fields: docs/interop/qcow2.txt (version 2 and 3); the L1 table is followed so that a
    truncated copy is found in milliseconds, without reading data.

    :raise ArtefactError: saying what is wrong with it.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        header = handle.read(72)
        if len(header) < 72 or header[:4] != QCOW2_MAGIC:
            raise ArtefactError(f"{path}: not a qcow2 image (it starts with {header[:4]!r})")
        version, _, _, cluster_bits = struct.unpack_from(">IQII", header, 4)
        l1_size, l1_offset = struct.unpack_from(">IQ", header, 36)
        if version not in (2, 3) or not 9 <= cluster_bits <= 21:
            raise ArtefactError(f"{path}: not a qcow2 image that QEMU takes (version {version})")
        cluster = 1 << cluster_bits
        handle.seek(l1_offset)
        table = handle.read(min(l1_size, 4 * 1024 * 1024) * 8)
        last = l1_offset + l1_size * 8
        for at in range(0, len(table) - 7, 8):
            l2 = _offset(table, at)
            last = max(last, l2 + cluster if l2 else 0)
            last = max(last, _last_cluster(handle, l2, cluster, size))
    if size < last:
        raise ArtefactError(f"{path}: truncated: {size} bytes (its tables point up to byte {last})")


def _offset(table: bytes, at: int) -> int:
    """Bits 9 to 55 of a table entry."""
    return int(struct.unpack_from(">Q", table, at)[0]) & 0x00FFFFFFFFFFFE00


def _last_cluster(handle: BinaryIO, l2: int, cluster: int, size: int) -> int:
    """The end of the last data cluster that the L2 table at `l2` points to; 0 for none or an absent table."""
    if not l2 or l2 + cluster > size:
        return 0
    handle.seek(l2)
    table = handle.read(cluster)
    values = struct.unpack(f">{len(table) // 8}Q", table)
    plain = [value & 0x00FFFFFFFFFFFE00 for value in values if value and not value >> 62 & 1]
    return max(plain) + 1 if plain else 0
