"""A guest's disk that nobody uses: its size, table and volumes, read by qemu-img.

The format is the caller's word and never guessed: a guest can write the header of a qcow2 to its raw disk,
whose backing file would then be any file of the host. Refuses disks that a QEMU has open for writing.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from lab import proc
from lab.errors import InfraError
from lab.offline import volumes
from lab.offline.partitions import Partition, Table, read_table
from lab.offline.refusal import DiskRefused, Refusal
from lab.offline.volumes import FileSystem, Volume

FORMATS = ("qcow2", "raw")
LOCKED = re.compile(r"Failed to get .* lock|Is another process using the image")
"""QEMU's words since 2.10 (block/file-posix.c)."""
PIECE = 1 << 20
TOOL_S = 120.0


@dataclass(frozen=True)
class Disk:
    """A disk of a stopped guest.

    :param path: the overlay or disk.
    :param format: `qcow2` or `raw`.
    :param shared: read it although a QEMU has it open; what is read may be about to change. Never written to.
    """

    path: Path
    format: str
    shared: bool = False
    _pieces: dict[int, bytes] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ValueError(f"disk format {self.format!r} (wanted one of {', '.join(FORMATS)})")

    @cached_property
    def size(self) -> int:
        """Bytes, as the guest sees it.

        :raise DiskRefused: it is in use.
        :raise MachineError: qemu-img cannot read it.
        """
        argv = ["qemu-img", "info", *self._share, "--output=json", "-f", self.format, str(self.path)]
        return int(json.loads(self._asked(argv))["virtual-size"])

    @cached_property
    def table(self) -> Table:
        """Its partitions, or none.

        :raise DiskRefused: it is in use.
        """
        return read_table(self.read, self.size)

    @cached_property
    def volumes(self) -> tuple[Volume, ...]:
        """What is on its partitions, or on the whole of it where it has no table.

        :raise DiskRefused: it is in use, or neither a table nor a file system is on it.
        """
        if self.table.kind != "none":
            return tuple(volumes.volume(self.read, part) for part in self.table.parts)
        whole = volumes.volume(self.read, Partition(number=0, start=0, size=self.size, type=""))
        if whole.type is FileSystem.UNKNOWN:
            why = f" ({'; '.join(self.table.problems)})" if self.table.problems else ""
            raise DiskRefused(
                f"disk {self.path.name!r}: neither a partition table nor a known file system{why}",
                Refusal.NO_TABLE,
            )
        return (whole,)

    def read(self, at: int, length: int) -> bytes:
        """Bytes of it; fewer at its end."""
        found = b""
        while length > 0 and 0 <= at < self.size:
            number, inside = divmod(at, PIECE)
            piece = self._piece(number)[inside : inside + length]
            if not piece:
                break
            found, at, length = found + piece, at + len(piece), length - len(piece)
        return found

    def _piece(self, number: int) -> bytes:
        """A window of the disk (`qemu-img dd` counts `skip` into `count`, 7.2, and later ones may not)."""
        if number not in self._pieces:
            start = number * PIECE
            below = {"driver": self.format, "file": {"driver": "file", "filename": str(self.path)}}
            size = min(PIECE, self.size - start)
            window = {"driver": "raw", "offset": start, "size": size, "file": below}
            with tempfile.TemporaryDirectory(prefix="lab-disk-") as directory:
                out = Path(directory) / "piece"
                shared = ["-U"] if self.shared else []
                self._asked(
                    ["qemu-img", "convert", *shared, "-O", "raw", f"json:{json.dumps(window)}", str(out)]
                )
                self._pieces[number] = out.read_bytes()
        return self._pieces[number]

    @property
    def _share(self) -> list[str]:
        return ["-U"] if self.shared else []

    def _asked(self, argv: list[str]) -> str:
        done = proc.run(argv, timeout_s=TOOL_S)
        if not done.ok:
            raise refused(self.path, done.error_text)
        return done.text


def refused(path: Path, words: str) -> InfraError:
    """What QEMU's own words about a disk mean."""
    if LOCKED.search(words):
        return DiskRefused(f"disk {path.name!r} is in use by a running QEMU", Refusal.IN_USE)
    last = (words.splitlines() or ["no output"])[-1]
    return DiskRefused(f"disk {path.name!r} cannot be read: {last}", Refusal.FAILED)
