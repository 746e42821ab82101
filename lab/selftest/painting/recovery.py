"""Screens on which Windows or the firmware asks for help, and the update screen. None is a crash.

The boot manager's text is ours at the real one's line lengths, but for its title, labels and status words.
"""

from __future__ import annotations

from PIL import Image, ImageDraw

from lab.selftest.painting.canvas import BLACK, GREY, WHITE, Colour, Grid, blank, paragraph
from lab.selftest.painting.fonts import font
from lab.selftest.painting.modern import face_for
from lab.selftest.painting.request import Request

RECOVERY_BLUE: Colour = (31, 101, 178)
CHOICE_BLUE: Colour = (0, 120, 215)


def dots(draw: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float, colour: Colour) -> None:
    """Five of the dots that run round while Windows works, caught at one moment."""
    import math

    for number in range(5):
        angle = math.radians(-90 + number * 33)
        x = centre[0] + radius * math.cos(angle)
        y = centre[1] + radius * math.sin(angle)
        size = max(1.0, radius * 0.13)
        draw.ellipse((x - size, y - size, x + size, y + size), fill=colour)


def paint_winre_error(request: Request) -> Image.Image:
    """`Recovery`: the boot manager found a file missing; an error code and the keys to go on."""
    image, draw = blank(request.size, RECOVERY_BLUE)
    words, high = request.words, request.height
    left, width = 0.17 * request.width, 0.66 * request.width
    title, medium = face_for(request, "light", 0.075 * high), face_for(request, "regular", 0.032 * high)
    small = face_for(request, "regular", max(11, 0.0225 * high))
    y = paragraph(draw, (left, 0.06 * high), words.recovery, title, WHITE, width=width)
    y = paragraph(draw, (left, y + 0.02 * high), words.needs_repair, medium, WHITE, width=width)
    y = paragraph(draw, (left, y + 0.03 * high), words.repair_advice, small, WHITE, width=width)
    file = "File: \\Windows\\system32\\" + (request.module or "winload.exe")
    y = paragraph(draw, (left, y + 0.02 * high), file, small, WHITE, width=width)
    status = words.error_code.format(code=f"0x{request.code:08x}")
    paragraph(draw, (left, y), status, small, WHITE, width=width)
    keys = f"Enter  {words.restart_button}\nF8  {words.advanced_button}\nEsc  UEFI"
    paragraph(draw, (left, 0.8 * high), keys, small, WHITE, width=width, pitch=1.8)
    return image


def paint_automatic_repair(request: Request) -> Image.Image:
    """Black, a logo of four panes, `Preparing Automatic Repair` and running dots."""
    return _working(request, request.words.repairing)


def paint_diagnosing(request: Request) -> Image.Image:
    """The next one of the same loop: `Diagnosing your PC`."""
    return _working(request, request.words.diagnosing)


def _working(request: Request, text: str) -> Image.Image:
    image, draw = blank(request.size, BLACK)
    wide, high = request.size
    panes(draw, (wide / 2, 0.36 * high), 0.085 * high, (0, 120, 215))
    dots(draw, (wide / 2, 0.7 * high), 0.028 * high, WHITE)
    face = face_for(request, "regular", max(12, 0.027 * high))
    paragraph(draw, (0, 0.79 * high), text, face, WHITE, width=wide, centred=True)
    return image


def panes(draw: ImageDraw.ImageDraw, centre: tuple[float, float], half: float, colour: Colour) -> None:
    """Four squares in a square: a window."""
    gap = half * 0.06
    for left in (-1, 1):
        for top in (-1, 1):
            xs = sorted((centre[0] + left * gap, centre[0] + left * half))
            ys = sorted((centre[1] + top * gap, centre[1] + top * half))
            draw.rectangle((xs[0], ys[0], xs[1], ys[1]), fill=colour)


def paint_repair_failed(request: Request) -> Image.Image:
    """`Automatic Repair` gave up: a blue page with two buttons."""
    image, draw = blank(request.size, CHOICE_BLUE)
    words, high = request.words, request.height
    left, width = 0.16 * request.width, 0.7 * request.width
    title, small = (
        face_for(request, "light", 0.07 * high),
        face_for(request, "regular", max(11, 0.024 * high)),
    )
    y = paragraph(draw, (left, 0.1 * high), words.repair_failed, title, WHITE, width=width)
    paragraph(draw, (left, y + 0.03 * high), words.repair_advice, small, WHITE, width=width)
    x = left
    for label in (words.restart_button, words.advanced_button):
        wide = small.getlength(label) + 0.05 * high
        draw.rectangle((x, 0.84 * high, x + wide, 0.9 * high), outline=WHITE, width=max(1, round(high / 400)))
        draw.text((x + 0.025 * high, 0.855 * high), label, font=small, fill=WHITE)
        x += wide + 0.02 * high
    return image


