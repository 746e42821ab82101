"""A sweep goes on after a cut that was not survived, and ends with all of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from running_factories import panicked, started

from lab.clock import Stopwatch
from lab.errors import InfraError, MachineError
from lab.faults.cutting import CutPoint, CutShort
from lab.model import DetectSettings, Observation, Step
from lab.running.sweeping import Sweep
from lab.running.watch import Watch

POINTS = (CutPoint(step="stop"), CutPoint(step="select"), CutPoint(step="select", after_s=1.0))


class PaperCut(CutShort):
    """The power of nothing; `reached` as aimed."""

    def __init__(self, point: CutPoint, late: str = "") -> None:
        self._point = point
        self._late = late
        self.gone = False

    @property
    def happened(self) -> bool:
        return self.gone

    @property
    def reached(self) -> str:
        return (self._late or self._point.step) if self.gone else ""


@dataclass
class Scene:
    """A sweep over a guest of paper, watched by the real watch."""

    watch: Watch = field(default_factory=lambda: Watch(DetectSettings(), Stopwatch()))
    seen: list[Observation] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    examined: int = 0
    injections: list[Any] = field(default_factory=list)
    left_s: float = 3600.0
    before_the_cut: Callable[[CutPoint], None] = lambda _point: None
    late: list[str] = field(default_factory=list)
    """Where the first cuts at `stop` come instead."""

    def __post_init__(self) -> None:
        attempt: Any = SimpleNamespace(
            watch=self.watch,
            clock=Stopwatch(),
            record=self.seen.append,
            examine=self.examine,
            left_s=self.left_s,
            timeouts=SimpleNamespace(linger_s=0.0),
            order=SimpleNamespace(detect=SimpleNamespace(heartbeat_s=0.0)),
        )
        guest: Any = SimpleNamespace(restore=self.restored.append, withdraw_reboot=lambda: None)
        faults: Any = self
        self.sweep = Sweep(attempt, guest, faults)

    def examine(self) -> None:
        self.examined += 1

    @contextlib.contextmanager
    def cut_during(self, action: Callable[[], object], point: CutPoint) -> Iterator[None]:
        cut = PaperCut(point, self.late.pop(0) if point.step == "stop" and self.late else "")
        self.injections.append(SimpleNamespace(fault=cut, begun=False))
        self.before_the_cut(point)
        action()
        cut.gone = True
        yield

    def run(self, survived: Callable[[str], object]) -> None:
        with self.watch.armed():
            self.sweep.over(lambda: None, POINTS, since="lab1", survived=survived)

    def cuts(self) -> list[tuple[str, str]]:
        steps = [item for item in self.seen if isinstance(item, Step) and item.phase == "end"]
        return [(str(step.detail["step"]), step.outcome) for step in steps]

    def crash(self) -> None:
        self.watch.observe(started())
        self.watch.observe(panicked())


def test_a_crash_after_each_cut_ends_that_cut_and_not_the_sweep() -> None:
    scene = Scene()
    with pytest.raises(pytest.fail.Exception, match="power cuts in select were not survived"):
        scene.run(lambda what: scene.crash() if "select" in what else None)
    assert scene.cuts() == [("stop", "safe"), ("select", "unsafe"), ("select", "unsafe")]
    assert scene.restored == ["lab1"] * 4, "one each, and the guest is well at the end"
    assert scene.examined == 1, "evidence is taken of the first"


def test_an_assertion_after_a_cut_makes_its_step_unsafe() -> None:
    scene = Scene()

    def survived(what: str) -> None:
        if "1.00 s into step 'select'" in what:
            pytest.fail("not healthy", pytrace=False)

    with pytest.raises(pytest.fail.Exception, match="select"):
        scene.run(survived)
    assert scene.cuts() == [("stop", "safe"), ("select", "safe"), ("select", "unsafe")]
    assert scene.examined == 0, "there is no finding to take evidence of"


def test_a_sweep_that_everything_survives_ends_without_a_word() -> None:
    scene = Scene()
    scene.run(lambda _what: None)
    assert [outcome for _, outcome in scene.cuts()] == ["safe"] * 3


def test_a_step_that_was_over_too_soon_is_aimed_at_again() -> None:
    scene = Scene(late=["select"])
    scene.run(lambda _what: None)
    assert [step for step, _ in scene.cuts()] == ["select", "select", "select", "stop"]


def test_a_step_that_is_never_hit_is_given_up_and_no_failure() -> None:
    scene = Scene(late=["select"] * 9)
    scene.run(lambda _what: None)
    assert [step for step, _ in scene.cuts()] == ["select"] * 5


def test_an_update_that_fails_before_its_cut_is_no_unsafe_step() -> None:
    def fail(_point: CutPoint) -> None:
        raise AssertionError("update not applied")

    scene = Scene(before_the_cut=fail)
    with pytest.raises(AssertionError, match="update not applied"):
        scene.run(lambda _what: None)
    assert scene.cuts() == []


def test_what_the_lab_fails_at_is_no_unsafe_step() -> None:
    def fail(_point: CutPoint) -> None:
        raise MachineError("QEMU does not start")

    scene = Scene(before_the_cut=fail)
    with pytest.raises(MachineError):
        scene.run(lambda _what: None)
    assert scene.cuts() == []


@pytest.mark.parametrize("bad", [False, True])
def test_a_sweep_that_runs_out_of_time_is_never_a_pass_and_keeps_what_it_found(bad: bool) -> None:
    scene = Scene(left_s=0.0)

    def survived(_what: str) -> None:
        if bad:
            pytest.fail("not healthy", pytrace=False)

    wanted = pytest.fail.Exception if bad else InfraError
    with pytest.raises(wanted, match="power cuts in stop" if bad else "at 1 of 3 points"):
        scene.run(survived)
    assert len(scene.cuts()) == 1
