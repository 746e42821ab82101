"""A STAND-IN for Windows: a real QEMU guest that shows from outside what a failing Windows shows.

It is no Windows. It paints prepared stop screens, prints EMS and kernel debugger text on the serial
port, writes a file with a dump header to its dump disk, speaks to the panic device, resets or stays; and it
says `stand-in` in its name, in the first line it prints, in the corner of every frame and in its dump.
It proves that the lab's channels and detectors see such things, and nothing about any product.

    image = standin.build(tiny, standin.STANDINS["bugcheck-10"], directory, artefacts=places.artefacts)
    machine = Machine(Order(image=image, dump_disk_mib=STANDINS["bugcheck-10"].dump_disk_mib, ...), places)

`tiny` is any directly booted image of the lab with an SDK: its kernel, the modules in its initial RAM disk
and its compiler are used. There is no guest agent and no SSH in the stand-in (`image.channels == ()`).
Each `StandIn` says what must be found in it (`kind`, `code`, `module`; None: nothing may be found), by
which channels it can be seen (`seen_by`), and how long its acts take (`lasts_s`).
"""

from __future__ import annotations

from lab.selftest.standin.building import build
from lab.selftest.standin.frames import paint
from lab.selftest.standin.serial_text import GREETING
from lab.selftest.standin.steps import (
    Boots,
    Dump,
    PowerOff,
    Reset,
    Say,
    Show,
    Stay,
    Step,
    TellPanicDevice,
    Wait,
)
from lab.selftest.standin.table import STANDINS, StandIn

__all__ = [
    "GREETING",
    "STANDINS",
    "Boots",
    "Dump",
    "PowerOff",
    "Reset",
    "Say",
    "Show",
    "StandIn",
    "Stay",
    "Step",
    "TellPanicDevice",
    "Wait",
    "build",
    "paint",
]
