"""Milliseconds that a frame costs, by what it shows and its size, beside decoding the same frame's PNG.

Frames are painted here. Both sides are processor time. Wanted: under 15 ms for a healthy frame. Suspicious
frames are read, which costs what text recognition costs; they have no wanted figure.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

from PIL import Image, ImageDraw

from benchmarks.core.figures import Figure, Wanted, interleaved, ratio
from benchmarks.core.settings import Settings
from lab.detect.screens import classify
from lab.detect.screens.picture import decode
from lab.selftest.painting import decoy, paint

SIZES = ((640, 480), (1024, 768), (1280, 800), (1920, 1080), (3840, 2160))
HEALTHY = ("photo-desktop", "graphical-installer", "browser-about-stops", "login", "splash", "blank")
LOOK_ALIKE = ("blue-desktop", "blue-dialog", "lock-screen", "first-start", "update", "blue-terminal")
TROUBLE = ("10-qr", "11-24h2", "xp", "linux-panic", "linux-panic-qr", "winre-error", "no-boot-device")
WANTED_MS = 15.0
CONSOLE_LINES = 24


def console(size: tuple[int, int]) -> Image.Image:
    """A healthy console as a VGA text mode shows it: a bitmap font, here the one built into Pillow."""
    from PIL import ImageFont

    font = ImageFont.load_default_imagefont()
    picture = Image.new("RGB", size)
    draw = ImageDraw.Draw(picture)
    draw.fontmode = "1"
    for row in range(min(CONSOLE_LINES, size[1] // 16)):
        device = f"[8086:{row * 991:04x}] type 00 class 0x0{row % 7}0000"
        line = f"[{row * 0.137:12.6f}] pci 0000:00:{row:02x}.0: {device}"
        for column, letter in enumerate(line[: size[0] // 8]):
            draw.text((column * 8 + 1, row * 16 + 2), letter, font=font, fill=(170, 170, 170))
    return picture


def run(settings: Settings) -> Iterator[Figure]:
    times = settings.times(5)
    for size in SIZES[:1] if settings.quick else SIZES:
        for name in HEALTHY:
            yield _figure(name, decoy(name, size=size), times, healthy=True)
        yield _figure("console", console(size), times, healthy=True)
    for size in SIZES[:1] if settings.quick else ((640, 480), (1024, 768), (1920, 1080)):
        for name in LOOK_ALIKE[:1] if settings.quick else LOOK_ALIKE:
            yield _figure(name, decoy(name, size=size), times)
        for name in TROUBLE[:1] if settings.quick else TROUBLE:
            yield _figure(name, paint(name, size=size), times)


def _figure(name: str, picture: Image.Image, times: int, *, healthy: bool = False) -> Figure:
    """Milliseconds of `classify` on a decoded frame, and how many times decoding its PNG that is."""
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    data = buffer.getvalue()
    kind = classify(picture).kind

    def classifying() -> float:
        begun = time.process_time()
        classify(picture)
        return (time.process_time() - begun) * 1000

    def decoding() -> float:
        begun = time.process_time()
        decode(data).load()
        return (time.process_time() - begun) * 1000

    taken = interleaved({"classify": classifying, "decode": decoding}, times)
    decoded = Figure(name="decode", unit="ms", samples=taken["decode"])
    figure = Figure(
        name=f"classify {name}",
        subject=f"{picture.width}x{picture.height}",
        unit="ms",
        samples=taken["classify"],
        wanted=Wanted(limit=WANTED_MS, at_least=False) if healthy else None,
        note=kind,
    )
    return replace(figure, ratio=ratio("this / decoding", figure.samples, decoded.samples))
