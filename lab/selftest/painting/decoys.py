"""Healthy screens that share colours and shapes with stop screens. A reader that alarms on them cries wolf.

Window contents, menus and texts are invented; positions and sizes vary with the seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from lab.errors import InputError
from lab.model.seen import ScreenKind
from lab.selftest.painting import linux
from lab.selftest.painting.canvas import BLACK, GREY, WHITE, Colour, Grid, Size, blank, paragraph
from lab.selftest.painting.fonts import font
from lab.selftest.painting.recovery import dots, panes

BLUE: Colour = (0, 120, 215)
NAVY: Colour = (0, 0, 130)
TEXT_BLUE: Colour = (0, 0, 170)
"""Colour 1 of the text mode palette, behind text installers."""

Painter = Callable[[Size, random.Random], Image.Image]


@dataclass(frozen=True, slots=True)
class Decoy:
    """One healthy screen and what it is a picture of."""

    kind: ScreenKind
    painter: Painter
    also: tuple[ScreenKind, ...] = ()
    """Other right answers."""


def decoy(name: str, size: Size = (1024, 768), seed: int = 0) -> Image.Image:
    """A healthy screen, RGB; the same arguments give the same picture.

    :param name: a key of `DECOYS`.
    :raise InputError: no such decoy.
    :raise HostError: a font is not installed.
    """
    if name not in DECOYS:
        raise InputError(f"decoy {name!r}: not known (one of {', '.join(DECOYS)})")
    return DECOYS[name].painter(size, random.Random(f"{name}/{seed}"))


# -- desktops ----------------------------------------------------------------------------------------


def _desktop(size: Size, rng: random.Random, colour: Colour, *, bar: Colour = (16, 16, 24)) -> Image.Image:
    image, draw = blank(size, colour)
    _icons(draw, size, rng)
    _taskbar(draw, size, rng, bar)
    return image


def _icons(draw: ImageDraw.ImageDraw, size: Size, rng: random.Random) -> None:
    step = max(60, size[1] // 9)
    face = font("regular", max(9, step // 8))
    names = ["Recycle Bin", "This PC", "Documents", "Browser", "Notes", "Mail", "Report.docx", "Photos"]
    rng.shuffle(names)
    for number, name in enumerate(names[: rng.randint(2, 7)]):
        x, y = step * 0.15, step * 0.2 + number * step
        colour = tuple(rng.randint(90, 250) for _ in range(3))
        half = step * 0.28
        draw.rounded_rectangle((x + half * 0.6, y, x + half * 2.6, y + half * 1.9), half * 0.2, fill=colour)
        draw.text((x, y + half * 2.05), name, font=face, fill=WHITE)


def _taskbar(draw: ImageDraw.ImageDraw, size: Size, rng: random.Random, colour: Colour) -> None:
    wide, high = size
    tall = max(24, high // 22)
    top = high - tall
    draw.rectangle((0, top, wide, high), fill=colour)
    panes(draw, (tall * 0.7, top + tall / 2), tall * 0.22, WHITE)
    for number in range(rng.randint(3, 8)):
        x = tall * (1.8 + number * 1.2)
        shade = tuple(rng.randint(80, 255) for _ in range(3))
        draw.rectangle((x, top + tall * 0.25, x + tall * 0.5, top + tall * 0.75), fill=shade)
    face = font("regular", max(8, tall // 3))
    clock = f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}"
    draw.text((wide - tall * 2, top + tall * 0.3), clock, font=face, fill=WHITE)


def _window(
    draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], title: str, inside: Colour, bar: Colour
) -> tuple[float, float]:
    """A window; returns where its content begins."""
    left, top, right, bottom = box
    tall = max(18, (bottom - top) * 0.07)
    draw.rectangle(box, fill=inside, outline=(90, 90, 90))
    draw.rectangle((left, top, right, top + tall), fill=bar)
    ink = BLACK if sum(bar) > 380 else WHITE
    draw.text((left + 8, top + tall * 0.2), title, font=font("regular", max(9, round(tall * 0.5))), fill=ink)
    draw.text(
        (right - tall, top + tall * 0.12), "x", font=font("regular", max(9, round(tall * 0.6))), fill=ink
    )
    return left + 10, top + tall + 8


def blue_desktop(size: Size, rng: random.Random) -> Image.Image:
    return _desktop(size, rng, rng.choice((BLUE, (0, 78, 152), (58, 110, 165), (31, 101, 178))))


def green_desktop(size: Size, rng: random.Random) -> Image.Image:
    return _desktop(size, rng, rng.choice(((16, 124, 16), (0, 128, 128), (40, 110, 60))))


def dark_desktop(size: Size, rng: random.Random) -> Image.Image:
    return _desktop(size, rng, (rng.randint(0, 12),) * 3, bar=(32, 32, 32))


def photo_desktop(size: Size, rng: random.Random) -> Image.Image:
    """A wallpaper with clouds of colour, as a photograph has them."""
    grain = np.random.default_rng(rng.getrandbits(32))
    base = np.array([rng.randint(20, 120), rng.randint(60, 160), rng.randint(120, 230)], dtype=float)
    light = grain.normal(0, 28, (6, 10, 1)) + np.linspace(60, -40, 6).reshape(6, 1, 1)
    coarse = grain.normal(0, 9, (6, 10, 3)) + light + base
    small = Image.fromarray(np.clip(coarse, 0, 255).astype(np.uint8))
    image = small.resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(2))
    draw = ImageDraw.Draw(image)
    _icons(draw, size, rng)
    _taskbar(draw, size, rng, (16, 16, 24))
    return image


def blue_dialog(size: Size, rng: random.Random) -> Image.Image:
    """An error dialog of a program on a blue desktop: the system itself is well."""
    image = blue_desktop(size, rng)
    draw = ImageDraw.Draw(image)
    wide, high = size
    x, y = wide * rng.uniform(0.2, 0.35), high * rng.uniform(0.25, 0.4)
    right = x + max(300, 0.4 * wide)
    at = _window(draw, (x, y, right, y + 0.28 * high), "Ledger", (240, 240, 240), WHITE)
    face = font("regular", max(10, round(0.018 * high)))
    text = "Ledger has stopped working. A problem caused the program to stop. Error code: 0x80070490"
    paragraph(draw, at, text, face, BLACK, width=right - x - 24)
    draw.rectangle((right - 90, y + 0.23 * high, right - 14, y + 0.265 * high), fill=(225, 225, 225))
    draw.text((right - 70, y + 0.234 * high), "Close", font=face, fill=BLACK)
    return image


def browser_about_stops(size: Size, rng: random.Random) -> Image.Image:
    """A page about stop codes in a browser, a small picture of such a screen included."""
    image = blue_desktop(size, rng)
    draw = ImageDraw.Draw(image)
    wide, high = size
    box = (wide * 0.08, high * 0.05, wide * 0.95, high * 0.88)
    x, y = _window(draw, box, "How to fix DRIVER_POWER_STATE_FAILURE", WHITE, (222, 225, 230))
    title, face = font("semibold", max(14, round(0.03 * high))), font("regular", max(10, round(0.018 * high)))
    y = paragraph(draw, (x, y), "Blue screen: stop code 0x0000009F explained", title, BLACK, width=wide * 0.8)
    text = (
        "Your PC ran into a problem and needs to restart: this is what users see when a driver keeps a power "
        "request for too long. Update the driver, then read the dump with a debugger."
    )
    y = paragraph(draw, (x, y + 8), text, face, (50, 50, 50), width=wide * 0.8)
    draw.rectangle((x, y + 10, x + wide * 0.22, y + 10 + high * 0.2), fill=BLUE)
    draw.text((x + wide * 0.02, y + 14), ":(", font=font("light", round(high * 0.06)), fill=WHITE)
    return image


# -- text --------------------------------------------------------------------------------------------


def blue_terminal(size: Size, rng: random.Random) -> Image.Image:
    """A shell with white text on navy, full of it."""
    image, draw = blank(size, rng.choice((NAVY, (1, 36, 86))))
    cells = Grid.filling(size, (8, 16))
    lines = [
        "Windows PowerShell",
        "",
        "PS C:\\Users\\Administrator> Get-ChildItem C:\\Windows\\System32\\drivers",
    ]
    for _ in range(cells.rows - 5):
        stem = "".join(rng.choice("abcdefghiklmnoprstuvw") for _ in range(rng.randint(4, 9)))
        day, month = rng.randint(1, 28), rng.randint(1, 12)
        size_text = f"{rng.randint(9000, 900000):>10}"
        lines.append(
            f"-a----  {day:2}/{month:02}/2023  {month:2}:{rng.randint(0, 59):02} AM {size_text} {stem}.sys"
        )
    lines.append("PS C:\\Users\\Administrator> _")
    cells.write(draw, cells.folded(lines)[: cells.rows], (238, 237, 240), crisp=False)
    return image


def text_installer(size: Size, rng: random.Random) -> Image.Image:
    """A text installer: grey box with a shadow on blue, a question and two buttons."""
    image, draw = blank(size, TEXT_BLUE)
    cells = Grid.filling(size, (8 * max(1, size[1] // 900), 16 * max(1, size[1] // 900)))
    wide = min(64, cells.columns - 6)
    left, top = (cells.columns - wide) // 2, max(2, cells.rows // 4)
    rows = 11
    cells.write(draw, [" " * wide] * rows, BLACK, row=top + 1, column=left + 2, behind=BLACK)
    cells.write(draw, [" " * wide] * rows, BLACK, row=top, column=left, behind=GREY)
    percent = rng.randint(3, 96)
    title = rng.choice(
        ("[!] Partition disks", "Installing the base system", "[!!] Select and install software")
    )
    cells.write(
        draw, [f" {title} "], (170, 0, 0), row=top, column=left + (wide - len(title)) // 2, behind=GREY
    )
    cells.write(
        draw, ["Please wait; files are being copied to the disk."], BLACK, row=top + 3, column=left + 3
    )
    cells.write(draw, [" " * (wide - 6)], BLACK, row=top + 5, column=left + 3, behind=(85, 85, 255))
    cells.write(
        draw, [" " * ((wide - 6) * percent // 100)], BLACK, row=top + 5, column=left + 3, behind=(170, 0, 0)
    )
    cells.write(draw, [f"{percent}%"], BLACK, row=top + 6, column=left + wide // 2)
    cells.write(
        draw,
        [
            "<Go Back>",
        ],
        BLACK,
        row=top + 9,
        column=left + 5,
    )
    keys = "<Tab> moves; <Space> selects; <Enter> activates buttons"
    cells.write(draw, [keys[: cells.columns]], WHITE, row=cells.rows - 1)
    return image


def firmware_setup(size: Size, rng: random.Random) -> Image.Image:
    """A memory test on blue: text, bars and numbers, nothing wrong."""
    image, draw = blank(size, TEXT_BLUE)
    cells = Grid.filling(size, (8, 16))
    cells.write(draw, ["      Memtest86+ v6.10      "], WHITE, behind=(0, 170, 0))
    percent = rng.randint(1, 99)
    lines = [
        "CLK/Temp:  2600MHz        | Pass " + f"{percent:2}% " + "#" * (percent // 4),
        "L1 Cache:   32KB 58.1 GB/s| Test 61% " + "#" * 15,
        "L2 Cache: 4096KB 21.7 GB/s| Test #5  [Moving inversions, 8 bit pattern]",
        "Memory  :  479MB  6.4 GB/s| Testing: 4MB - 479MB [475MB of 479MB]",
        "-" * 70,
        "CPU: 1 Core   (Par)       | Time:  0:02:41  Status: Running",
        "Using: PAE                | Pass:  0        Errors: 0",
    ]
    cells.write(draw, lines, GREY, row=1)
    cells.write(
        draw, ["<ESC> exit  <F1> configuration  <Space> scroll lock"], BLACK, row=cells.rows - 1, behind=GREY
    )
    return image


def boot_log(size: Size, rng: random.Random) -> Image.Image:
    """A console full of a healthy kernel's log, its ordinary complaints included."""
    image, draw = blank(size, BLACK)
    cells = Grid.filling(size, (8, 16))
    lines = linux.boot_lines(cells.rows - 3)
    odd = [
        "[    1.204410] ACPI BIOS Warning (bug): Optional FADT field has valid length but zero address",
        "[    2.001733] platform regulatory.0: firmware: failed to load regulatory.db (-2)",
        "[    2.310002] ramoops: using module parameters; no oops was stored",
        "[    2.440120] sd 0:0:0:0: [sda] Attached SCSI disk",
    ]
    for line in odd:
        lines.insert(rng.randrange(len(lines) + 1), line)
    lines = [*lines[-(cells.rows - 3) :], "", "debian login: _"]
    cells.write(draw, [line[: cells.columns] for line in lines], GREY)
    return image


