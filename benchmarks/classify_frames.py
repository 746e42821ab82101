"""Milliseconds that a frame costs, by what it shows and its size, beside decoding the same frame's PNG.

    .venv/bin/python benchmarks/classify_frames.py [--repeat N]

Frames are painted here. `classify` is of a decoded frame, `decode` of its PNG, both processor time and
median of N. Wanted: under 15 ms for a healthy frame of a usual size. Suspicious frames are read, which
costs what text recognition costs; they have no wanted figure.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageDraw

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


def cost(work: Callable[[], object], repeat: int) -> float:
    """Median milliseconds of processor time."""
    work()
    spent = []
    for _ in range(repeat):
        begun = time.process_time()
        work()
        spent.append((time.process_time() - begun) * 1000)
    return statistics.median(spent)


def row(name: str, picture: Image.Image, repeat: int) -> float:
    """Print one line of the table; the milliseconds of `classify`."""
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    data = buffer.getvalue()
    decoding, classifying = cost(lambda: decode(data).load(), repeat), cost(lambda: classify(picture), repeat)
    kind = classify(picture).kind
    size = f"{picture.width}x{picture.height}"
    share = f"{classifying / decoding:.1f}x decoding" if decoding else ""
    print(
        f"{name:22} {size:>9}  {kind:20} classify {classifying:7.1f} ms  decode {decoding:6.1f} ms  {share}"
    )
    return classifying


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    for size in SIZES:
        healthy = [row(name, decoy(name, size=size), repeat) for name in HEALTHY]
        healthy.append(row("console", console(size), repeat))
        print(f"  healthy at {size[0]}x{size[1]}: worst {max(healthy):.1f} ms, wanted {WANTED_MS:.0f} ms\n")
    for size in ((640, 480), (1024, 768), (1920, 1080)):
        for name in LOOK_ALIKE:
            row(name, decoy(name, size=size), repeat)
        for name in TROUBLE:
            row(name, paint(name, size=size), repeat)
        print()


if __name__ == "__main__":
    main()
