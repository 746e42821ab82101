"""Dumps of dump disks with a file system: which file is kept, and what is said of one that is not whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from lab.clock import Deadline, Stopwatch
from lab.errors import BuildError
from lab.machine.witness import Witness
from lab.model import Capture, EvidencePolicy
from lab.offline.disk import Disk
from lab.offline.job import Done
from lab.offline.repair import Offline
from lab.offline.steps import CopyOut, Step
from lab.running.captures import Captures
from lab.running.dump_slots import DumpSlots
from lab.running.dumping import GUEST_DUMP, Dumping

MARK = b"PAGEDU64"


class OneDisk:
    """A machine that is done writing."""

    def __init__(self, disk: Path) -> None:
        self.dump_disk = disk

    def written(self) -> int:
        return 4096


class Room:
    """The rescue guest: gives `content` for the dedicated dump file, or fails."""

    def __init__(self, content: bytes | None, error: Exception | None = None) -> None:
        self.content = content
        self.error = error
        self.read: list[bytes] = []

    def do(self, disk: Disk, steps: list[Step], *, limit_s: float) -> list[Done]:
        assert limit_s > 0
        if self.error is not None:
            raise self.error
        self.read.append(disk.path.read_bytes())
        return [self._one(step) for step in steps]

    def _one(self, step: Step) -> Done:
        assert isinstance(step, CopyOut)
        if self.content is None or not step.path.endswith(".sys"):
            return Done(step=step, volume=0, paths=())
        step.target.write_bytes(self.content)
        return Done(step=step, volume=1, paths=(step.path,))


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """An MBR with one volume that calls itself NTFS, with something like a dump in its clusters."""
    data = bytearray(1 << 20)
    data[446:462] = (
        bytes.fromhex("00feffff07feffff") + (64).to_bytes(4, "little") + (1000).to_bytes(4, "little")
    )
    data[510:512] = b"\x55\xaa"
    data[64 * 512 + 3 : 64 * 512 + 11] = b"NTFS    "
    data[512 * 512 : 512 * 512 + 16] = MARK + b"rawrawra"
    path = tmp_path / "dump.raw"
    path.write_bytes(data)
    return path


def take(tmp_path: Path, disk: Path, room: Room) -> Capture:
    directory = tmp_path / "a1"
    directory.mkdir()
    dumping = Dumping(
        cast(Witness, OneDisk(disk)),
        Captures(directory, lambda _seen: None, Stopwatch()),
        EvidencePolicy(guest_dump_wait_s=0.01),
        DumpSlots(None, 1),
        factor=1.0,
        deadline=Deadline.after(60.0),
        moved_on=lambda: False,
        offline=cast(Offline, room),
    )
    found = dumping.by_guest()
    left: list[Any] = [path.name for path in directory.iterdir() if path.name != GUEST_DUMP]
    assert left == []
    return found


def kept(tmp_path: Path) -> bytes:
    return (tmp_path / "a1" / GUEST_DUMP).read_bytes()


def test_a_valid_dump_file_goes_before_what_lies_in_the_clusters(tmp_path: Path, disk: Path) -> None:
    room = Room(MARK + b"by the file system")
    capture = take(tmp_path, disk, room)
    assert capture.ok
    assert capture.detail.endswith("its dump is lab-dump.sys of its dump disk")
    assert kept(tmp_path) == MARK + b"by the file system"
    assert room.read == [disk.read_bytes()], "a copy is read: the guest may still have the disk open"


def test_clusters_go_before_a_file_that_does_not_know_of_them(tmp_path: Path, disk: Path) -> None:
    """Windows writes a dump past the file system, whose idea of the file's end may be older."""
    capture = take(tmp_path, disk, Room(bytes(9000)))
    assert capture.ok
    assert f"at byte {512 * 512}" in capture.detail
    assert kept(tmp_path).startswith(MARK + b"raw")


def test_a_host_without_a_rescue_guest_takes_the_clusters_and_says_why(tmp_path: Path, disk: Path) -> None:
    capture = take(tmp_path, disk, Room(None, BuildError("no archive")))
    assert capture.ok
    assert "not read by its file system: no archive" in capture.detail


def test_a_half_written_dump_says_so(tmp_path: Path, disk: Path) -> None:
    disk.write_bytes(disk.read_bytes().replace(MARK, b"PAGEPAGE"))
    capture = take(tmp_path, disk, Room(b"PAGEPAGE" * 1024))
    assert capture.ok
    assert "half written: its header is not marked valid" in capture.detail
    assert kept(tmp_path) == b"PAGEPAGE" * 1024


def test_a_dump_file_that_was_never_begun_is_no_dump(tmp_path: Path, disk: Path) -> None:
    disk.write_bytes(disk.read_bytes().replace(MARK, bytes(8)))
    capture = take(tmp_path, disk, Room(bytes(9000)))
    assert not capture.ok
    assert "never written to: the guest made no dump" in capture.detail
    assert not (tmp_path / "a1" / GUEST_DUMP).exists()
