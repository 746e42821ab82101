"""The lab's own Windows tools on the STAND-IN: what they order is done, and read back over restarts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from stand_in_peers import StandIn

from lab.agents.windows.tools import WindowsTools
from lab.guest.channel import Command
from lab.proc import Completed
from lab.selftest.windows import checks
from lab.selftest.windows.bench import Bench


class Reached:
    """`lab.guest.guest.Guest` as far as tools use it."""

    def __init__(self, guest: StandIn) -> None:
        self.guest, self.reboots = guest, 0

    def run(self, command: Command, timeout_s: float | None = None, check: bool = False) -> Completed:
        code, out, err = self.guest.run(command)
        return Completed(exit_code=code, stdout=out, stderr=err, command=str(command))

    def put(self, source: bytes | Path, to: str) -> None:
        assert isinstance(source, bytes)
        self.guest.put(to, source)

    def reboot(self, wait: bool = True, timeout_s: float | None = None, *, reason: str = "") -> None:
        self.reboots += 1
        self.guest.kernel.end(restart=True)
        self.guest.boot()

    def declare_reboot(self, reason: str) -> None: ...

    def wait_rebooted(self) -> None: ...


@pytest.fixture
def bench(guest: StandIn) -> Bench:
    reached: Any = Reached(guest)
    return cast(Bench, SimpleNamespace(guest=reached, tools=WindowsTools(reached)))


def test_safe_mode_is_entered_seen_and_left(bench: Bench) -> None:
    assert checks.safe_mode(bench).startswith("safe mode (minimal)")
    assert cast(Any, bench.guest).reboots == 2


def test_driver_verifier_is_in_force_and_off_again(bench: Bench) -> None:
    assert "beep.sys verified" in checks.verifier(bench)
    assert not bench.tools.verification().on


def test_listings_are_read(bench: Bench) -> None:
    assert checks.listings(bench) == "0 minifilters, 1 driver packages"


def test_codes_are_those_of_windows(bench: Bench) -> None:
    assert "1060, 7 and 127" in checks.codes(bench)
