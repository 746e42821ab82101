"""A clone is used only when its clock was set and is seen to move."""

from __future__ import annotations

import pytest

from lab.guest.channel import Command
from lab.guest.waking import SEED_BYTES, CloneAsleep, Woken, wake
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
        self, command: Command, timeout_s: float | None = None, check: bool = False, *, stdin: bytes = b""
    ) -> Completed:
        self.command, self.stdin = command, stdin
        return Completed(exit_code=self.exit_code, stdout=self.answer.encode())


def test_a_clone_gets_the_time_and_randomness_and_its_time_is_seen_to_move() -> None:
    clone = Clone("woken first=8.10 second=8.19 date=1800000001\n")
    assert wake(clone, lambda: NOW) == Woken(moved_s=0.09, off_s=1.0)
    assert clone.command[-1] == "1800000000"
    assert len(clone.stdin) == SEED_BYTES


def test_two_clones_get_different_randomness() -> None:
    one, two = (
        Clone("woken first=1.0 second=1.1 date=1800000000"),
        Clone("woken first=1.0 second=1.1 date=1800000000"),
    )
    wake(one, lambda: NOW)
    wake(two, lambda: NOW)
    assert one.stdin != two.stdin


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
