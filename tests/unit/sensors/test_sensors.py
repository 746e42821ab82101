"""Sensors record what they see and hold no opinion; one that fails ends nothing."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from lab.clock import Stopwatch
from lab.errors import ChannelError
from lab.model import Frame, Heartbeat, MachineEvent, Observation, SerialChunk
from lab.sensors import serial as serial_module
from lab.sensors.heartbeat import HeartbeatSensor
from lab.sensors.hypervisor import MOST_ERRORS, EventSink, LifeSensor
from lab.sensors.screen import ScreenSensor
from lab.sensors.serial import SerialSensor
from lab.sensors.thread import SensorThread


@pytest.fixture
def seen() -> list[Observation]:
    return []


# -- the thread ------------------------------------------------------------------


class Counting(SensorThread):
    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__("counting", interval_s=0.001)
        self.act = act
        self.last = 0

    def step(self) -> None:
        self.act()

    def last_step(self) -> None:
        self.last += 1


def test_a_sensor_looks_again_and_again_and_a_last_time() -> None:
    thrice = threading.Semaphore(0)
    sensor = Counting(thrice.release)
    with sensor:
        assert all(thrice.acquire(timeout=10) for _ in range(3))
    assert sensor.last == 1


def test_a_step_that_raises_is_tried_again() -> None:
    steps, done = iter([OSError("no screen"), OSError("no screen"), None]), threading.Event()

    def act() -> None:
        error = next(steps, None)
        if error is not None:
            raise error
        done.set()

    with Counting(act):
        assert done.wait(10)


def test_a_sensor_ends_with_the_scenario_that_fails() -> None:
    sensor = Counting(lambda: None)
    with pytest.raises(ZeroDivisionError), sensor:
        raise ZeroDivisionError
    assert not sensor._thread.is_alive()


# -- serial ------------------------------------------------------------------------


def test_the_console_is_recorded_in_order_with_offsets(tmp_path: Path, seen: list[Observation]) -> None:
    log = tmp_path / "serial.log"
    log.write_bytes(b"booting")
    sensor = SerialSensor(log, seen.append, Stopwatch())
    sensor.step()
    sensor.step()
    with log.open("ab") as stream:
        stream.write(b" done\xff")
    sensor.last_step()
    assert [(one.start, one.data) for one in seen if isinstance(one, SerialChunk)] == [
        (0, b"booting"), (7, b" done\xff"),
    ]  # fmt: skip


def test_a_flood_is_recorded_in_pieces(
    tmp_path: Path, seen: list[Observation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_module, "LARGEST", 4)
    log = tmp_path / "serial.log"
    log.write_bytes(b"abcdefghij")
    SerialSensor(log, seen.append, Stopwatch()).step()
    chunks = [one for one in seen if isinstance(one, SerialChunk)]
    assert [one.start for one in chunks] == [0, 4, 8]
    assert b"".join(one.data for one in chunks) == b"abcdefghij"


# -- screen ------------------------------------------------------------------------


def picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 4), colour).save(out, "PPM")
    return out.getvalue()


def test_a_picture_is_kept_only_when_it_has_changed(tmp_path: Path, seen: list[Observation]) -> None:
    shots = iter([picture("black"), picture("black"), picture("blue"), picture("black")])
    sensor = ScreenSensor(lambda: next(shots), tmp_path, seen.append, Stopwatch())
    for _ in range(4):
        sensor.step()
    frames = [one for one in seen if isinstance(one, Frame)]
    assert [one.path for one in frames] == [f"frames/00000{number}.png" for number in (1, 2, 3)]
    assert [(one.width, one.height) for one in frames] == [(8, 4)] * 3
    with Image.open(tmp_path / frames[1].path) as stored:
        assert stored.getpixel((0, 0)) == (0, 0, 255)


def test_a_picture_that_found_no_room_is_taken_again(
    tmp_path: Path, seen: list[Observation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A blue screen does not change any more: who misses it once must not call it seen."""
    blue = picture("blue")
    sensor = ScreenSensor(lambda: blue, tmp_path, seen.append, Stopwatch())

    def full(_picture: object, path: Path, **_options: object) -> None:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("PIL.Image.Image.save", full)
    with pytest.raises(OSError, match="No space left"):
        sensor.step()
    monkeypatch.undo()
    assert list((tmp_path / "frames").iterdir()) == []
    sensor.step()
    assert [item.path for item in seen if isinstance(item, Frame)] == ["frames/000001.png"]