def grub_menu(size: Size, rng: random.Random) -> Image.Image:
    """GRUB's menu, counting down."""
    image, draw = blank(size, BLACK)
    cells = Grid.filling(size, (8, 16))
    cells.write(draw, ["GNU GRUB  version 2.06-13+deb12u1".center(cells.columns)], GREY, row=1)
    edge = "+" + "-" * (cells.columns - 6) + "+"
    cells.write(draw, [edge], GREY, row=3, column=2)
    names = ["Debian GNU/Linux", "Advanced options for Debian GNU/Linux", "UEFI Firmware Settings"]
    for number, name in enumerate(names):
        text = ("*" if number == 0 else " ") + name.ljust(cells.columns - 8)
        ink, behind = (BLACK, GREY) if number == 0 else (GREY, BLACK)
        cells.write(draw, [text], ink, row=4 + number, column=4, behind=behind)
    cells.write(draw, [edge], GREY, row=14, column=2)
    cells.write(
        draw,
        [
            "Use the up and down keys to select which entry is highlighted.",
            "Press enter to boot the selected OS, `e' to edit the commands, `c' for a command line.",
            f"The highlighted entry will be executed automatically in {rng.randint(1, 5)}s.",
        ],
        GREY,
        row=16,
        column=4,
    )
    return image


