"""Loads in a Linux guest: `linux/load.sh` carried in and talked to, in any POSIX shell. Knows no workload."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lab.proc import Completed
from lab.workloads import rounds, sizing
from lab.workloads.inguest import HERE, GuestLike, text, values
from lab.workloads.means import Task
from lab.workloads.rounds import Look
from lab.workloads.sizing import GuestSize

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
        told = values(task, for_s=for_s, round_s=round_s, directory=directory)
        order = "".join(f"{name}={_quoted(str(value))}\n" for name, value in told.items())
        self._ask("start", load_id, check=True, stdin=order.encode())

    def look(self, load_id: str, after: int) -> Look:
        return rounds.parse(text(self._ask("look", load_id, str(after))))

    def stop(self, load_id: str, after: int, patience_s: float) -> Look:
        half_seconds, limit_s = math.ceil(2 * patience_s), 4 * patience_s + 30
        words = ("stop", load_id, str(after), str(half_seconds))
        return rounds.parse(text(self._ask(*words, timeout_s=limit_s)))

    def tidy(self, load_id: str) -> None:
        self._ask("tidy", load_id)

    def _ask(
        self, *words: str, check: bool = False, timeout_s: float | None = None, stdin: bytes = b""
    ) -> Completed:
        return self._guest.run(["sh", f"{self._home}/load.sh", *words], timeout_s, check, stdin=stdin)


def _quoted(words: str) -> str:
    return "'" + words.replace("'", "'\\''") + "'"
