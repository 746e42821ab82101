"""What is on a volume, by its first sectors; made by the file systems' own programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.images.tools import Tool
from lab.offline.disk import Disk
from lab.offline.partitions import Partition
from lab.offline.refusal import DiskRefused, Refusal
from lab.offline.volumes import FileSystem, type_of, volume

MADE = {
    FileSystem.NTFS: (Tool("mkfs.ntfs", "ntfs-3g"), ("-Q", "-F", "-q")),
    FileSystem.EXFAT: (Tool("mkfs.exfat", "exfatprogs"), ()),
    FileSystem.FAT: (Tool("mkfs.vfat", "dosfstools"), ("-F", "32", "-n", "LABDUMP")),
    FileSystem.EXT4: (Tool("mke2fs", "e2fsprogs"), ("-q", "-t", "ext4", "-L", "root")),
}


def make(path: Path, kind: FileSystem, mib: int = 64) -> Path:
    tool, options = MADE[kind]
    if tool.path is None:
        pytest.skip(f"{tool.name} is not installed ({tool.package})")
    with path.open("wb") as stream:
        stream.truncate(mib << 20)
    subprocess.run([tool.path, *options, str(path)], check=True, capture_output=True)
    return path


@pytest.mark.parametrize("kind", MADE)
def test_a_volume_is_typed_by_what_made_it(kind: FileSystem, tmp_path: Path) -> None:
    data = make(tmp_path / "part", kind).read_bytes()
    part = Partition(number=0, start=0, size=len(data), type="")
    found = volume(lambda at, length: data[at : at + length], part)
    assert found.type is kind
    assert found.label == {FileSystem.FAT: "LABDUMP", FileSystem.EXT4: "root"}.get(kind, "")


@pytest.mark.parametrize(
    ("at", "mark"), [(3, b"-FVE-FS-"), (424, bytes.fromhex("3bd66749292ed84a8399f6a339e3d001"))]
)
def test_bitlocker_is_told_from_the_file_system_it_hides(at: int, mark: bytes, tmp_path: Path) -> None:
    data = bytearray(make(tmp_path / "part", FileSystem.FAT).read_bytes()[:4096])
    data[at : at + len(mark)] = mark
    assert type_of(bytes(data)) is FileSystem.BITLOCKER


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=4096))
def test_any_bytes_have_a_type(data: bytes) -> None:
    type_of(data)


def test_a_qcow2_without_a_table_is_one_volume(tmp_path: Path) -> None:
    raw, disk = make(tmp_path / "raw", FileSystem.EXT4), tmp_path / "disk.qcow2"
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, disk], check=True)
    found = Disk(disk, "qcow2")
    assert (found.size, found.table.kind) == (64 << 20, "none")
    assert [(one.number, one.type) for one in found.volumes] == [(0, FileSystem.EXT4)]


def test_a_disk_is_read_across_its_pieces_and_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "disk"
    content = bytes(range(256)) * 6144 + b"the end"
    path.write_bytes(content + bytes(-len(content) % 512))
    disk = Disk(path, "raw")
    assert disk.read((1 << 20) - 10, 20) == content[(1 << 20) - 10 : (1 << 20) + 10]
    assert disk.read(len(content) - 7, 4096).startswith(b"the end")
    assert disk.read(disk.size, 1) == b""


def test_the_header_of_a_qcow2_on_a_raw_disk_is_only_bytes(tmp_path: Path) -> None:
    """A guest could write it, with any file of the host as its backing file."""
    secret, disk = tmp_path / "secret", tmp_path / "disk.raw"
    secret.write_bytes(b"secret".ljust(1 << 20, b"\0"))
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(secret), str(disk)]
    subprocess.run(argv, check=True)
    assert Disk(disk, "raw").read(0, 4) == b"QFI\xfb"
    with pytest.raises(DiskRefused) as refused:
        _ = Disk(disk, "raw").volumes
    assert refused.value.why is Refusal.NO_TABLE


def test_a_disk_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DiskRefused, match=r"'gone\.raw' cannot be read") as refused:
        _ = Disk(tmp_path / "gone.raw", "raw").size
    assert refused.value.why is Refusal.FAILED
