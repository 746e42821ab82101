"""One unattended installation, followed through its stages to a report or a useful failure.

What is seen: marks on the serial port, pictures of the screen (classified by `lab.detect.screens`), and
whether the machine still runs. A failure names the stage, what the screen showed last, and where the last
picture, the serial log and Setup's own logs are.
"""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from lab.clock import Stopwatch
from lab.errors import BuildError, MachineError
from lab.images.progress import Progress as Told
from lab.images.windows import ntfs, stages
from lab.images.windows.stages import Progress
from lab.model import Screen, ScreenVerdict

LOOK_S = 10.0
"""Between two looks at the screen."""
POLL_S = 0.5
KEYS_S = 90.0
"""From power-on; the prompt of the ISO stands 5 s, when firmware has come that far."""
KEY_EVERY_S = 1.0
BAD_LOOKS = 3
"""So many looks in a row at a stop screen or an error page, and it is one."""
TAIL = 2000


class SetupGuest(Protocol):
    """The machine as this module needs it."""

    serial_log: Path

    @property
    def running(self) -> bool: ...

    def screenshot(self) -> bytes: ...

    def press_a_key(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things may take here."""

    accelerator: str
    updates: int = 0
    keys_s: float = KEYS_S
    look_s: float = LOOK_S
    poll_s: float = POLL_S

    def deadline_s(self, stage: stages.Stage) -> float:
        return stages.deadline_s(stage, accelerator=self.accelerator, updates=self.updates)


@dataclass(slots=True)
class Follower:
    """Watches one installation to its end."""

    guest: SetupGuest
    pace: Pace
    told: Told
    keep: Callable[[bytes], None]
    """Gets the latest picture whenever it has changed, as a PNG."""
    progress: Progress = field(default_factory=Progress)
    screen: Screen | None = None
    _watch: Stopwatch = field(default_factory=Stopwatch)
    _entered_s: float = 0.0
    _offset: int = 0
    _last_picture: bytes = b""
    _looked_s: float = -1e9
    _pressed_s: float = 0.0
    _bad: int = 0

    def follow(self) -> dict[str, Any]:
        """The guest's report, when it has shut down after it.

        :raise BuildError: a stage took too long, the guest's scripts or screen said so, or it ended early.
        """
        self.told.stage(self.progress.stage.doing)
        while True:
            running = self.guest.running
            self._read_serial()
            if self.progress.failure:
                raise self._failed(f"the guest says: {self.progress.failure}")
            if not running:
                return self._ended()
            self._look()
            self._press()
            spent = self._watch.t_s - self._entered_s
            if spent > self.pace.deadline_s(self.progress.stage):
                raise self._failed(f"no end of it in {spent:.0f} s")
            time.sleep(self.pace.poll_s)

    def _ended(self) -> dict[str, Any]:
        if self.progress.report is None:
            why = self.progress.damage or "the guest switched itself off without a report"
            raise self._failed(why)
        return self.progress.report

    def _read_serial(self) -> None:
        with self.guest.serial_log.open("rb") as stream:
            stream.seek(self._offset)
            data = stream.read()
        self._offset += len(data)
        for mark in self.progress.feed(data):
            # each mark is progress: the stage's time begins again, also when it goes on after a restart
            self._entered_s = self._watch.t_s
            if mark in stages.BY_MARK:
                self.told.stage(stages.BY_MARK[mark].doing)
            elif not mark.startswith(stages.FAILED):
                self.told.stage(mark)

    def _look(self) -> None:
        from lab.detect.screens import classify  # half a second, and every command knows this builder

        if self._watch.t_s - self._looked_s < self.pace.look_s:
            return
        self._looked_s = self._watch.t_s
        try:
            shot = self.guest.screenshot()
        except MachineError:
            return  # it is about to end; the next look at `running` tells
        if shot != self._last_picture:
            self._last_picture = shot
            picture = Image.open(io.BytesIO(shot)).convert("RGB")
            self.screen = classify(picture)
            png = io.BytesIO()
            picture.save(png, "PNG")
            self.keep(png.getvalue())
        trouble = self.screen is not None and self.screen.verdict is not ScreenVerdict.HEALTHY
        self._bad = self._bad + 1 if trouble else 0
        if self._bad >= BAD_LOOKS:
            raise self._failed("its screen shows trouble")

    def _press(self) -> None:
        """Until Setup has spoken, and only in the time in which the ISO's prompt can stand."""
        if self.progress.marks or self._watch.t_s > self.pace.keys_s:
            return
        if self._watch.t_s - self._pressed_s >= KEY_EVERY_S:
            self._pressed_s = self._watch.t_s
            self.guest.press_a_key()

    def _failed(self, why: str) -> BuildError:
        stage = self.progress.stage
        shown = "nothing was seen of its screen"
        if self.screen is not None:
            words = " ".join(self.screen.text.split())[:160]
            shown = f"screen: {self.screen.kind}" + (f", {words!r}" if words else f" ({self.screen.reason})")
        tail = self.guest.serial_log.read_bytes()[-TAIL:].decode("utf-8", "replace")
        return BuildError(
            f"stage {stage.name!r} ({stage.doing}): {why}; {shown}",
            hint=_remedy(stage.name),
            log=tail,
        )


def _remedy(stage: str) -> str:
    """What usually lies behind a failure in a stage."""
    if stage == "start":
        return (
            "is the ISO the right one, and does it boot? the last picture says what firmware or Setup shows"
        )
    if stage == "copy":
        return (
            "Setup's own log setupact.log says what it did not like; wrong driver media are the usual cause"
        )
    return "the logs beside the last picture say what failed; `lab image build NAME --force` tries again"


def keep_evidence(source: Path, disk: Path, scratch: Path, target: Path) -> list[str]:
    """Copy serial log and last picture, and Setup's logs off the disk, to `target`; what was kept, in words.

    Never raises: it is called where something has failed already.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True, exist_ok=True)
    kept = []
    for name in ("serial.log", "last.png"):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
            kept.append(name)
    files, reason = ntfs.fetch(disk, ntfs.SETUP_LOGS, scratch)
    for name, content in files.items():
        path = target / name.replace("/", "_").replace("$", "")
        path.write_bytes(content)
        kept.append(path.name)
    if reason:
        (target / "no-setup-logs.txt").write_text(f"{reason}\n", encoding="utf-8")
    return kept
