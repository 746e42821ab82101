"""A run has so many dumps and no more, whoever asks."""

from __future__ import annotations

from pathlib import Path

from lab.running.dump_slots import DumpSlots, run_of


def test_slots_are_taken_once_and_can_be_given_back(tmp_path: Path) -> None:
    first, second, third = (DumpSlots(tmp_path, 2) for _ in range(3))
    assert first.claim("one/a1")
    assert second.claim("two/a1")
    assert not third.claim("three/a1")
    first.release()
    assert third.claim("three/a1")
    assert {path.read_text() for path in (tmp_path / "dumps").iterdir()} == {"two/a1\n", "three/a1\n"}


def test_who_has_a_slot_needs_no_second_one(tmp_path: Path) -> None:
    slots = DumpSlots(tmp_path, 1)
    assert slots.claim("one")
    assert slots.claim("one")


def test_what_belongs_to_no_run_is_not_counted(tmp_path: Path) -> None:
    assert DumpSlots(None, 0).claim("a repeat")
    assert not (tmp_path / "dumps").exists()


def test_the_run_of_a_recording_is_known_by_its_place() -> None:
    assert run_of(Path("/reports/20260101-1/cells/tiny/a1")) == Path("/reports/20260101-1")
    assert run_of(Path("/repros/20260101-1/tiny/a1")) is None
