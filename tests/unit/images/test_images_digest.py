"""Digests and the check of a qcow2's own tables."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

import pytest

from lab.errors import ArtefactError
from lab.images import digest

sys.path.insert(0, str(Path(__file__).parent))
from images_samples import CLUSTER, qcow2


def image(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "disk.qcow2"
    path.write_bytes(content)
    return path


def test_a_whole_qcow2_passes(tmp_path: Path) -> None:
    digest.check_qcow2(image(tmp_path, qcow2()))


@pytest.mark.parametrize("cut", [1, CLUSTER - 1, CLUSTER, 2 * CLUSTER])
def test_a_qcow2_without_its_last_data_is_called_truncated(tmp_path: Path, cut: int) -> None:
    whole = qcow2()
    if cut < CLUSTER:
        # QEMU itself writes the last cluster short; nothing before its first byte may be missing.
        digest.check_qcow2(image(tmp_path, whole[:-cut]))
        return
    with pytest.raises(ArtefactError, match=r"truncated: \d+ bytes \(its tables point up to byte"):
        digest.check_qcow2(image(tmp_path, whole[:-cut]))


def test_a_qcow2_that_ends_in_its_tables_is_called_truncated(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="truncated"):
        digest.check_qcow2(image(tmp_path, qcow2()[: CLUSTER + 20]))


@pytest.mark.parametrize("content", [b"", b"QFI", b"\x7fELF" + bytes(200), b"<!DOCTYPE html>" + bytes(200)])
def test_other_files_are_not_taken_for_a_qcow2(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ArtefactError, match="not a qcow2 image"):
        digest.check_qcow2(image(tmp_path, content))


def test_a_version_that_qemu_does_not_know_is_refused(tmp_path: Path) -> None:
    content = bytearray(qcow2())
    struct.pack_into(">I", content, 4, 9)
    with pytest.raises(ArtefactError, match="version 9"):
        digest.check_qcow2(image(tmp_path, bytes(content)))


def test_an_unchanged_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = image(tmp_path, b"content")
    first = digest.Remembered(tmp_path / "memory.json").of_file(path)
    monkeypatch.setattr(digest, "of_file", lambda _path: pytest.fail("the file was read again"))
    assert digest.Remembered(tmp_path / "memory.json").of_file(path) == first


@pytest.mark.parametrize("change", ["content", "time"])
def test_a_changed_file_is_read_again(tmp_path: Path, change: str) -> None:
    path = image(tmp_path, b"content")
    memory = digest.Remembered(tmp_path / "memory.json")
    first = memory.of_file(path)
    if change == "content":
        path.write_bytes(b"CONTENT")
        os.utime(path, ns=(1, 1))
        assert memory.of_file(path) != first
    else:
        os.utime(path, ns=(5, 5))
        assert memory.of_file(path) == first


def test_a_broken_memory_is_started_anew(tmp_path: Path) -> None:
    (tmp_path / "memory.json").write_text("{ torn")
    path = image(tmp_path, b"content")
    assert digest.Remembered(tmp_path / "memory.json").of_file(path) == digest.of_file(path)


def test_the_digest_of_an_image_does_not_depend_on_the_order_of_its_files() -> None:
    assert digest.combined({"a": "1", "b": "2"}) == digest.combined({"b": "2", "a": "1"})
    assert digest.combined({"a": "1", "b": "2"}) != digest.combined({"a": "2", "b": "1"})
