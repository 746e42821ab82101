"""Which file of a dump disk is the dump, and in what state."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from offline_tables import mbr

from lab.errors import LabError
from lab.offline.disk import Disk
from lab.offline.dumps import fetch, state_of
from lab.offline.job import Done
from lab.offline.steps import CopyOut, Step

BEGUN = b"PAGE" * 1024
VALID = b"PAGEDU64" + BEGUN[8:]


class Room:
    """Answers a fetch with the files that a dump disk has."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def do(self, _disk: Disk, steps: list[Step]) -> list[Done]:
        return [self._one(step) for step in steps]

    def _one(self, step: Step) -> Done:
        assert isinstance(step, CopyOut)
        assert step.optional
        content = self.files.get(step.path)
        if content is None:
            return Done(step=step, volume=0, paths=())
        step.target.write_bytes(content)
        return Done(step=step, volume=1, paths=(step.path.replace("*", "072226-1"),))


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A table with one volume that calls itself NTFS."""
    data = mbr([(0x07, 64, 1000)])
    data[64 * 512 + 3 : 64 * 512 + 11] = b"NTFS    "
    path = tmp_path / "dump.raw"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("files", "name", "state"),
    [
        ({"/lab-dump.sys": VALID}, "lab-dump.sys", "valid"),
        ({"/lab-dump.sys": bytes(9000), "/Minidump/*.dmp": VALID}, "Minidump/072226-1.dmp", "valid"),
        ({"/lab-dump.sys": BEGUN, "/*.dmp": bytes(9000)}, "lab-dump.sys", "unfinished"),
        ({"/lab-dump.sys": bytes(9000)}, "lab-dump.sys", "unused"),
        ({"/lab-dump.sys": b""}, "lab-dump.sys", "unused"),
    ],
)
def test_the_best_of_the_dump_files_is_taken(
    files: dict[str, bytes], name: str, state: str, disk: Path, tmp_path: Path
) -> None:
    found = fetch(Room(files).do, disk, tmp_path)
    assert found is not None
    assert (found.name, found.state) == (name, state)
    assert found.path.read_bytes() == next(one for path, one in files.items() if name[:4] in path)
    words = {"valid": "its dump is", "unfinished": "half written", "unused": "never written to"}[state]
    assert words in found.sentence


def test_a_dump_disk_without_a_dump_file_gives_none(disk: Path, tmp_path: Path) -> None:
    assert fetch(Room({}).do, disk, tmp_path) is None


def test_a_dump_disk_that_cannot_be_read_is_an_error_of_the_lab(tmp_path: Path) -> None:
    path = tmp_path / "dump.raw"
    path.write_bytes(bytes(1 << 20))
    with pytest.raises(LabError):
        fetch(Room({}).do, path, tmp_path)


def test_a_32_bit_dump_is_valid_too(tmp_path: Path) -> None:
    path = tmp_path / "d"
    path.write_bytes(b"PAGEDUMP" + struct.pack("<I", 1))
    assert state_of(path) == "valid"
