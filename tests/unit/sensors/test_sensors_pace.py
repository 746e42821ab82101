"""Sensors look closer when there is a reason, and no more often than that."""

from __future__ import annotations

import io
import threading
from itertools import cycle
from pathlib import Path

import pytest
from PIL import Image

from lab.clock import Stopwatch
from lab.model import Observation
from lab.sensors import screen as screen_module
from lab.sensors.screen import HURRY_LOOKS, MOVING_S, ScreenSensor
from lab.sensors.thread import SensorThread


def picture(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), (shade, shade, shade)).save(out, "PPM")
    return out.getvalue()


def screen(tmp_path: Path, shades: list[int], seen: list[Observation]) -> ScreenSensor:
    shots = cycle(picture(shade) for shade in shades)
    return ScreenSensor(lambda: next(shots), tmp_path, seen.append, Stopwatch(), interval_s=2.0)


def test_a_moving_picture_is_looked_at_more_often_than_a_still_one(tmp_path: Path) -> None:
    seen: list[Observation] = []
    sensor = screen(tmp_path, [1, 2, 2, 2], seen)
    paces = []
    for _ in range(4):
        sensor.step()
        paces.append(sensor.interval_s)
    assert paces == [MOVING_S, MOVING_S, 2.0, 2.0]


def test_a_blinking_cursor_is_no_movement_and_is_recorded_all_the_same(tmp_path: Path) -> None:
    seen: list[Observation] = []
    sensor = screen(tmp_path, [1, 2], seen)
    paces = []
    for _ in range(4):
        sensor.step()
        paces.append(sensor.interval_s)
    assert paces == [MOVING_S, MOVING_S, 2.0, 2.0]
    assert len(seen) == 4


def test_a_suspicion_hurries_the_looks_for_a_while(tmp_path: Path) -> None:
    seen: list[Observation] = []
    sensor = screen(tmp_path, [1], seen)
    sensor.step()
    sensor.suspect()
    paces = []
    for _ in range(HURRY_LOOKS + 1):
        sensor.step()
        paces.append(sensor.interval_s)
    assert paces == [MOVING_S] * (HURRY_LOOKS - 1) + [2.0, 2.0]


def test_a_picture_that_always_moves_does_not_keep_its_pace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen_module, "BRISK_FRAMES", 2)
    monkeypatch.setattr(screen_module, "MOST_FRAMES", 4)
    seen: list[Observation] = []
    sensor = screen(tmp_path, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], seen)
    paces = []
    for _ in range(6):
        sensor.step()
        paces.append(sensor.interval_s)
    assert paces[:3] == [MOVING_S, 2.0, 2.0]
    assert len(seen) == 4
    sensor.suspect()
    sensor.step()
    assert len(seen) == 5, "a suspicion is worth a frame beyond the limit"


class Slow(SensorThread):
    """Would look again in an hour."""

    def __init__(self) -> None:
        super().__init__("slow", interval_s=3600.0)
        self.steps = threading.Semaphore(0)

    def step(self) -> None:
        self.steps.release()


def test_a_sensor_that_waits_can_be_woken_and_ended() -> None:
    with Slow() as sensor:
        assert sensor.steps.acquire(timeout=10)
        sensor.wake()
        assert sensor.steps.acquire(timeout=10)
    assert not sensor._thread.is_alive()