# -- graphical ---------------------------------------------------------------------------------------


def graphical_installer(size: Size, rng: random.Random) -> Image.Image:
    """A setup window on a blue-violet ground."""
    image, draw = blank(size, rng.choice(((73, 34, 123), BLUE, (0, 90, 158))))
    wide, high = size
    box = (wide * 0.22, high * 0.2, wide * 0.78, high * 0.78)
    x, y = _window(draw, box, "Setup", WHITE, (240, 240, 240))
    face = font("regular", max(10, round(0.022 * high)))
    y = paragraph(
        draw, (x, y), "Installing the operating system", face, (0, 60, 140), width=wide * 0.5, pitch=2
    )
    for step in (
        "Copying files",
        f"Getting files ready ({rng.randint(1, 99)}%)",
        "Installing features",
        "Finishing up",
    ):
        y = paragraph(draw, (x + 14, y), step, face, (60, 60, 60), width=wide * 0.5)
    return image


def first_start(size: Size, rng: random.Random) -> Image.Image:
    """The questions of a first start: large light sentences on blue, as a stop screen has them."""
    image, draw = blank(size, rng.choice((BLUE, (0, 70, 130), (16, 60, 120))))
    wide, high = size
    face = font("light", max(16, round(0.045 * high)))
    small = font("regular", max(11, round(0.02 * high)))
    text = rng.choice(
        ("Let's start with region. Is this right?", "Hi there! We're getting things ready for you.")
    )
    y = paragraph(draw, (0.14 * wide, 0.18 * high), text, face, WHITE, width=0.7 * wide)
    for name in ("United Kingdom", "United States", "Uruguay", "Uzbekistan"):
        draw.rectangle((0.14 * wide, y + 6, 0.6 * wide, y + 0.05 * high), outline=WHITE)
        draw.text((0.15 * wide, y + 10), name, font=small, fill=WHITE)
        y += 0.06 * high
    draw.rectangle((0.78 * wide, 0.85 * high, 0.92 * wide, 0.9 * high), fill=WHITE)
    draw.text((0.83 * wide, 0.86 * high), "Yes", font=small, fill=BLUE)
    return image


