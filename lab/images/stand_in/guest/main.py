"""Where the STAND-IN begins: `boot` is the guest itself, `shell LINE` what its SSH server starts."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from lab.images.stand_in.guest.agent import Agent
from lab.images.stand_in.guest.drives import Drives
from lab.images.stand_in.guest.hardware import Machine
from lab.images.stand_in.guest.kernel import NMI, Kernel
from lab.images.stand_in.guest.orders import Reader
from lab.images.stand_in.guest.programs import Programs, Streams

HOME = Path("/standin")
RUN = Path("/run/standin")
MOUNTS = {"C": Path("/c"), "Q": Path("/q")}
PORT = "/dev/virtio-ports/org.qemu.guest_agent.0"
GREETING = "*** STAND-IN *** This guest only looks like Windows: fleet lab ***"


def programs() -> Programs:
    """Of the guest as it is mounted."""
    roots = {letter: path for letter, path in MOUNTS.items() if path.is_mount()}
    kernel = Kernel(Drives(roots), Machine(HOME / "frames"), RUN)
    return Programs(kernel, Reader(json.loads((HOME / "known.json").read_text())))


def boot() -> None:
    """Greet, load what is to be loaded, then answer the guest agent's requests."""
    own = programs()
    kernel = own.kernel
    kernel.hardware.say(GREETING)
    kernel.hardware.show("splash")
    kernel.boot()
    kernel.hardware.show("desktop")
    (RUN / "up").touch()
    Agent(own).serve(os.open(PORT, os.O_RDWR), watch_nmi(kernel))


def watch_nmi(kernel: Kernel) -> Callable[[], None]:
    """A non-maskable interrupt is a stop, as `NMICrashDump` has it in Windows."""
    before = nmis()

    def look() -> None:
        if nmis() != before:
            kernel.stop(NMI, (0x4F4454, 0, 0, 0))

    return look


def nmis() -> int:
    """Non-maskable interrupts of all processors so far."""
    found = re.search(r"^\s*NMI:\s+([\d ]+)", Path("/proc/interrupts").read_text(), re.MULTILINE)
    return sum(int(one) for one in found[1].split()) if found else 0


def shell(line: str) -> int:
    """One command of an SSH session; the file service is no command here."""
    words = line.split(" ")
    streams = Streams(os.fdopen(0, "rb"), os.fdopen(1, "wb", buffering=0), os.fdopen(2, "wb", buffering=0))
    return programs().start(words, streams) & 0xFF


if __name__ == "__main__":
    if sys.argv[1:2] == ["boot"]:
        boot()
    else:
        sys.exit(shell(sys.argv[2] if len(sys.argv) > 2 else ""))
