"""A clone is used only when its clock was set and is seen to move."""

from __future__ import annotations

import pytest

from lab.guest.channel import Command
from lab.guest.waking import SEED_BYTES, WAKING, CloneAsleep, Woken, wake
from lab.model import Family, Identity
from lab.proc import Completed

NOW = 1_800_000_000.0


class Clone:
    """Answers as a guest does; keeps what it was told."""

    def __init__(self, answer: str, exit_code: int = 0) -> None:
        self.answer = answer
        self.exit_code = exit_code
        self.command: Command = ""
        self.stdin = b""

    def run(
        self,
        command: Command,
        timeout_s: float | None = None,
        check: bool = False,
        *,
        stdin: bytes = b"",
        brief: bool = False,
    ) -> Completed:
        assert brief, "a clone is woken by the shortest way"
        self.command, self.stdin = command, stdin
        return Completed(exit_code=self.exit_code, stdout=self.answer.encode())


def test_a_clone_gets_the_time_and_randomness_and_its_time_is_seen_to_move() -> None:
    clone = Clone("woken first=8.10 second=8.19 date=1800000001 reseeded=kernel host=here\n")
    assert wake(clone, lambda: NOW) == Woken(moved_s=0.09, off_s=1.0, reseeded="kernel", host="here")
    assert clone.command[-4:] == ["1800000000.000", "keep", "", "new"]
    now, next_boot = clone.stdin.decode().splitlines()
    assert len(now) == len(next_boot) == 2 * SEED_BYTES
    assert now != next_boot


def test_a_host_that_is_slow_is_no_fault_of_the_clones_clock() -> None:
    moments = iter((NOW, NOW + 40.0))
    clone = Clone("woken first=8.10 second=8.19 date=1800000001")
    assert wake(clone, lambda: next(moments)).off_s == 39.0


def test_two_clones_get_different_randomness() -> None:
    one, two = (
        Clone("woken first=1.0 second=1.1 date=1800000000"),
        Clone("woken first=1.0 second=1.1 date=1800000000"),
    )
    wake(one, lambda: NOW)
    wake(two, lambda: NOW)
    assert one.stdin != two.stdin


def test_a_clone_that_is_to_be_somebody_new_is_told_its_name() -> None:
    clone = Clone("woken first=1.0 second=1.1 date=1800000000 reseeded=asked host=tiny-1f\n")
    woken = wake(clone, lambda: NOW, identity=Identity.NEW, name="tiny-1f", generation="same")
    assert clone.command[-3:] == ["new", "tiny-1f", "same"]
    assert (woken.reseeded, woken.host) == ("asked", "tiny-1f")


def test_the_script_is_one_that_a_plain_shell_takes() -> None:
    """It runs in busybox, dash and bash; what a shell cannot read it does not run at all."""
    assert set(WAKING) == {Family.LINUX}
    for word in ("[[ ", "function ", "<(", "source "):
        assert word not in WAKING[Family.LINUX]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("woken first=8.10 second=8.10 date=1800000000", "time stands still in a clone: uptime is 8.10"),
        (
            "woken first=8.10 second=8.20 date=1700000000",
            "clock of a clone could not be set: it is 10+ s off",
        ),
        ("", "a clone could not be woken: exit code 0"),
    ],
)
def test_a_clone_whose_time_is_wrong_is_not_used(answer: str, said: str) -> None:
    with pytest.raises(CloneAsleep, match=said):
        wake(Clone(answer), lambda: NOW)
