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
def no_root_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_root", None)
    monkeypatch.setattr(embedded, "_open", False)


def test_a_process_has_one_root_whatever_places_are_named_later(tmp_path: Path) -> None:
    first = embedded.process_root(_places(tmp_path / "a"))

    assert embedded.process_root(_places(tmp_path / "b")) == first
    assert 'stdio_handler = "file"' in (first / embedded.CONFIGURATION).read_text()


def test_a_root_that_has_gone_before_it_was_opened_is_made_anew(tmp_path: Path) -> None:
    gone = embedded.process_root(_places(tmp_path / "a"))
    shutil.rmtree(tmp_path / "a")

    root = embedded.process_root(_places(tmp_path / "b"))

    assert root.is_relative_to(tmp_path / "b")
    assert (root / embedded.CONFIGURATION).is_file()
    assert not gone.exists()


def test_an_open_driver_keeps_its_root_even_where_its_places_have_gone(tmp_path: Path) -> None:
    opened = embedded.open_uri(_places(tmp_path / "a"))
    shutil.rmtree(tmp_path / "a")

    assert embedded.open_uri(_places(tmp_path / "b")) == opened
