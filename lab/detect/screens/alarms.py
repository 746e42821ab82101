"""Which phrases must be looked for on a console before it may be called healthy without reading it.

The signs of the tables that decide, and a few of their parts that are the same in every language or whatever
the details are. Data; refuses to hold logic.
"""

from __future__ import annotations

from lab.detect.screens.signs import Sign
from lab.detect.screens.signs_firmware import FIRMWARE
from lab.detect.screens.signs_linux import LINUX
from lab.detect.screens.signs_recovery import NOT_STARTING
from lab.detect.screens.signs_windows import WINDOWS
from lab.model import ScreenKind, ScreenVerdict

PARTS = (
    Sign(
        id="part-stop",
        kind=ScreenKind.BUGCHECK,
        texts=("*** STOP: 0x",),
        weight=0.5,
        source="every text stop screen, in all languages",
    ),
    Sign(
        id="part-oops",
        kind=ScreenKind.PANIC,
        texts=("---[ end trace ", "Call Trace:", "RIP: 0010:", "Oops: 0000 [#1]", "Oops: 0002 [#1]"),
        weight=0.5,
        source="Linux kernel sources: arch/x86/kernel/dumpstack.c",
    ),
    Sign(
        id="part-status",
        kind=ScreenKind.BOOT_MANAGER_ERROR,
        texts=("Status: 0xc000", "\\Windows\\system32\\", "\\WINDOWS\\system32\\", "\\Windows\\System32\\"),
        weight=0.5,
        source="bootmgr of Windows Vista to 11",
    ),
)
LEAST_WEIGHT = 0.8
"""A lighter sign cannot decide without another that is listed here."""

ALARMS = (
    *PARTS,
    *(
        sign
        for sign in (*WINDOWS, *NOT_STARTING, *LINUX, *FIRMWARE)
        if sign.kind.verdict is not ScreenVerdict.HEALTHY and sign.weight >= LEAST_WEIGHT
    ),
)
CALM = tuple(
    sign
    for sign in (*WINDOWS, *NOT_STARTING, *LINUX, *FIRMWARE)
    if sign.kind.verdict is ScreenVerdict.HEALTHY and sign.weight >= LEAST_WEIGHT
)