def test_the_last_picture_is_taken_even_from_a_screen_that_is_gone(
    tmp_path: Path, seen: list[Observation]
) -> None:
    def gone() -> bytes:
        raise OSError("no domain")

    ScreenSensor(gone, tmp_path, seen.append, Stopwatch()).last_step()
    assert seen == []


# -- heartbeat ---------------------------------------------------------------------


class Channel:
    """Answers or not, as told."""

    name = "agent"

    def __init__(self) -> None:
        self.answers = True
        self.boot_ids = iter(["first", "second", "third"])

    def ping(self, timeout_s: float) -> None:
        assert timeout_s == 2.0
        if not self.answers:
            raise ChannelError("guest agent did not answer")

    def get(self, path: str, *, timeout_s: float) -> bytes:
        assert path == "/proc/sys/kernel/random/boot_id"
        return next(self.boot_ids).encode() + b"\n"


def beats(seen: list[Observation]) -> list[Heartbeat]:
    return [one for one in seen if isinstance(one, Heartbeat)]


def test_the_boot_id_is_read_with_the_first_answer_after_every_gap(seen: list[Observation]) -> None:
    channel = Channel()
    sensor = HeartbeatSensor(channel, seen.append, Stopwatch(), timeout_s=2.0)  # type: ignore[arg-type]
    for answers in (True, True, False, True, True):
        channel.answers = answers
        sensor.step()
    assert [(one.ok, one.boot_id) for one in beats(seen)] == [
        (True, "first"), (True, None), (False, None), (True, "second"), (True, None),
    ]  # fmt: skip
    assert beats(seen)[2].error == "guest agent did not answer"


def test_an_answer_without_a_boot_id_is_a_missed_beat(seen: list[Observation]) -> None:
    channel = Channel()

    def torn(path: str, *, timeout_s: float) -> bytes:
        raise ChannelError(f"{path}: channel died after {timeout_s} s")

    channel.get = torn  # type: ignore[method-assign]
    HeartbeatSensor(channel, seen.append, Stopwatch(), timeout_s=2.0).step()  # type: ignore[arg-type]
    assert [one.ok for one in beats(seen)] == [False]


def test_a_guest_that_is_done_before_a_beat_is_due_is_asked_a_last_time(seen: list[Observation]) -> None:
    """A clone can answer, do its work and end within one interval."""
    channel, first = Channel(), threading.Event()
    channel.answers = False
    sensor = HeartbeatSensor(
        channel, lambda one: (seen.append(one), first.set()), Stopwatch(), timeout_s=2.0, interval_s=60.0  # type: ignore[arg-type, func-returns-value]
    )  # fmt: skip
    with sensor:
        assert first.wait(10)
        channel.answers = True
        sensor._stop.set()  # the end comes before the look that was asked for
        sensor.wake()
    assert [one.ok for one in beats(seen)] == [False, True]


def test_a_guest_that_was_asked_after_its_answer_is_not_asked_again_at_the_end(
    seen: list[Observation],
) -> None:
    answered = threading.Event()

    def record(one: Observation) -> None:
        seen.append(one)
        answered.set()

    with HeartbeatSensor(Channel(), record, Stopwatch(), timeout_s=2.0, interval_s=60.0):  # type: ignore[arg-type]
        assert answered.wait(10)
    assert [one.ok for one in beats(seen)] == [True]


# -- hypervisor --------------------------------------------------------------------


def test_hypervisor_events_become_observations(seen: list[Observation]) -> None:
    EventSink(seen.append, Stopwatch())("panicked", {"action": "run"})
    (event,) = seen
    assert isinstance(event, MachineEvent)
    assert (event.name, event.details) == ("panicked", {"action": "run"})


def test_a_disk_that_fails_all_the_time_fills_no_recording(seen: list[Observation]) -> None:
    sink = EventSink(seen.append, Stopwatch())
    for _ in range(MOST_ERRORS + 100):
        sink("io-error", {"operation": "read"})
    sink("reset", {})
    assert len(seen) == MOST_ERRORS + 1
    assert seen[-1].name == "reset"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("alive", "ended", "told"),
    [(True, False, 0), (False, False, 1), (False, True, 0)],
    ids=["it lives", "it died without a word", "it had said so"],
)
def test_a_qemu_that_ended_without_a_word_is_told_once(
    seen: list[Observation], alive: bool, ended: bool, told: int
) -> None:
    sensor = LifeSensor(lambda: alive, lambda: ended, seen.append, Stopwatch())
    for _ in range(3):
        sensor.step()
    assert [one.name for one in seen if isinstance(one, MachineEvent)] == ["process-gone"] * told
