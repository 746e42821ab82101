"""One start of the rescue guest: what its QEMU sees, and what its answers mean."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from offline_tables import gpt

from lab.offline.disk import Disk, refused
from lab.offline.job import Job
from lab.offline.partitions import Partition
from lab.offline.refusal import REMEDIES, DiskRefused, Refusal
from lab.offline.rescue import Rescue
from lab.offline.steps import CopyOut, Delete, List, Read, Step
from lab.offline.volumes import FileSystem, Volume

RESCUE = Rescue(kernel=Path("/k"), initrd=Path("/i"))
NTFS = Volume(part=Partition(number=2, start=1 << 20, size=5 << 20, type=""), type=FileSystem.NTFS)
LOCKED = Volume(part=Partition(number=1, start=8 << 20, size=1 << 20, type=""), type=FileSystem.BITLOCKER)


def job(tmp_path: Path, *steps: Step) -> Job:
    disk = tmp_path / "disk,1.raw"
    disk.write_bytes(gpt([(64, 1063)]))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Job(Disk(disk, "raw"), steps, [LOCKED, NTFS], scratch)


def nodes(argv: Sequence[str]) -> dict[str, dict[str, Any]]:
    found = [json.loads(word) for before, word in pairwise(argv) if before == "-blockdev"]
    return {one["node-name"]: one for one in found}


def answer(tmp_path: Path, files: Mapping[str, bytes]) -> None:
    with tarfile.open(tmp_path / "scratch/answer.tar", "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_writing_goes_to_the_disk_through_a_window_of_each_volume(tmp_path: Path) -> None:
    argv = job(tmp_path, Delete(path="/x")).argv(RESCUE, "tcg", 60.0, writes=True)
    made = nodes(argv)
    assert made["below"]["filename"] == str(tmp_path / "disk,1.raw")
    assert (made["v2"]["offset"], made["v2"]["size"], made["v2"]["file"]) == (1 << 20, 5 << 20, "disk")
    assert "v1" not in made, "nothing can be done with a volume that BitLocker has locked"
    assert "-nic" not in argv
    assert "virtio-blk-pci,drive=v2,serial=v2,share-rw=on" in argv


def test_reading_goes_to_an_overlay_that_is_thrown_away(tmp_path: Path) -> None:
    made = nodes(job(tmp_path, Read(path="/x")).argv(RESCUE, "tcg", 60.0, writes=False))
    assert made["below"]["filename"] == str(tmp_path / "scratch/overlay.qcow2")
    assert made["disk"]["driver"] == "qcow2"


def test_answers_are_told_apart_by_step(tmp_path: Path) -> None:
    one = job(tmp_path, Delete(path="/x*"), Read(path="/y"), List(path="/"))
    line = b"regular file|12|1795448985|/a|b\ndirectory|0|1795448985|/Z\n"
    told = {
        "0/exit": b"0 2 failed\n",
        "0/found": b"/v/x1\n/v/x2\n",
        "1/exit": b"0 2 failed",
        "1/data": b"\0\xff",
    }
    answer(tmp_path, told | {"2/exit": b"0 2 failed", "2/found": b"/v\n", "2/data": line})
    done = one.answers()
    assert done[0].paths == ("/x1", "/x2")
    assert (done[0].data, done[1].data) == (b"", b"\0\xff")
    assert [(entry.path, entry.directory, entry.size) for entry in done[2].entries] == [
        ("/Z", True, 0),
        ("/a|b", False, 12),
    ]


@pytest.mark.parametrize("why", [why for why in Refusal if why is not Refusal.ABSENT])
def test_a_step_that_failed_is_refused_with_its_kind_and_remedy(why: Refusal, tmp_path: Path) -> None:
    one = job(tmp_path, Delete(path="/x"))
    answer(tmp_path, {"0/exit": f"1 0 {why.value}\n".encode(), "0/text": b"volume 2 (ntfs): words"})
    with pytest.raises(DiskRefused, match=r"volume 2 .ntfs.: words") as error:
        one.answers()
    assert (error.value.why, error.value.hint) == (why, REMEDIES[why])


def test_a_file_that_is_not_found_beside_an_encrypted_volume_may_be_on_that(tmp_path: Path) -> None:
    one = job(tmp_path, Delete(path="/x"))
    answer(tmp_path, {"0/exit": b"1 0 absent\n", "0/text": b"volume 2 (ntfs) does not have it"})
    with pytest.raises(DiskRefused, match="volume 1 is encrypted by BitLocker") as error:
        one.answers()
    assert error.value.why is Refusal.ENCRYPTED


def test_a_step_that_was_not_reached_is_a_failure(tmp_path: Path) -> None:
    one = job(tmp_path, Delete(path="/x"))
    answer(tmp_path, {})
    with pytest.raises(DiskRefused, match="it was not reached"):
        one.answers()


def test_a_copy_has_the_size_of_its_file_and_takes_its_place_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "out"
    one = job(tmp_path, CopyOut(path="/x", target=target), CopyOut(path="/y", target=tmp_path / "no"))
    one.argv(RESCUE, "tcg", 60.0, writes=False)
    assert not target.exists()
    told = {"0/exit": b"0 2 failed", "0/found": b"/v/x\n", "0/data": b"1000\n", "1/exit": b"0 0 absent"}
    answer(tmp_path, told)
    done = one.answers()
    assert target.stat().st_size == 1000
    assert (done[1].paths, (tmp_path / "no").exists()) == ((), False)
    one.drop_parts()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk,1.raw", "out", "scratch"]


def test_qemus_words_about_a_disk_in_use_are_understood() -> None:
    words = 'qemu: -blockdev x: Failed to get "write" lock\nIs another process using the image [x]?'
    error = refused(Path("/a/overlay.qcow2"), words)
    assert isinstance(error, DiskRefused)
    assert error.why is Refusal.IN_USE
    assert "stop the machine" in (error.hint or "")
