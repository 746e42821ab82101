"""The root directory of the embedded driver."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.machine import embedded
from lab.places import Places


def _places(root: Path) -> Places:
    return Places(cache=root / "cache", state=root / "state", runtime=root / "run")


@pytest.fixture(autouse=True)
def not_opened_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_opened", None)
    monkeypatch.setattr(embedded, "_held", False)


def test_a_root_that_is_only_asked_for_binds_nobody(tmp_path: Path) -> None:
    asked = embedded.process_root(_places(tmp_path / "a"))

    opened = embedded.open_uri(_places(tmp_path / "b"))

    assert asked.is_relative_to(tmp_path / "a")
    assert not asked.exists()
    assert opened.endswith(str(embedded.process_root(_places(tmp_path / "a"))))
    assert str(tmp_path / "b") in opened


def test_a_root_is_opened_with_a_configuration(tmp_path: Path) -> None:
    embedded.open_uri(_places(tmp_path))

    configuration = embedded.process_root(_places(tmp_path)) / embedded.CONFIGURATION
    assert 'stdio_handler = "file"' in configuration.read_text()


def test_an_open_driver_keeps_its_root_even_where_its_places_have_gone(tmp_path: Path) -> None:
    opened = embedded.open_uri(_places(tmp_path / "a"))
    shutil.rmtree(tmp_path / "a")

    assert embedded.open_uri(_places(tmp_path / "b")) == opened


def test_a_process_waits_until_libvirt_has_written_down_the_end_of_its_guests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = tmp_path / "run/qemu/guest.xml"
    status.parent.mkdir(parents=True)
    status.touch()
    monkeypatch.setattr(embedded, "_opened", tmp_path)
    looked: list[float] = []
    monkeypatch.setattr(embedded.time, "sleep", lambda seconds: (looked.append(seconds), status.unlink()))
    embedded.settle()
    assert len(looked) == 1
    status.touch()
    monkeypatch.setattr(embedded, "SETTLE_S", 0.0)
    embedded.settle()
    assert status.exists(), "a libvirt that never says so is not waited for"


def test_a_root_goes_with_its_process_unless_somebody_else_removes_it(tmp_path: Path) -> None:
    embedded.open_uri(_places(tmp_path))
    root = embedded.process_root(_places(tmp_path))

    embedded.hold_root()
    embedded._remove(root)
    assert root.is_dir()

    embedded._held = False
    embedded._remove(root)
    assert not root.exists()
