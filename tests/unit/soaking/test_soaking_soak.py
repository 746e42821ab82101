"""The rhythm of a long run, on a guest of paper whose clock the test moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from lab.clock import Stopwatch
from lab.errors import InfraError
from lab.guest.channel import ChannelLost
from lab.model import Observation, Sample, SerialChunk, SoakPlan, Step
from lab.proc import Completed
from lab.soaking import SerialLines, Soak, Warp, soak


@dataclass
class PaperGuest:
    uptime_s: float = 10.0
    commands: list[str] = field(default_factory=list)
    silent: set[int] = field(default_factory=set)
    """Numbers of commands that it does not answer."""
    torn: set[int] = field(default_factory=set)
    """Numbers of commands of whose answer half is lost."""

    def run(self, command: str, timeout_s: float | None = None) -> Completed:
        self.commands.append(command)
        if len(self.commands) in self.silent:
            raise ChannelLost("no answer")
        if len(self.commands) in self.torn:
            return Completed(command=command, exit_code=0, stdout=b"slab_kib=1\n", stderr=b"")
        if "sysctl" in command:
            return Completed(command=command, exit_code=0, stdout=b"vm.stat_interval=3600\n", stderr=b"")
        text = f"uptime_s={self.uptime_s}\nslab_kib=100\n"
        return Completed(command=command, exit_code=0, stdout=text.encode(), stderr=b"")


@dataclass
class PaperAgent:
    exercised: int = 0

    def exercise(self) -> object:
        self.exercised += 1
        return None

    def sample(self) -> dict[str, float]:
        return {"agent_rss_kib": 512.0}


@pytest.fixture
def made(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[Warp, PaperGuest, PaperAgent, list[Observation]]]:
    monkeypatch.setattr(soak, "WARP_LOOK_S", 0.001)

    def make(**plan: float) -> tuple[Warp, PaperGuest, PaperAgent, list[Observation]]:
        guest, agent = PaperGuest(), PaperAgent()
        seen: list[Observation] = []
        return Warp(guest, agent, SoakPlan(**plan), seen.append, Stopwatch()), guest, agent, seen

    return make


def samples(seen: list[Observation]) -> list[Sample]:
    return [item for item in seen if isinstance(item, Sample)]


def test_a_soak_samples_at_its_beginning_and_at_its_end_and_exercises_between(made) -> None:
    run, _, agent, seen = made(for_s=0.05, every_s=0.01)
    run.run()
    taken = samples(seen)
    assert len(taken) == agent.exercised + 1 >= 2
    assert taken[0].values == {"slab_kib": 100.0, "agent_rss_kib": 512.0, "kernel_lines": 0.0}
    assert taken[0].guest_s == 10.0
    assert [(item.name, item.phase) for item in seen if isinstance(item, Step)] == [
        ("soak", "start"),
        ("soak", "end"),
    ]


@pytest.mark.parametrize("how", ["silent", "torn"])
def test_a_look_that_is_not_answered_is_noted_and_the_soak_goes_on(made, how: str) -> None:
    """Half an answer has no uptime: taken for a sample, it would look like a guest that was started anew."""
    run, guest, _, seen = made(for_s=0.3, every_s=0.01)
    setattr(guest, how, {2, 4, 5})
    run.run()
    steps = [item for item in seen if isinstance(item, Step)]
    assert [item.name for item in steps] == ["soak", *["soak-missed"] * 3, "soak"]
    assert steps[-1].detail["missed"] == 3
    assert {item.guest_s for item in samples(seen)} == {10.0}


def test_a_guest_that_answers_no_more_ends_the_soak(made) -> None:
    run, guest, agent, _ = made(for_s=60.0, every_s=0.001)
    guest.silent = set(range(3, 100))
    agent.exercise = lambda: guest.run("exercise")
    with pytest.raises(ChannelLost):
        run.run()
    assert len(guest.commands) == 2 + soak.MOST_MISSED


def test_a_warped_guest_runs_until_its_own_clock_is_there(made) -> None:
    run, guest, _, seen = made(for_s=5.0, uptime_s=86400.0)

    def a_while() -> None:
        guest.uptime_s += 30_000.0

    last = run.until(act=a_while)
    assert last.guest_s == 90_010.0
    assert [round(item.guest_s) for item in samples(seen)] == [10, 30_010, 60_010, 90_010]


def test_a_warped_guest_may_leave_a_look_unanswered(made) -> None:
    run, guest, _, seen = made(for_s=5.0, uptime_s=86400.0)
    guest.silent = {2, 3}

    def a_while() -> None:
        guest.uptime_s += 30_000.0

    assert run.until(act=a_while).guest_s >= 86_400.0
    assert [item.name for item in seen if isinstance(item, Step)].count("soak-missed") == 2


@pytest.mark.parametrize(("looked_s", "rest_s"), [(0.1, 10.0), (2.0, 18.0), (4.0, 36.0), (30.0, 60.0)])
def test_the_longer_a_look_holds_the_clock_up_the_longer_the_guest_is_left_alone(
    looked_s: float, rest_s: float
) -> None:
    assert soak._rest(looked_s) == pytest.approx(rest_s)


def test_a_guest_whose_clock_does_not_run_ahead_is_a_fault_of_the_lab(made) -> None:
    run, *_ = made(for_s=0.02, uptime_s=86400.0)
    with pytest.raises(InfraError, match=r"uptime of the guest: 0\.00 days after 0 s \(wanted 1\.00 days\)"):
        run.until()


def test_what_the_guest_refused_to_switch_off_is_recorded(made) -> None:
    run, *_, seen = made()
    run.calm()
    (step,) = [item for item in seen if isinstance(item, Step)]
    assert step.detail["refused"] == ["vm.stat_interval=3600"]
    assert list(step.detail["set"]) == list(soak.CALM)


@pytest.mark.parametrize(
    ("for_s", "every_s", "interval_s"),
    [(60, 0, 5), (3000, 0, 10), (86400, 0, 288), (9e5, 0, 300), (60, 2, 2)],
)
def test_a_day_is_a_few_hundred_samples(for_s: float, every_s: float, interval_s: float) -> None:
    assert SoakPlan(for_s=for_s, every_s=every_s).interval_s == interval_s


def test_lines_of_the_console_are_counted() -> None:
    lines = SerialLines()
    for data in (b"one\ntw", b"o\n", b"\n\n"):
        lines.observe(SerialChunk(t_s=0, start=0, data=data))
    assert lines.count == 4


def test_a_guest_that_counts_its_kernels_lines_itself_is_believed(made) -> None:
    run, _, agent, _ = made()
    assert run.sample().values["kernel_lines"] == 0.0
    agent.sample = lambda: {"kernel_lines": 812.0}
    assert run.sample().values["kernel_lines"] == 812.0


def test_a_soak_is_a_long_run_of_any_clock() -> None:
    assert issubclass(Warp, Soak)
