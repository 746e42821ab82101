"""What a file is, told by its bytes; where sources come from; how packed files are opened."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from corpora import HEALTHY, OOPS, png
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.errors import ArtefactError, InputError
from lab.examining.subjects import Source, Subject, as_text, identify, opened, sources


@pytest.mark.parametrize(
    ("data", "subject"),
    [
        (HEALTHY, Subject.LOG),
        (b"", Subject.LOG),
        (bytes(4096) + HEALTHY, Subject.LOG),
        (b"\x1b[2J\x1b[1;1HSeaBIOS (version 1.16)\r\n", Subject.LOG),
        ("Gerät läuft: нет ошибок 正常\n".encode(), Subject.LOG),
        ("A problem\r\n".encode("utf-16"), Subject.LOG),
        (png(), Subject.SCREEN),
        (b"\xff\xd8\xff\xe0" + bytes(30), Subject.SCREEN),
        (b"P6\n2 2\n255\n" + bytes(12), Subject.SCREEN),
        (b"PAGEDU64" + bytes(100), Subject.DUMP),
        (b"PAGEDUMP" + bytes(100), Subject.DUMP),
        (b"MDMP" + bytes(100), Subject.DUMP),
        (b"\x7fELF" + bytes(100), Subject.DUMP),
    ],
)
def test_a_file_is_known_by_its_first_bytes(data: bytes, subject: Subject) -> None:
    assert identify(memoryview(data)) is subject


def test_binary_of_no_known_kind_is_refused_with_what_was_seen() -> None:
    with pytest.raises(
        ArtefactError, match=r"neither text nor a picture nor a dump \(it begins with 00 01"
    ) as said:
        identify(memoryview(bytes(range(256)) * 8))
    assert "--as" in (said.value.hint or "")


def test_an_archive_is_named_and_not_taken_for_text() -> None:
    with pytest.raises(ArtefactError, match="a zip archive"):
        identify(memoryview(b"PK\x03\x04" + HEALTHY))


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_any_bytes_are_identified_or_refused(data: bytes) -> None:
    with suppress(ArtefactError):
        assert identify(memoryview(data)) in Subject


def test_a_utf16_log_is_read_as_its_characters() -> None:
    assert bytes(as_text(memoryview("STOP: 0x7E\r\n".encode("utf-16")))) == b"STOP: 0x7E\r\n"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_files_are_unpacked(tmp_path: Path, pack: object) -> None:
    path = tmp_path / "console"
    path.write_bytes(pack(OOPS))  # type: ignore[operator]
    with opened(Source("console", path)) as data:
        assert bytes(data) == OOPS


@pytest.mark.skipif(shutil.which("zstd") is None, reason="zstd is not installed")
def test_a_zstd_file_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "console.zst"
    path.write_bytes(subprocess.run(["zstd", "-qc"], input=OOPS, capture_output=True, check=True).stdout)
    with opened(Source("console", path)) as data:
        assert bytes(data) == OOPS


def test_what_a_cut_gzip_file_still_holds_is_read(tmp_path: Path) -> None:
    path = tmp_path / "console.gz"
    path.write_bytes(gzip.compress(OOPS * 2000)[:-20])
    with opened(Source("console", path)) as data:
        assert bytes(data).startswith(OOPS)


def test_damaged_packing_is_an_error_with_the_name(tmp_path: Path) -> None:
    path = tmp_path / "console.gz"
    path.write_bytes(b"\x1f\x8b" + b"no gzip at all")
    with (
        pytest.raises(ArtefactError, match=r"console\.gz: cannot be unpacked"),
        opened(Source(str(path), path)),
    ):
        pass


def test_standard_input_is_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(OOPS)

    monkeypatch.setattr("sys.stdin", Input())
    (source,) = sources(["-"])
    with opened(source) as data:
        assert bytes(data) == OOPS


def test_a_folder_gives_its_files_and_each_recording_once(tmp_path: Path) -> None:
    (tmp_path / "b.log").write_bytes(OOPS)
    (tmp_path / ".hidden").write_bytes(OOPS)
    attempt = tmp_path / "cells" / "x" / "a1"
    (attempt / "frames").mkdir(parents=True)
    (attempt / "events.jsonl").write_text("")
    (attempt / "frames" / "000001.png").write_bytes(png())
    found = list(sources([str(tmp_path)]))
    assert [(Path(one.name).name, one.subject, one.asked) for one in found] == [
        ("b.log", None, False),
        ("a1", Subject.RECORDING, False),
    ]


def test_a_path_that_is_not_there_is_an_input_error() -> None:
    with pytest.raises(InputError, match="nowhere: no such file"):
        list(sources(["nowhere"]))
