"""Scratch directories: what is removed, and what is never touched."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.images import workshop


def test_a_tree_with_something_mounted_in_it_is_not_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mmdebstrap binds the host's /dev/shm into its root: removing through it would empty the host's."""
    (tmp_path / "root/dev/shm").mkdir(parents=True)
    (tmp_path / "root/dev/shm/of-the-host").touch()
    asked: list[list[str]] = []

    def run(argv, **_rest):
        asked.append(argv)
        return subprocess.CompletedProcess(argv, 32)

    monkeypatch.setattr(workshop, "mounts_below", lambda _directory: [str(tmp_path / "root/dev/shm")])
    monkeypatch.setattr(workshop.subprocess, "run", run)
    monkeypatch.setattr(workshop.os.path, "ismount", lambda _point: True)
    workshop.remove_tree(tmp_path / "root")
    assert (tmp_path / "root/dev/shm/of-the-host").exists()
    assert asked == [["umount", "--lazy", str(tmp_path / "root/dev/shm")]]


def test_nothing_is_mounted_below_an_ordinary_directory_and_it_goes(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    assert workshop.mounts_below(tmp_path) == []
    workshop.remove_tree(tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_published_directory_replaces_the_older_one_whole(tmp_path: Path) -> None:
    old, draft = tmp_path / "images/tiny/abc", tmp_path / "scratch/draft"
    old.mkdir(parents=True)
    (old / "left-over").touch()
    draft.mkdir(parents=True)
    (draft / "disk.qcow2").write_bytes(b"new")
    workshop.publish(draft, old)
    assert [path.name for path in old.iterdir()] == ["disk.qcow2"]
    assert [path.name for path in draft.parent.iterdir()] == []
