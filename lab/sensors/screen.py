"""Screenshots: a PNG whenever the picture has changed, and nothing when it has not.

A look costs 25 ms of the guest's QEMU, so it is taken often only while the picture moves or somebody has
a suspicion.
"""

from __future__ import annotations

import hashlib
import io
from collections import deque
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from lab.clock import Stopwatch
from lab.model import Frame, Observation
from lab.sensors.thread import SensorThread

INTERVAL_S = 2.0
"""Between two looks at a picture that stands still."""
MOVING_S = 1.0
"""The same while it changes, and for a while after a suspicion."""
HURRY_LOOKS = 10
RECENT = 8
"""Pictures that were there a moment ago are no movement: a cursor blinks."""
BRISK_FRAMES = 300
"""After so many the picture is one that always moves (a clock, a video), and looks are rarer again."""
MOST_FRAMES = 600
"""Per attempt; later changes of the picture are stored only after a suspicion."""


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
        self._still_s = interval_s
        self._hurry = 0
        self._last = ""
        self._recent: deque[str] = deque(maxlen=RECENT)
        self._new = False
        self._count = 0

    def suspect(self) -> None:
        """Something may be wrong: look now, and often for a while. From any thread."""
        self._hurry = HURRY_LOOKS
        self.wake()

    def step(self) -> None:
        if self._count >= MOST_FRAMES and not self._hurry:
            return
        self._new = False
        self._look()
        self._hurry = max(0, self._hurry - 1)
        moving = (self._new and self._count < BRISK_FRAMES) or self._hurry > 0
        self.interval_s = min(MOVING_S, self._still_s) if moving else self._still_s

    def _look(self) -> None:
        with Image.open(io.BytesIO(self._shoot())) as image:
            picture = image.convert("RGB")
        digest = hashlib.sha256(picture.tobytes()).hexdigest()
        if digest == self._last:
            return
        self._new = digest not in self._recent
        self._recent.append(digest)
        self._count += 1
        path = self._frames / f"{self._count:06d}.png"
        try:
            picture.save(path, optimize=True)
        except OSError:
            self._count -= 1
            path.unlink(missing_ok=True)
            raise
        self._record(
            Frame(
                t_s=self._clock.t_s,
                path=f"frames/{path.name}",
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                width=picture.width,
                height=picture.height,
            )
        )
        self._last = digest  # not before: on a full disk the same picture is tried again

    def last_step(self) -> None:
        self._guarded()
