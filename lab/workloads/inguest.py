"""The seam between a load and its guest: the same five requests on every family.

A driver puts the lab's own scripts into the guest and talks to them. It decides nothing about a load, and
starts nothing twice: a request whose answer is lost is only repeated where that does no harm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from lab.guest.channel import Command
from lab.model import Family
from lab.proc import Completed
from lab.workloads import rounds, sizing
from lab.workloads.means import Task
from lab.workloads.rounds import Look
from lab.workloads.sizing import GuestSize


class GuestLike(Protocol):
    """What of `lab.guest.guest.Guest` loads need."""

    def run(
        self, command: Command, timeout_s: float | None = None, check: bool = False, *, stdin: bytes = b""
    ) -> Completed: ...

    def put(self, source: bytes | Path, to: str) -> None: ...

    def boot_id(self) -> str: ...


class Driver(Protocol):
    """Loads in one guest. Every method may raise ChannelError, as the guest's channels do."""

    def prepare(self) -> None:
        """Bring the scripts into the guest, unless it has them since its last start."""
        ...

    def survey(self, programs: Sequence[str]) -> tuple[GuestSize, list[str]]:
        """What the guest has to spare now, and those of the programs that it does not have."""
        ...

    def start(self, load_id: str, task: Task, *, for_s: int, round_s: int) -> None:
        """Start it detached; it ends by itself after `for_s`, whatever becomes of the lab."""
        ...

    def look(self, load_id: str, after: int) -> Look:
        """How it fares, with its finished rounds after number `after`; earlier ones are forgotten."""
        ...

    def stop(self, load_id: str, after: int, patience_s: float) -> Look:
        """Ask it to end, then kill what is left; then as `look`. `stuck` has what could not be killed."""
        ...

    def tidy(self, load_id: str) -> None:
        """Remove everything of it."""
        ...


HERE = Path(__file__).parent
SCRIPTS = ("load.sh", "ops.sh")
SHELL_HOME = "/run/lab-load"
"""In memory: a full or broken disk must not silence a load, and a restart forgets it."""
SHELL_FILES = "/var/tmp"  # noqa: S108 - of the guest, and each load has a directory of its own there
"""Where loads keep the files that they work on: on the disk."""


class LinuxDriver:
    """Through `linux/load.sh`, in any POSIX shell."""

    def __init__(self, guest: GuestLike, *, home: str = SHELL_HOME, files: str = SHELL_FILES) -> None:
        self._guest = guest
        self._home = home
        self._files = files
        self._prepared_in = ""

    def prepare(self) -> None:
        boot = self._guest.boot_id()
        if boot == self._prepared_in:
            return
        self._guest.run(["mkdir", "-p", self._home, self._files], check=True)
        for name in SCRIPTS:
            self._guest.put((HERE / "linux" / name).read_bytes(), f"{self._home}/{name}")
        self._prepared_in = boot

    def survey(self, programs: Sequence[str]) -> tuple[GuestSize, list[str]]:
        return sizing.parse(self._ask("size", self._files, *programs, check=True).text)

    def start(self, load_id: str, task: Task, *, for_s: int, round_s: int) -> None:
        directory = f"{self._files}/lab-load-{load_id}"
        order = _shell_order(task, for_s=for_s, round_s=round_s, directory=directory)
        self._ask("start", load_id, check=True, stdin=order.encode())

    def look(self, load_id: str, after: int) -> Look:
        return rounds.parse(_text(self._ask("look", load_id, str(after))))

    def stop(self, load_id: str, after: int, patience_s: float) -> Look:
        half_seconds, limit_s = math.ceil(2 * patience_s), 4 * patience_s + 30
        words = ("stop", load_id, str(after), str(half_seconds))
        return rounds.parse(_text(self._ask(*words, timeout_s=limit_s)))

    def tidy(self, load_id: str) -> None:
        self._ask("tidy", load_id)

    def _ask(
        self, *words: str, check: bool = False, timeout_s: float | None = None, stdin: bytes = b""
    ) -> Completed:
        return self._guest.run(["sh", f"{self._home}/load.sh", *words], timeout_s, check, stdin=stdin)


def driver_of(guest: GuestLike, family: Family) -> Driver:
    """The driver for a guest of `family`."""
    return LinuxDriver(guest)


def _text(done: Completed) -> str:
    return done.stdout.decode("utf-8", "replace")


def _shell_order(task: Task, *, for_s: int, round_s: int, directory: str) -> str:
    """The task as shell assignments."""
    values: dict[str, str | int] = {
        "op": task.op,
        "workers": task.workers if task.op else 0,
        "idle": round(100 * (1 / task.duty - 1)),
        "pace_us": task.pace_ms * 1000,
        "command": task.command,
        "for_s": for_s,
        "round_s": round_s,
        "dir": directory,
        **task.settings,
    }
    return "".join(f"{name}={_quoted(str(value))}\n" for name, value in values.items())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
