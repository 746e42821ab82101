"""Stop screens in text: Windows 2000 to 7, and the hardware malfunction screen. English, as Windows has them.

The text is ours but for its first line and the labels that make the screen what it is; line lengths and
positions are those of the real one, at 640x480 with cells of 8x14 pixels, enlarged by whole factors.
"""

from __future__ import annotations

from PIL import Image

from lab.selftest.painting.canvas import WHITE, Colour, Grid, blank
from lab.selftest.painting.request import Request

NAVY: Colour = (0, 0, 130)
CELL = (8, 14)

OPENING = (
    "A problem has been detected and Windows has been shut down to prevent damage",
    "to your computer.",
)
FIRST_TIME = (
    "If this is the first time this screen is shown, start the computer",
    "again. When it comes back a second time, go on with what is said",
    "below:",
)
ADVICE = (
    "See that all new devices and programs are installed as they should",
    "be. On a new installation, ask whoever made the device or program for",
    "the updates that this version of Windows needs.",
)
FURTHER_ADVICE = (
    "Where that does not help, take out or switch off what was added last,",
    "and turn off memory options in the BIOS such as caching or shadowing.",
    "To start without the newest parts, restart, press F8 for the startup",
    "options and choose Safe Mode.",
)


def grid(request: Request, *, margin: int = 0) -> Grid:
    """Cells of 8x14 times the largest whole factor at which 80 columns and 34 rows still fit."""
    factor = max(1, min(request.width // 640, request.height // 476))
    cell = (CELL[0] * factor, CELL[1] * factor)
    return Grid.filling(request.size, cell, origin=(0, margin * factor))


def paint_xp(request: Request) -> Image.Image:
    """Windows 2000 and XP: 32-bit parameters, the module below them, then the dump."""
    lines = [*_explained(request), stop_line(request, digits=8), ""]
    if request.module:
        lines += ["", _module_line(request, digits=8), ""]
    lines += ["Beginning dump of physical memory"]
    if request.progress >= 100:
        lines += ["Physical memory dump complete.", *_contact()]
    return _text(request, lines)


def paint_vista(request: Request) -> Image.Image:
    """Windows Vista and 7: 64-bit parameters, the module, the dump's progress in per cent."""
    lines = [*_explained(request), stop_line(request, digits=16), ""]
    if request.module:
        lines += [_module_line(request, digits=16), ""]
    lines += [
        "Collecting data for crash dump ...",
        "Initializing disk for crash dump ...",
        "Beginning dump of physical memory.",
        f"Dumping physical memory to disk:  {request.progress}",
    ]
    if request.progress >= 100:
        lines += ["Physical memory dump complete.", *_contact()]
    return _text(request, lines)


def paint_hardware(request: Request) -> Image.Image:
    """What the HAL shows for a fatal machine check or NMI: no stop code at all."""
    lines = [
        "",
        "*** Hardware Malfunction",
        "",
        "Call your hardware vendor for support",
        "",
        "",
        "*** The system has halted ***",
    ]
    return _text(request, lines)


def stop_line(request: Request, *, digits: int) -> str:
    """`*** STOP: 0x0000007E (0x...,0x...,0x...,0x...)`, parameters cut to `digits` hexadecimal digits."""
    mask = (1 << 4 * digits) - 1
    parameters = ",".join(f"0x{value & mask:0{digits}X}" for value in request.parameters)
    return f"*** STOP: 0x{request.code:08X} ({parameters})"


def _explained(request: Request) -> list[str]:
    named = [] if request.name.startswith("0x") else [request.name, ""]
    blocks = (OPENING, named[:1], FIRST_TIME, ADVICE, FURTHER_ADVICE, ("Technical information:",))
    lines: list[str] = []
    for block in blocks:
        if block:
            lines += [*block, ""]
    return lines


def _module_line(request: Request, *, digits: int) -> str:
    mask = (1 << 4 * digits) - 1
    address = request.parameters[1] & mask if len(request.parameters) > 1 else 0
    start = address & ~0xFFFFF
    places = f"Address {address:0{digits}X} base at {start:0{digits}X}"
    return f"***  {request.module:>12} - {places}, DateStamp 6697c2a1"


def _contact() -> tuple[str, ...]:
    return ("Ask your system administrator or technical support group for further help.",)


def _text(request: Request, lines: list[str]) -> Image.Image:
    image, draw = blank(request.size, NAVY)
    cells = grid(request, margin=6)
    cells.write(draw, cells.folded(lines), WHITE)
    return image
