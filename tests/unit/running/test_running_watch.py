"""The live watcher: a fatal finding reaches the main thread wherever it waits."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest
from running_factories import panicked, started

from lab.clock import Stopwatch
from lab.model import DetectSettings, FindingKind, Heartbeat, MachineEvent
from lab.running.watch import INTERRUPT, ScenarioStopped, Watch


@pytest.fixture
def watch() -> Watch:
    return Watch(DetectSettings(loop_resets=3), Stopwatch())


def soon(act: Callable[[], None]) -> threading.Thread:
    timer = threading.Timer(0.05, act)
    timer.start()
    return timer


def crash(watch: Watch) -> None:
    watch.observe(started())
    watch.observe(panicked())


@pytest.mark.parametrize(
    "waiting",
    [
        lambda: threading.Event().wait(60),
        lambda: Future().result(60),
        lambda: threading.Condition().__enter__() and threading.Event().wait(60),
    ],
    ids=["event", "future", "event inside a lock"],
)
def test_a_fatal_finding_interrupts_whatever_the_main_thread_waits_for(
    watch: Watch, waiting: Callable[[], object]
) -> None:
    thread = soon(lambda: crash(watch))
    clock = Stopwatch()
    with pytest.raises(ScenarioStopped, match="kernel panic"), watch.armed():
        waiting()
    thread.join()
    assert clock.t_s < 30, "it did not wait to the end"


def test_quiet_ends_with_a_fatal_finding_too(watch: Watch) -> None:
    thread = soon(lambda: crash(watch))
    with pytest.raises(ScenarioStopped), watch.armed():
        watch.quiet(60)
    thread.join()


def test_no_except_exception_of_a_scenario_can_hold_it_up(watch: Watch) -> None:
    def stubborn() -> None:
        try:
            watch.quiet(60)
        except Exception:  # noqa: BLE001 - what a careless scenario does
            watch.quiet(60)

    thread = soon(lambda: crash(watch))
    with pytest.raises(ScenarioStopped), watch.armed():
        stubborn()
    thread.join()


def test_a_finding_from_before_it_was_armed_ends_the_scenario_at_its_start(watch: Watch) -> None:
    crash(watch)
    with pytest.raises(ScenarioStopped, match="kernel panic"), watch.armed():
        pytest.fail("the scenario must not begin")


def test_a_qemu_that_is_gone_ends_the_scenario_and_is_no_finding(watch: Watch) -> None:
    watch.observe(started())
    thread = soon(lambda: watch.observe(MachineEvent(t_s=1.0, name="process-gone")))
    with pytest.raises(ScenarioStopped, match="QEMU ended by itself"), watch.armed():
        watch.quiet(60)
    thread.join()
    assert watch.fatal is None


def test_what_is_not_fatal_ends_nothing(watch: Watch) -> None:
    with watch.armed():
        watch.observe(started())
        watch.observe(Heartbeat(t_s=1.0, channel="agent", ok=True))
        watch.quiet(0.01)
    assert watch.findings == []


def test_the_scenario_is_stopped_once_however_many_findings_follow(watch: Watch) -> None:
    def crash_and_wait() -> None:
        crash(watch)
        watch.quiet(60)

    with pytest.raises(ScenarioStopped, match="kernel panic"), watch.armed():
        crash_and_wait()
    watch.stop("another reason")
    with pytest.raises(ScenarioStopped, match="kernel panic"), watch.armed():
        pytest.fail("the scenario must not begin")


def test_after_disarming_findings_are_only_recorded(watch: Watch) -> None:
    with watch.armed():
        watch.disarm()
        crash(watch)
        watch.quiet(0.01)
    assert watch.fatal is not None


def test_the_handler_of_the_signal_is_put_back(watch: Watch) -> None:
    before = signal.getsignal(INTERRUPT)
    with watch.armed():
        assert signal.getsignal(INTERRUPT) != before
    assert signal.getsignal(INTERRUPT) == before


def test_lingering_for_a_loop_ends_when_the_loop_is_proven(watch: Watch) -> None:
    crash(watch)
    for number in range(4):
        watch.observe(MachineEvent(t_s=10.0 + 2 * number, name="reset", details={"guest": True}))
        watch.observe(Heartbeat(t_s=11.0 + 2 * number, channel="agent", ok=True, boot_id=f"boot-{number}"))
    assert watch.loop_proven(), [one.kind for one in watch.findings]
    clock = Stopwatch()
    watch.linger(linger_s=60, loop_s=60, count_loops=True)
    assert clock.t_s < 30
    assert FindingKind.BOOT_LOOP in {one.kind for one in watch.findings}


def test_lingering_without_a_loop_lasts_its_time_only(watch: Watch) -> None:
    crash(watch)
    clock = Stopwatch()
    watch.linger(linger_s=0.05, loop_s=60, count_loops=False)
    assert 0.05 <= clock.t_s < 30


def test_after_the_guest_was_put_back_the_same_crash_stops_the_scenario_again(watch: Watch) -> None:
    with watch.armed():
        for _ in range(2):
            thread = soon(lambda: crash(watch))
            with pytest.raises(ScenarioStopped, match="kernel panic"):
                watch.quiet(60)
            thread.join()
            assert watch.fatal is not None
            watch.afresh()
            assert watch.fatal is None
    crash(watch)  # after the scenario nothing is interrupted any more
    watch.afresh()
    crash(watch)
