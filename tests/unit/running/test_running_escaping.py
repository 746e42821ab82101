"""Escape drills: what is done in which order, what is recorded, and what becomes of a repair that fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from lab.clock import Stopwatch
from lab.errors import ChannelError, MachineError
from lab.guest.guest import Guest
from lab.model import Figure, MachineEvent, Observation, Step
from lab.offline.disk import Disk
from lab.offline.job import Done
from lab.offline.refusal import DiskRefused, Refusal
from lab.offline.repair import Offline
from lab.offline.steps import Delete
from lab.offline.steps import Step as FileStep
from lab.running import escaping
from lab.running.escaping import Escape, NotEscaped
from lab.waiting import WaitTimeout

BAD = Delete(path=r"C:\Windows\System32\drivers\C-00000291*.sys")


@dataclass
class World:
    """Machine, guest and rescue guest in one; notes what is done to it."""

    did: list[str] = field(default_factory=list)
    seen: list[Observation] = field(default_factory=list)
    refuses: dict[str, Exception] = field(default_factory=dict)
    boots: Iterator[str] = field(default_factory=lambda: iter(["b", "b"]))
    powered: bool = True
    name: str = "m"
    overlay: Path = Path("/overlay.qcow2")

    def _do(self, what: str) -> None:
        self.did.append(what)
        if what in self.refuses:
            raise self.refuses[what]

    def cut_power(self) -> int:
        self._do("cut")
        self.powered = False
        return 7

    def power_on(self) -> None:
        self._do("on")
        self.powered = True

    def do(self, disk: Disk, steps: list[FileStep]) -> list[Done]:
        assert (disk.path, disk.format) == (self.overlay, "qcow2")
        assert not self.powered
        self._do("repair")
        return [Done(step=step, volume=2, paths=("/a", "/b")) for step in steps]

    def declare_reboot(self, reason: str, *, boot_id: str = "") -> None:
        assert boot_id, "a guest that is down cannot be asked for its boot"
        self.did.append("declared")

    def withdraw_reboot(self) -> None:
        self.did.append("withdrawn")

    def close(self) -> None: ...

    def wait_rebooted(self, timeout_s: float) -> None:
        self._do(f"wait {timeout_s:.0f}")

    def boot_id(self) -> str:
        found = next(self.boots)
        if not found:
            raise ChannelError("silent")
        return found

    def steps(self) -> list[tuple[str, str]]:
        return [(one.phase, one.outcome) for one in self.seen if isinstance(one, Step)]

    def last(self) -> dict[str, Any]:
        return dict(next(one for one in reversed(self.seen) if isinstance(one, Step)).detail)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(escaping, "HELD_S", 0.0)
    return World()


def escape(world: World) -> Escape:
    return Escape(
        world,
        cast(Guest, world),
        cast(Offline, world),
        world.seen.append,
        Stopwatch(),
        boot_s=90.0,
    )


def test_a_drill_mends_the_disk_between_two_boots_and_tells_how_long_it_took(world: World) -> None:
    found = escape(world).drill(BAD)
    assert world.did == ["declared", "cut", "repair", "on", "wait 90"]
    figures = {one.name: one.value for one in world.seen if isinstance(one, Figure)}
    assert figures == {"recover_s": round(found.recover_s, 3), "repair_s": round(found.repair_s, 3)}
    assert found.recover_s >= found.repair_s
    assert world.steps() == [("start", ""), ("end", "completed")]
    assert world.last()["files"] == ["/a", "/b"]
    events = [one for one in world.seen if isinstance(one, MachineEvent)]
    assert [one.name for one in events] == ["destroyed", "started"]
    assert events[0].details["by"] == "lab"


def test_a_disk_that_cannot_be_mended_gets_its_machine_back_all_the_same(world: World) -> None:
    world.refuses["repair"] = DiskRefused("dirty", Refusal.DIRTY)
    with pytest.raises(DiskRefused):
        escape(world).drill(BAD)
    assert world.did == ["declared", "cut", "repair", "on"]
    assert world.steps()[-1] == ("end", "failed")
    assert "chkdsk C: /f" in world.last()["error"], "the remedy is told with it"
    assert not [one for one in world.seen if isinstance(one, Figure)], "no time of a guest that is not back"


@pytest.mark.parametrize(("boots", "words"), [(["b", "c"], "started anew"), (["b", ""], "fell silent")])
def test_a_guest_that_goes_down_again_has_not_escaped(world: World, boots: list[str], words: str) -> None:
    world.boots = iter(boots)
    with pytest.raises(NotEscaped, match=words):
        escape(world).drill(BAD)
    assert world.steps()[-1] == ("end", "failed")
    assert not [one for one in world.seen if isinstance(one, Figure)]


def test_a_machine_that_cannot_be_stopped_is_not_expected_to_start(world: World) -> None:
    world.refuses["cut"] = MachineError("it runs elsewhere")
    with pytest.raises(MachineError):
        escape(world).drill(BAD)
    assert world.did == ["declared", "cut", "withdrawn"]


def test_what_was_planned_is_done_after_a_failure_and_never_raises(world: World) -> None:
    own = escape(world)
    own.plan(BAD)
    world.refuses["wait 30"] = WaitTimeout("new boot of the guest", 30, "nothing")
    own.after_failure(30.0)
    assert world.did[-1] == "wait 30", "no longer than the attempt has left"
    assert world.steps()[-1] == ("end", "failed")
    assert "new boot" in world.last()["error"]


def test_a_drill_that_the_attempt_has_no_time_for_is_not_begun_and_says_so(world: World) -> None:
    own = escape(world)
    own.plan(BAD)
    own.after_failure(-3.0)
    assert world.did == []
    assert world.steps() == [("end", "failed")]
    assert world.last()["error"] == "not tried: 0 s are left to the attempt (wanted 20 s)"


def test_nothing_is_done_after_a_failure_without_a_plan(world: World) -> None:
    escape(world).after_failure(30.0)
    assert world.did == []
    with pytest.raises(ValueError, match="no step"):
        escape(world).drill()
