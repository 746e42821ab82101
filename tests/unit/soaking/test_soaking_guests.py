"""What a guest tells of its resources."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.soaking import guests


def test_the_linux_command_runs_in_a_plain_shell_and_tells_every_resource() -> None:
    done = subprocess.run(["sh", "-c", guests.LINUX], capture_output=True, text=True, check=False, timeout=20)
    told = guests.values(done.stdout)
    wanted = {"uptime_s", "memory_total_kib", "slab_kib", "cpu_busy_ticks", "file_handles", "processes"}
    assert wanted <= told.keys()
    assert told["memory_available_kib"] <= told["memory_total_kib"]
    assert told["threads"] >= told["processes"] > 0


@pytest.mark.parametrize("name", ["memory_available_kib", "file_handles", "cpu_busy_ticks", "cpu_idle_ticks"])
def test_both_families_tell_what_is_compared(name: str) -> None:
    assert all(f"{name}=" in command for command in guests.COMMANDS.values())


def test_the_uptime_of_windows_is_not_that_of_a_clock_that_can_be_set() -> None:
    assert "LastBootUpTime" not in guests.WINDOWS
    assert "Get-Date" not in guests.WINDOWS


def test_lines_that_tell_no_number_are_passed_over() -> None:
    text = "nonsense\nslab_kib=120\nbad=x\n=3\nuptime_s=12.5\r\n"
    assert guests.values(text) == {"slab_kib": 120.0, "uptime_s": 12.5}


@given(st.text())
def test_no_answer_is_an_error(text: str) -> None:
    assert all(name.isidentifier() for name in guests.values(text))


def ticks(busy: float, idle: float) -> dict[str, float]:
    return {"cpu_busy_ticks": busy, "cpu_idle_ticks": idle}


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        (ticks(100, 100), ticks(150, 150), 0.5),
        (ticks(100, 100), ticks(100, 100), None),  # no time has passed
        (ticks(100, 100), ticks(10, 20), None),  # a reboot lies between them
        (ticks(100, 100), {}, None),
    ],
)
def test_the_share_of_the_processors_is_that_between_two_samples(
    before: dict[str, float], after: dict[str, float], share: float | None
) -> None:
    assert guests.cpu_share(before, after) == share
