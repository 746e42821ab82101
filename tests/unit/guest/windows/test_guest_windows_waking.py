"""A restored Windows guest is woken by PowerShell, and its answer is read as any other's."""

from __future__ import annotations

import pytest

from lab.guest.channel import Command
from lab.guest.waking import CloneAsleep, wake
from lab.guest.windows.dialect import WINDOWS
from lab.model import Identity
from lab.proc import Completed

NOW = 1_800_000_000.5


class Restored:
    """Answers; keeps what it was told."""

    def __init__(self, answer: str) -> None:
        self.answer, self.command = answer, ""

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
        assert isinstance(command, str)
        self.command = command
        return Completed(exit_code=0, stdout=self.answer.encode())


def test_it_is_told_the_time_in_milliseconds_and_says_how_far_it_got() -> None:
    guest = Restored("woken first=10.000 second=10.060 date=1800000000 reseeded=no host=WIN\r\n")
    woken = wake(guest, lambda: NOW, words=WINDOWS.wake, generation="same")
    assert "FromUnixTimeMilliseconds(1800000000500)" in guest.command
    assert "/bin/sh" not in guest.command
    assert (woken.moved_s, woken.off_s, woken.host) == (0.06, 0.5, "WIN")


def test_a_clock_that_did_not_take_the_time_is_said() -> None:
    guest = Restored("woken first=10.000 second=10.060 date=1700000000 reseeded=no host=WIN\r\n")
    with pytest.raises(CloneAsleep, match="could not be set"):
        wake(guest, lambda: NOW, words=WINDOWS.wake, generation="same")


def test_nobody_new_is_made_of_a_windows_guest() -> None:
    with pytest.raises(ValueError, match="sysprep"):
        WINDOWS.wake(NOW, Identity.NEW, "name", "new")
