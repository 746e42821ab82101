"""How the host is, from the kernel's own text."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.sensors import pressure

PSI = "some avg10=12.50 avg60=0.68 avg300=1.30 total=3620882122\nfull avg10=99.00 avg60=0.00 total=0\n"


def test_the_share_of_stalls_is_that_of_some_tasks_in_ten_seconds() -> None:
    assert pressure.stall_share(PSI) == 0.125


@pytest.mark.parametrize("text", ["", "full avg10=3.00\n", "some avg10=. avg60=1\n", "some total=3\n"])
def test_a_kernel_without_the_figure_has_none(text: str) -> None:
    assert pressure.stall_share(text) is None


def test_load_and_memory_are_read() -> None:
    assert pressure.load1("0.21 0.35 0.57 1/213 4242\n") == 0.21
    assert pressure.load1("") is None
    assert pressure.load1("x y z") is None
    assert pressure.memory_available_mib("MemTotal: 9 kB\nMemAvailable:    2097152 kB\n") == 2048
    assert pressure.memory_available_mib("MemTotal: 9 kB\n") is None


def test_what_a_host_does_not_tell_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "loadavg").write_text("3.5 1 1 1/1 1\n")
    found = pressure.read(tmp_path)
    assert (set(found), found["load1"]) == ({"cpus", "load1"}, 3.5)
    assert found["cpus"] >= 1


def test_this_host_can_be_read() -> None:
    assert {"cpus", "load1", "memory_available_mib"} <= set(pressure.read())
