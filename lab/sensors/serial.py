"""The serial console: QEMU writes the bytes itself, this says when they came.

QEMU's own log file survives a `kill -9` of everything of ours; the sensor follows it and
records chunks with their offsets.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lab.clock import Stopwatch
from lab.model import Observation, SerialChunk
from lab.sensors.thread import SensorThread

LARGEST = 1 << 18
"""Bytes per observation; a flood is recorded as several."""


class SerialSensor(SensorThread):
    """Follows serial.log from offset 0."""

    def __init__(self, path: Path, record: Callable[[Observation], None], clock: Stopwatch) -> None:
        super().__init__("serial", interval_s=0.05)
        self._path = path
        self._record = record
        self._clock = clock
        self._offset = 0

    def step(self) -> None:
        with self._path.open("rb") as stream:
            stream.seek(self._offset)
            while data := stream.read(LARGEST):
                self._record(SerialChunk(t_s=self._clock.t_s, start=self._offset, data=data))
                self._offset += len(data)

    def last_step(self) -> None:
        self._guarded()
