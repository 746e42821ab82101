"""A STAND-IN without a machine: its drives are directories, its hardware writes down what it is told."""

from __future__ import annotations

import io
from pathlib import Path

from lab.guest.channel import Command
from lab.guest.windows import launch
from lab.images.stand_in.guest.drives import Drives
from lab.images.stand_in.guest.kernel import Kernel
from lab.images.stand_in.guest.orders import Reader
from lab.images.stand_in.guest.programs import Programs, Streams
from lab.images.stand_in.known import known


class Told:
    """Hardware that does nothing."""

    def __init__(self) -> None:
        self.acts: list[str] = []

    def show(self, frame: str) -> None:
        self.acts.append(f"show {frame}")

    def say(self, text: str) -> None:
        self.acts.append(f"say {text}")

    def panicked(self) -> None:
        self.acts.append("panicked")

    def freeze(self) -> None:
        self.acts.append("freeze")

    def reset(self) -> None:
        self.acts.append("reset")

    def power_off(self) -> None:
        self.acts.append("off")

    def wait(self, seconds: float) -> None:
        self.acts.append(f"wait {seconds:g}")


class StandIn:
    """A booted one, below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.told = Told()
        self.boots = 0
        for letter in "cq":
            (root / letter).mkdir()
        self.boot()

    def boot(self) -> None:
        self.boots += 1
        self.told.acts.clear()
        drives = Drives({"C": self.root / "c", "Q": self.root / "q"})
        self.kernel = Kernel(drives, self.told, self.root / f"run{self.boots}")
        self.programs = Programs(self.kernel, Reader(known()))
        self.kernel.boot()

    def run(self, command: Command, stdin: bytes = b"", token: str = "") -> tuple[int, bytes, bytes]:
        """What a channel's order gives: exit code, stdout, stderr."""
        streams = Streams(io.BytesIO(stdin), io.BytesIO(), io.BytesIO())
        code = self.programs.order(launch.order(command, token), streams)
        assert isinstance(streams.out, io.BytesIO)
        assert isinstance(streams.err, io.BytesIO)
        return code, streams.out.getvalue(), streams.err.getvalue()

    def put(self, path: str, content: bytes) -> None:
        local = self.kernel.drives.local(path)
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_bytes(content)
