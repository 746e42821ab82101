"""The seam between a load and its guest: the same five requests on every family.

A driver puts the lab's own scripts into the guest and talks to them. It decides nothing about a load, and
starts nothing twice: a request whose answer is lost is only repeated where that does no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from lab.guest.channel import Command
from lab.proc import Completed
from lab.workloads.means import Task
from lab.workloads.rounds import Look
from lab.workloads.sizing import GuestSize

HERE = Path(__file__).parent


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


def values(task: Task, *, for_s: int, round_s: int, directory: str) -> dict[str, str | int]:
    """A task as the runners of both families know it."""
    return {
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


def text(done: Completed) -> str:
    """What a runner printed."""
    return done.stdout.decode("utf-8", "replace")
