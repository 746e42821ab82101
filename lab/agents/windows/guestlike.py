"""What Windows' tools need of a guest: the seam to `lab.guest.guest.Guest`, and nothing of it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from lab.guest.channel import Command
from lab.proc import Completed


class GuestLike(Protocol):
    """What of `lab.guest.guest.Guest` is needed here."""

    def run(self, command: Command, timeout_s: float | None = None, check: bool = False) -> Completed: ...

    def put(self, source: bytes | Path, to: str) -> None: ...

    def reboot(self, wait: bool = True, timeout_s: float | None = None, *, reason: str = "") -> None: ...

    def declare_reboot(self, reason: str) -> None: ...

    def wait_rebooted(self) -> None: ...
