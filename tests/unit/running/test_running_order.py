"""The order of a cell survives on disk, and scales with its host."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from running_factories import cell, order

from lab import codec
from lab.model import BootPath, Timeouts
from lab.running.order import CellOrder, blind


def test_an_order_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    given = order(tmp_path / "a1", artefacts=(("content/291", "ab" * 32),), keep_hours=2.5)
    codec.write(given, tmp_path / "order.json")
    assert codec.read(CellOrder, tmp_path / "order.json") == given


def test_deadlines_are_scaled_by_the_hosts_factor(tmp_path: Path) -> None:
    slow = cell(timeouts=Timeouts(boot_s=10.0, heartbeat_s=5.0, cell_s=100.0))
    given = order(tmp_path / "a1", slow, loop_resets=4)
    assert given.host.factor == 2.0
    assert given.deadline_s == 200.0
    settings = given.detect
    assert (settings.boot_s, settings.heartbeat_s, settings.loop_resets) == (20.0, 10.0, 4)


def test_a_warped_guest_is_given_more_time_for_each_answer_and_not_for_the_whole(tmp_path: Path) -> None:
    usual = cell(timeouts=Timeouts(command_s=10.0, heartbeat_s=5.0, cell_s=100.0))
    given = order(tmp_path / "a1", usual)
    warped = replace(given, profile=replace(given.profile, time_warp=True))
    assert warped.timeouts.command_s == 4 * given.timeouts.command_s == 80.0
    assert warped.detect.heartbeat_s == 4 * given.detect.heartbeat_s
    assert warped.deadline_s == given.deadline_s


def test_the_same_again_differs_only_in_where_it_is_recorded(tmp_path: Path) -> None:
    given = order(tmp_path / "a1")
    repeat = given.again(tmp_path / "a2", 2, keep_hours=4.0)
    assert (repeat.recording.name, repeat.attempt, repeat.keep_hours) == ("a2", 2, 4.0)
    assert repeat.again(given.recording, 1) == given


def test_detectors_know_what_is_usual_expected_and_invisible(tmp_path: Path) -> None:
    plain = order(tmp_path / "a1")
    direct = replace(plain.image, boot=BootPath.DIRECT, cmdline="root=/dev/vda console=ttyS0 quiet")
    given = replace(plain, image=direct, usual_boot_s=21.5, expected_boots=2)
    settings = given.detect
    assert (settings.usual_boot_s, settings.expected_boots, settings.blind) == (21.5, 2, ("screen",))


@pytest.mark.parametrize(
    ("boot", "cmdline", "expected"),
    [
        (BootPath.DIRECT, "console=ttyS0", ("screen",)),
        (BootPath.DIRECT, "console=ttyS0,115200 console=tty0", ()),
        (BootPath.DIRECT, "quiet", ()),
        (BootPath.LOADER, "", ()),
    ],
)
def test_a_kernel_that_writes_to_its_serial_port_only_leaves_the_screen_blind(
    tmp_path: Path, boot: BootPath, cmdline: str, expected: tuple[str, ...]
) -> None:
    assert blind(replace(order(tmp_path / "a1").image, boot=boot, cmdline=cmdline)) == expected