def login(size: Size, rng: random.Random) -> Image.Image:
    """A sign-in screen: a round picture, a name, a password field."""
    image, draw = blank(size, rng.choice(((0, 99, 177), (10, 60, 110), (45, 45, 48))))
    wide, high = size
    radius = 0.1 * high
    cx, cy = wide / 2, 0.36 * high
    draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=(200, 210, 220))
    draw.ellipse((cx - radius / 3, cy - radius / 1.6, cx + radius / 3, cy), fill=(120, 130, 140))
    draw.chord((cx - radius * 0.6, cy, cx + radius * 0.6, cy + radius * 1.4), 180, 360, fill=(120, 130, 140))
    face = font("light", max(16, round(0.045 * high)))
    paragraph(draw, (0, 0.5 * high), "Administrator", face, WHITE, width=wide, centred=True)
    draw.rectangle((0.38 * wide, 0.6 * high, 0.62 * wide, 0.645 * high), fill=WHITE)
    small = font("regular", max(9, round(0.018 * high)))
    draw.text((0.385 * wide, 0.607 * high), "Password", font=small, fill=(120, 120, 120))
    return image


def lock_screen(size: Size, rng: random.Random) -> Image.Image:
    """The hour, large and light, on one colour."""
    image, draw = blank(size, rng.choice((BLUE, (0, 64, 120), (16, 124, 16), BLACK)))
    wide, high = size
    clock = f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}"
    draw.text((0.05 * wide, 0.66 * high), clock, font=font("light", round(0.13 * high)), fill=WHITE)
    face = font("light", max(12, round(0.05 * high)))
    draw.text((0.05 * wide, 0.84 * high), "Tuesday, November 14", font=face, fill=WHITE)
    return image


