"""Pictures are read beside the watching; findings are told when they are made."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from running_factories import panicked, started

from lab.clock import Stopwatch
from lab.model import DetectSettings, Frame, Heartbeat, Observation, Screen, ScreenKind, Step
from lab.recording.writer import Recorder
from lab.running.watch import MOST_WAITING, Watch
from lab.waiting import wait_for

TEXT = Screen(kind=ScreenKind.TEXT, reason="a text console")


def frame(number: int) -> Frame:
    return Frame(
        t_s=float(number), path=f"frames/{number:06d}.png", sha256=f"{number:064d}", width=8, height=4
    )


def watch(look: object = None) -> Watch:
    return Watch(DetectSettings(), Stopwatch(), look=look)  # type: ignore[arg-type]


class SlowEyes:
    """Reads a picture only when it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.read: list[str] = []
        self.threads: set[str] = set()

    def __call__(self, seen: Frame) -> Screen | None:
        assert self.let.wait(10)
        self.read.append(seen.path)
        self.threads.add(threading.current_thread().name)
        return TEXT


def test_a_picture_that_takes_long_delays_no_other_channel() -> None:
    eyes = SlowEyes()
    watched = watch(eyes)
    watched.observe(started())
    watched.observe(frame(1))
    watched.observe(panicked())
    assert watched.fatal is not None, "found while the picture is still being read"
    assert eyes.read == []
    eyes.let.set()
    wait_for(lambda: eyes.read, what="the picture", timeout_s=10)
    watched.close()
    assert eyes.threads <= {"screen-reader", threading.current_thread().name}


def test_the_detectors_get_a_frame_after_it_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def look(_frame: Frame) -> Screen:
        order.append("read")
        return TEXT

    watched = watch(look)
    feed = watched._detectors.feed

    def fed(observation: Observation) -> list[object]:
        if isinstance(observation, Frame):
            order.append("fed")
        return list(feed(observation))

    monkeypatch.setattr(watched._detectors, "feed", fed)
    watched.observe(frame(1))
    wait_for(lambda: "fed" in order, what="the frame", timeout_s=10)
    watched.close()
    assert order[0] == "read"


def test_when_reading_does_not_keep_up_the_newest_are_read() -> None:
    eyes = SlowEyes()
    watched = watch(eyes)
    watched.observe(frame(1))
    wait_for(lambda: not watched._frames or not watched._frames._waiting, what="the first", timeout_s=10)
    for number in range(2, 12):
        watched.observe(frame(number))
    eyes.let.set()
    wait_for(lambda: len(set(eyes.read)) == 1 + MOST_WAITING, what="the pictures", timeout_s=10)
    watched.close()
    assert sorted(set(eyes.read)) == [frame(n).path for n in (1, *range(12 - MOST_WAITING, 12))]


def test_a_picture_that_breaks_the_reader_ends_nothing() -> None:
    read: list[str] = []

    def look(seen: Frame) -> Screen:
        read.append(seen.path)
        if seen.t_s == 1.0:
            raise ZeroDivisionError
        return TEXT

    watched = watch(look)
    watched.observe(frame(1))
    watched.observe(frame(2))
    wait_for(lambda: frame(2).path in read, what="the second picture", timeout_s=10)
    watched.close()


def test_a_finding_is_recorded_once_when_it_is_made(tmp_path: Path) -> None:
    clock = Stopwatch()
    recorder = Recorder(tmp_path, clock)
    seen: list[Observation] = []
    watched = Watch(DetectSettings(), clock)
    watched.tell(recorder.add)
    recorder.subscribe(watched.observe)
    recorder.subscribe(seen.append)
    for one in (started(), panicked(), Heartbeat(t_s=6.0, channel="agent", ok=False)):
        recorder.add(one)
    told = [one for one in seen if isinstance(one, Step) and one.name == "finding"]
    assert [(one.outcome, one.detail["title"], one.detail["fatal"]) for one in told] == [
        ("panic", "kernel panic", True)
    ]
    recorder.close(scenario="stopped")


def test_a_finding_made_by_the_reader_of_pictures_can_be_recorded_while_others_record(tmp_path: Path) -> None:
    """The recorder's lock and the watch's are never taken in both orders."""
    clock = Stopwatch()
    recorder = Recorder(tmp_path, clock)
    watched = Watch(DetectSettings(), clock, look=lambda _frame: TEXT)
    watched.tell(recorder.add)
    recorder.subscribe(watched.observe)

    def write(first: int) -> None:
        for number in range(first, first + 40):
            recorder.add(frame(number))
            recorder.add(panicked(float(number)))

    threads = [threading.Thread(target=write, args=(100 * number,), daemon=True) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    watched.close()
    recorder.close(scenario="stopped")


def test_waiting_for_a_fatal_finding_ends_with_it() -> None:
    watched = watch()
    timer = threading.Timer(0.05, lambda: (watched.observe(started()), watched.observe(panicked())))
    timer.start()
    clock = Stopwatch()
    found = watched.await_fatal(60)
    timer.join()
    assert found is not None
    assert clock.t_s < 30


def test_waiting_for_a_fatal_finding_that_does_not_come_ends_too() -> None:
    assert watch().await_fatal(0.05) is None


def silence(watched: Watch, *, ok: bool = False) -> None:
    watched.observe(Heartbeat(t_s=1.0, channel="agent", ok=ok))


def test_a_silent_guest_is_waited_for_until_it_says_why() -> None:
    """A lockup speaks after 25 s, long after the channel died of it."""
    watched = watch()
    silence(watched)
    timer = threading.Timer(0.05, lambda: (watched.observe(started()), watched.observe(panicked())))
    timer.start()
    assert watched.await_word(60) is not None
    timer.join()


def test_a_guest_that_answers_again_is_not_waited_for() -> None:
    watched, clock = watch(), Stopwatch()
    assert watched.await_word(60) is None
    silence(watched)
    timer = threading.Timer(0.05, lambda: silence(watched, ok=True))
    timer.start()
    assert watched.await_word(60) is None
    timer.join()
    assert clock.t_s < 30


def test_silence_for_ever_ends_the_wait() -> None:
    watched = watch()
    silence(watched)
    assert watched.await_word(0.05) is None
