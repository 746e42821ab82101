"""The usual boot time is the median of what earlier runs measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.model import Step
from lab.running import boot_times

KEY = boot_times.key("debian-12", "bios-1cpu", "here")


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    boot_times.usual.cache_clear()


def run(reports: Path, name: str, *seconds: float) -> None:
    (reports / name).mkdir()
    boot_times.write(reports / name, {KEY: list(seconds)})


def test_the_median_over_all_runs_counts(tmp_path: Path) -> None:
    run(tmp_path, "20260101-1", 20.0, 22.0)
    run(tmp_path, "20260102-1", 90.0)
    assert boot_times.usual(tmp_path) == {"debian-12_bios-1cpu@here": 22.0}


def test_only_the_newest_values_count(tmp_path: Path) -> None:
    run(tmp_path, "20260101-1", *[500.0] * 50)
    run(tmp_path, "20260102-1", *[20.0] * boot_times.NEWEST)
    assert boot_times.usual(tmp_path)[KEY] == 20.0


def test_without_runs_nothing_is_usual(tmp_path: Path) -> None:
    assert boot_times.usual(tmp_path) == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 3}', '{"a": ["x"]}'])
def test_a_damaged_file_is_passed_over(tmp_path: Path, text: str) -> None:
    run(tmp_path, "20260101-1", 20.0)
    (tmp_path / "20260102-1").mkdir()
    (tmp_path / "20260102-1/boots.json").write_text(text)
    assert boot_times.usual(tmp_path) == {KEY: 20.0}


def test_the_first_start_counts_and_a_guest_that_never_answered_does_not() -> None:
    steps = [
        Step(t_s=1.0, name="attempt", phase="start"),
        Step(t_s=21.0, name="booted", phase="end", detail={"boot_s": 20.5, "channel": "agent"}),
        Step(t_s=91.0, name="booted", phase="end", detail={"boot_s": 60.0, "channel": "agent"}),
    ]
    assert boot_times.first_boot_s(steps) == 20.5
    assert boot_times.first_boot_s(steps[:1]) == 0.0
    assert boot_times.first_boot_s([Step(t_s=1.0, name="booted", phase="end", detail={"boot_s": "?"})]) == 0.0
