"""Screenshots: a PNG whenever the picture has changed, and nothing when it has not."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from lab.clock import Stopwatch
from lab.model import Frame, Observation
from lab.sensors.thread import SensorThread

INTERVAL_S = 2.0
MOST_FRAMES = 600
"""Per attempt; later changes of the picture are no longer stored."""


class ScreenSensor(SensorThread):
    """Takes the screen of a machine.

    :param shoot: returns an image file as bytes (PNG or PPM).
    """

    def __init__(
        self,
        shoot: Callable[[], bytes],
        directory: Path,
        record: Callable[[Observation], None],
        clock: Stopwatch,
        *,
        interval_s: float = INTERVAL_S,
    ) -> None:
        super().__init__("screen", interval_s=interval_s)
        self._shoot = shoot
        self._frames = directory / "frames"
        self._frames.mkdir(exist_ok=True)
        self._record = record
        self._clock = clock
        self._last = ""
        self._count = 0

    def step(self) -> None:
        if self._count >= MOST_FRAMES:
            return
        with Image.open(io.BytesIO(self._shoot())) as image:
            picture = image.convert("RGB")
        digest = hashlib.sha256(picture.tobytes()).hexdigest()
        if digest == self._last:
            return
        self._last = digest
        self._count += 1
        path = self._frames / f"{self._count:06d}.png"
        picture.save(path, optimize=True)
        self._record(
            Frame(
                t_s=self._clock.t_s,
                path=f"frames/{path.name}",
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                width=picture.width,
                height=picture.height,
            )
        )

    def last_step(self) -> None:
        self._guarded()
