"""What the STAND-IN does to its machine: frames on the VGA, panic device, reset, power, serial text.

Sources: QEMU docs/specs/standard-vga.rst (framebuffer in BAR 0, Bochs dispi registers in BAR 2 from 0x500
on), docs/specs/pvpanic.rst (port 0x505, bit 0), PM1a control 0x604 of q35. Refuses nothing: what is not
there is said on the serial port.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import struct
import time
import zlib
from pathlib import Path
from typing import Protocol

GOES_ON = ("ntfs-3g",)
"""The file system of the dump disk is a program here."""
PORTS, SERIAL = "/dev/port", "/dev/ttyS0"
DISPI = 0x500
ATTRIBUTES = 0x400
"""Offset of VGA's ports 0x3c0 to 0x3df in BAR 2."""
PANIC_PORT, POWER_PORT = 0x505, 0x604
SYSRQ = "/proc/sysrq-trigger"
"""Linux' own restart, at once."""


class Hardware(Protocol):
    """The machine, seen from inside."""

    def show(self, frame: str) -> None: ...

    def say(self, text: str) -> None: ...

    def panicked(self) -> None: ...

    def freeze(self) -> None:
        """Stop every other program, as an operating system that has stopped does."""
        ...

    def reset(self) -> None: ...

    def power_off(self) -> None: ...

    def wait(self, seconds: float) -> None: ...


class Machine:
    """The real one.

    :param frames: directory of `NAME.z`.
    """

    def __init__(self, frames: Path) -> None:
        self._frames = frames

    def show(self, frame: str) -> None:
        path = self._frames / f"{frame}.z"
        if not path.is_file():
            self.say(f"stand-in: no picture is called {frame}")
            return
        wide, high, pixels = picture(path.read_bytes())
        card = _card()
        if card is None:
            self.say("stand-in: no VGA card")
            return
        with (card / "resource2").open("r+b") as file, mmap.mmap(file.fileno(), 0x1000) as registers:
            words = memoryview(registers).cast("H")
            for index, value in ((4, 0), (1, wide), (2, high), (3, 32), (6, wide), (8, 0), (9, 0), (4, 0xC1)):
                words[DISPI // 2 + index] = value
            # Out of the attribute controller's set-up state, in which the screen is blanked.
            _ = registers[ATTRIBUTES + 0x1A]
            registers[ATTRIBUTES] = 0x20
            words.release()
        with (card / "resource0").open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            memory[: len(pixels)] = pixels

    def say(self, text: str) -> None:
        with Path(SERIAL).open("wb", buffering=0) as line:
            line.write((text.rstrip("\n") + "\n").replace("\n", "\r\n").encode("ascii", "replace"))

    def panicked(self) -> None:
        _out(PANIC_PORT, b"\x01")

    def freeze(self) -> None:
        kept = (1, os.getpid())
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                name = (process / "comm").read_text().strip()
                if name not in GOES_ON and int(process.name) not in kept:
                    os.kill(int(process.name), signal.SIGSTOP)

    def reset(self) -> None:
        os.sync()
        Path(SYSRQ).write_text("b")
        signal.pause()

    def power_off(self) -> None:
        os.sync()
        _out(POWER_PORT, b"\x00")
        _out(POWER_PORT + 1, b"\x20")
        signal.pause()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


def picture(data: bytes) -> tuple[int, int, bytes]:
    """Width, height, and pixels (0x00RRGGBB, little endian) of a frame: zlib over runs of (count, pixel)."""
    raw = zlib.decompress(data)
    wide, high = struct.unpack_from("<II", raw)
    runs = struct.iter_unpack("<I4s", raw[8:])
    return wide, high, b"".join(pixel * count for count, pixel in runs)


def _card() -> Path | None:
    for kind in Path("/sys/bus/pci/devices").glob("*/class"):
        if kind.read_text().startswith("0x0300"):
            return kind.parent
    return None


def _out(port: int, value: bytes) -> None:
    file = os.open(PORTS, os.O_WRONLY)
    try:
        os.pwrite(file, value, port)
    finally:
        os.close(file)