def paint_bitlocker(request: Request) -> Image.Image:
    """BitLocker asks for its recovery key: a blue page, an empty field, the identity of the key."""
    image, draw = blank(request.size, RECOVERY_BLUE)
    high = request.height
    left, width = 0.13 * request.width, 0.72 * request.width
    title, small = (
        font("light", round(0.06 * high)),
        font("regular", round(max(11, 0.023 * high))),
    )
    y = paragraph(draw, (left, 0.1 * high), "BitLocker recovery", title, WHITE, width=width)
    text = "Enter the recovery key for this drive"
    y = paragraph(draw, (left, y + 0.02 * high), text, small, WHITE, width=width)
    draw.rectangle((left, y + 0.03 * high, left + width, y + 0.09 * high), fill=(255, 255, 255))
    y += 0.12 * high
    advice = "Use the number keys or function keys F1-F10 (F10 is 0)."
    identity = "Recovery key ID: 5F1C07A2-9B3E-4D11-8C55-0A6E2B7D9F34"
    paragraph(draw, (left, y), f"{advice}\n{identity}", small, WHITE, width=width)
    paragraph(
        draw,
        (left, 0.86 * high),
        "Press Enter to continue\nPress Esc for more recovery options",
        small,
        WHITE,
        width=width,
    )
    return image


BOOT_STATUS = {
    0xC0000001: "A required device cannot be reached.",
    0xC000000E: "A required device cannot be reached.",
    0xC000000F: "A required file is missing or has errors.",
    0xC0000017: "There is not enough memory to make a RAM disk.",
    0xC0000098: "The boot configuration has no entry for an operating system.",
    0xC0000102: "A needed system driver is missing or has errors.",
    0xC0000225: "A needed system driver is missing or has errors.",
    0xC0000428: "The digital signature of this file could not be verified.",
}
"""NTSTATUS values that the boot manager reports, in our own words."""


def paint_boot_manager_error(request: Request) -> Image.Image:
    """`Windows Boot Manager`, a file, a status and the keys; text mode, always English before WinRE."""
    image, draw = blank(request.size, BLACK)
    factor = max(1, min(request.width // 640, request.height // 476))
    cells = Grid.filling(request.size, (8 * factor, 16 * factor), origin=(0, 8 * factor))
    columns, rows = cells.columns, cells.rows
    bar = "Windows Boot Manager".center(columns - 4)
    cells.write(draw, [bar], BLACK, row=0, column=2, behind=GREY)
    cells.write(draw, [
        "Windows failed to start. A change of hardware or software may be the",
        "cause. To mend it:",
        "",
        "  1. Insert the installation disc and start the computer again.",
        "  2. Choose a language, and then \"Next.\"",
        "  3. Choose \"Repair your computer.\"",
        "",
        "Without that disc, ask the administrator or the computer's maker.",
    ], GREY, row=2, column=2)  # fmt: skip
    info = BOOT_STATUS.get(request.code, "An unexpected error has occurred.")
    file = "\\Windows\\system32\\" + (request.module or "winload.exe")
    for row, (label, value) in enumerate(
        (("File", file), ("Status", f"0x{request.code:08x}"), ("Info", info))
    ):
        cells.write(draw, [f"{label:>10}: "], GREY, row=12 + 2 * row, column=1)
        cells.write(draw, [value], WHITE, row=12 + 2 * row, column=13)
    keys = " ENTER=Continue" + "ESC=Exit ".rjust(columns - 19)
    cells.write(draw, [keys], BLACK, row=rows - 1, column=2, behind=GREY)
    return image


def paint_boot_manager_missing(request: Request) -> Image.Image:
    """What the boot sector says when there is no boot manager."""
    return _console(request, ["BOOTMGR is missing", "Press Ctrl+Alt+Del to restart"])


def paint_no_boot_device(request: Request) -> Image.Image:
    """SeaBIOS with nothing to boot from, as QEMU shows it."""
    return _console(
        request,
        [
            "SeaBIOS (version 1.16.2-debian-1.16.2-1)",
            "",
            "Booting from Hard Disk...",
            "Boot failed: could not read the boot disk",
            "",
            "Booting from DVD/CD...",
            "Boot failed: Could not read from CDROM (code 0003)",
            "No bootable device.",
        ],
    )


def _console(request: Request, lines: list[str]) -> Image.Image:
    image, draw = blank(request.size, BLACK)
    factor = max(1, min(request.width // 640, request.height // 400))
    cells = Grid.filling(request.size, (8 * factor, 16 * factor))
    cells.write(draw, cells.folded(lines), GREY)
    return image


def paint_update(request: Request, background: Colour = (0, 120, 215)) -> Image.Image:
    """`Working on updates`: running dots and two centred sentences. A machine that is well."""
    image, draw = blank(request.size, background)
    wide, high = request.size
    face = face_for(request, "regular", max(13, 0.036 * high))
    dots(draw, (wide / 2, 0.4 * high), 0.03 * high, WHITE)
    text = request.words.updating.format(percent=request.progress) + "\n" + request.words.keep_on
    paragraph(draw, (0.05 * wide, 0.48 * high), text, face, WHITE, width=0.9 * wide, centred=True)
    return image
