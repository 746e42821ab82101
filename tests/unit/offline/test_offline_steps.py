"""What is ordered of the rescue guest: paths, volumes, and the parcel that carries the words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.errors import InputError
from lab.images import initrd
from lab.offline.partitions import Partition
from lab.offline.steps import CopyOut, Delete, List, Rename, Replace, meant, new_name, parcel, posix
from lab.offline.volumes import FileSystem, Volume


def volume(number: int, kind: FileSystem) -> Volume:
    return Volume(part=Partition(number=number, start=number << 20, size=1 << 20, type=""), type=kind)


VOLUMES = [
    volume(1, FileSystem.FAT),
    volume(2, FileSystem.BITLOCKER),
    volume(3, FileSystem.NTFS),
    volume(4, FileSystem.EXT4),
]


@pytest.mark.parametrize(
    ("given_path", "path"),
    [
        (r"C:\Windows\System32\drivers\X.sys", "/Windows/System32/drivers/X.sys"),
        ("c:/Windows/C-00000291*.sys", "/Windows/C-00000291*.sys"),
        ("/opt/agent/a b", "/opt/agent/a b"),
        ("C:\\", "/"),
        ("/", "/"),
        (r"/opt/a\b", r"/opt/a\b"),
    ],
)
def test_a_path_of_the_guest_is_one_below_its_volume(given_path: str, path: str) -> None:
    assert posix(given_path) == path


@pytest.mark.parametrize("path", ["", "x", "C:x", "/a/../b", r"C:\..\b", "/a\nb", "/a\0", "a/b", r"\x"])
def test_a_path_that_could_mean_something_else_is_refused(path: str) -> None:
    with pytest.raises(InputError, match="not usable"):
        posix(path)


@pytest.mark.parametrize("name", ["", "..", "a/b", r"a\b", "a\nb", "C:a/b"])
def test_a_new_name_is_a_name_or_an_absolute_path(name: str) -> None:
    with pytest.raises(InputError, match="not usable"):
        new_name(name)


def test_a_drive_letter_means_volumes_of_windows_that_can_be_mounted() -> None:
    numbers = [one.number for one in meant(List(path="C:\\"), VOLUMES)]
    assert numbers == [1, 3]
    assert [one.number for one in meant(List(path="/"), VOLUMES)] == [1, 3, 4]
    assert [one.number for one in meant(List(path="/", volume=4), VOLUMES)] == [4]
    assert meant(List(path="/", volume=2), VOLUMES) == []


def test_a_parcel_has_the_steps_in_order_with_their_words() -> None:
    steps = [
        Delete(path=r"C:\a*.sys"),
        Rename(path="/x", to="y"),
        Replace(path="/x", content=b"\0new"),
        CopyOut(path="/x", target=Path("/t"), optional=True),
    ]
    data = parcel(steps, VOLUMES)
    assert len(data) % 512 == 0
    names = set(initrd.names(data))
    assert {"steps.sh", "volumes", "0/path", "1/to", "2/content", "3/device", "3/optional"} <= names
    assert "0/optional" not in names
    assert b"0 delete\n1 rename\n2 replace\n3 copy-out\n" in data
    assert [step.writes for step in steps] == [True, True, True, False]


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40))
def test_no_path_leaves_its_volume(text: str) -> None:
    try:
        path = posix(text)
    except InputError:
        return
    assert path.startswith("/")
    assert ".." not in path.split("/")
    assert not set(path) & set("\n\r\0")