def splash(size: Size, rng: random.Random) -> Image.Image:
    """Boot splash: a logo and running dots on black."""
    image, draw = blank(size, BLACK)
    wide, high = size
    panes(draw, (wide / 2, 0.4 * high), 0.09 * high, BLUE)
    dots(draw, (wide / 2, 0.75 * high), 0.025 * high, WHITE)
    del rng
    return image


def just_blue(size: Size, rng: random.Random) -> Image.Image:
    """One colour of a stop screen and nothing on it: a desktop before its icons come."""
    return Image.new("RGB", size, rng.choice((BLUE, NAVY, (16, 124, 16), (58, 110, 165))))


def empty(size: Size, rng: random.Random) -> Image.Image:
    """Black."""
    del rng
    return Image.new("RGB", size, BLACK)


def update(size: Size, rng: random.Random) -> Image.Image:
    """An update at work: two centred sentences on blue or black."""
    from lab.selftest.painting.recovery import paint_update
    from lab.selftest.painting.request import PARAMETERS, Request

    request = Request(
        size=size, language="en", code=0, name="", module="", progress=rng.randint(0, 100), qr=False,
        parameters=PARAMETERS,
    )  # fmt: skip
    return paint_update(request, rng.choice((BLUE, BLACK, (0, 99, 177))))


DECOYS = {
    "blue-desktop": Decoy(ScreenKind.DESKTOP, blue_desktop),
    "green-desktop": Decoy(ScreenKind.DESKTOP, green_desktop),
    "dark-desktop": Decoy(ScreenKind.DESKTOP, dark_desktop),
    "photo-desktop": Decoy(ScreenKind.DESKTOP, photo_desktop),
    "blue-dialog": Decoy(ScreenKind.DESKTOP, blue_dialog),
    "browser-about-stops": Decoy(ScreenKind.DESKTOP, browser_about_stops),
    "blue-terminal": Decoy(ScreenKind.TEXT, blue_terminal, (ScreenKind.DESKTOP, ScreenKind.OTHER)),
    "text-installer": Decoy(ScreenKind.INSTALLER, text_installer),
    "memory-test": Decoy(ScreenKind.TEXT, firmware_setup, (ScreenKind.OTHER, ScreenKind.INSTALLER)),
    "boot-log": Decoy(ScreenKind.TEXT, boot_log, (ScreenKind.LOGIN,)),
    "grub-menu": Decoy(ScreenKind.BOOT_MENU, grub_menu),
    "graphical-installer": Decoy(ScreenKind.INSTALLER, graphical_installer),
    "first-start": Decoy(ScreenKind.INSTALLER, first_start, (ScreenKind.OTHER,)),
    "login": Decoy(ScreenKind.LOGIN, login, (ScreenKind.OTHER, ScreenKind.DESKTOP)),
    "lock-screen": Decoy(ScreenKind.LOGIN, lock_screen, (ScreenKind.OTHER, ScreenKind.DESKTOP)),
    "splash": Decoy(ScreenKind.SPLASH, splash),
    "just-one-colour": Decoy(ScreenKind.BLANK, just_blue, (ScreenKind.OTHER, ScreenKind.DESKTOP)),
    "blank": Decoy(ScreenKind.BLANK, empty),
    "update": Decoy(ScreenKind.UPDATE, update),
}
