"""The answer medium: the same bytes at any time, and what is on it is what was meant."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.images.windows import answer_disc, disc, dump_disk
from lab.offline.partitions import read_table

sys.path.insert(0, str(Path(__file__).parent))

FILES = {
    "autounattend.xml": b"<unattend/>",
    "lab/finish.ps1": b"x" * 5000,
    "lab/ssh/ssh_host_ed25519_key": b"private",
    "lab/ssh/ssh_host_ed25519_key.pub": b"public",
    "$WinPEDriver$/viostor/viostor.inf": b"",
}
NAME = st.text("abcXYZ019_-$.", min_size=1, max_size=20).filter(lambda text: text.strip(".") == text)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    answer_disc.write(FILES, tmp_path / "a.iso")
    assert answer_disc.read(tmp_path / "a.iso") == FILES


def test_the_bytes_do_not_depend_on_the_time_of_day_or_the_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_disc.write(FILES, tmp_path / "a.iso")
    import time

    later = time.time() + 90_000
    monkeypatch.setattr(time, "time", lambda: later)
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        answer_disc.write(dict(reversed(FILES.items())), tmp_path / "b.iso")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert digest(tmp_path / "a.iso") == digest(tmp_path / "b.iso")


def test_a_file_is_taken_from_disk_as_well_as_from_memory(tmp_path: Path) -> None:
    (tmp_path / "update.msu").write_bytes(b"MSCF" + b"u" * 9000)
    answer_disc.write({"a.msu": tmp_path / "update.msu"}, tmp_path / "a.iso")
    answer_disc.write({"a.msu": (tmp_path / "update.msu").read_bytes()}, tmp_path / "b.iso")
    assert digest(tmp_path / "a.iso") == digest(tmp_path / "b.iso")


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(NAME, st.binary(max_size=40), min_size=1, max_size=6))
def test_names_that_only_differ_in_what_iso9660_cannot_say_stay_apart(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    by_case = {name.casefold(): (name, data) for name, data in files.items()}
    distinct = {f"d/{name}": data for name, data in by_case.values()}
    path = tmp_path_factory.mktemp("iso") / "a.iso"
    answer_disc.write(distinct, path)
    assert answer_disc.read(path) == distinct


def test_names_are_found_without_case_as_windows_finds_them(tmp_path: Path) -> None:
    answer_disc.write(FILES, tmp_path / "a.iso")
    with disc.opened(tmp_path / "a.iso", "it") as opened:
        assert opened.label == answer_disc.LABEL
        assert opened.has("LAB/Finish.PS1")
        assert not opened.has("lab/none")
        assert opened.entries("nothing") == []


def test_a_dump_disk_has_one_partition_with_the_same_identity_each_time() -> None:
    head = dump_disk._master_boot_record(0x07, 256)
    (part,) = read_table(lambda at, length: head[at : at + length], 256 << 20).parts
    assert (part.start, part.size, part.type) == (1 << 20, 255 << 20, "0x07")
    assert head[440:444] == dump_disk.SIGNATURE.to_bytes(4, "little")
