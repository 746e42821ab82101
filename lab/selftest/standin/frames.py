"""Frames as the stand-in's program takes them, each with the words `stand-in` in its corner."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image, ImageDraw

from lab.selftest import painting
from lab.selftest.painting.canvas import Size
from lab.selftest.painting.fonts import font
from lab.selftest.standin.steps import Show

LABEL = "STAND-IN"
LARGEST = 16 << 20
"""Bytes of memory that the lab's VGA has (QEMU's default), 4 per pixel."""


def paint(show: Show, size: Size, *, code: int, module: str, parameters: tuple[int, ...]) -> Image.Image:
    """The frame for one step, labelled. What `lab.machine` sees on the guest's screen is exactly this."""
    if show.decoy:
        image = painting.decoy(show.layout, size)
    else:
        image = painting.paint(
            show.layout, size=size, code=code, module=module, progress=show.progress, parameters=parameters
        )
    return labelled(image)


def labelled(image: Image.Image) -> Image.Image:
    """Small grey words at the bottom right, so that no screenshot can be mistaken for a real one."""
    marked = image.copy()
    face = font("regular", 10)
    width = round(face.getlength(LABEL))
    corner = (image.width - width - 6, image.height - 15)
    ground = image.getpixel((image.width - 1, image.height - 1))
    bright = sum(ground) > 380 if isinstance(ground, tuple) else False
    ImageDraw.Draw(marked).text(corner, LABEL, font=face, fill=(70, 70, 70) if bright else (150, 150, 150))
    return marked


def encoded(image: Image.Image) -> bytes:
    """Width, height, then runs of equal pixels: (count, 0x00RRGGBB), 32-bit little endian each."""
    rgb = np.asarray(image.convert("RGB"), dtype=np.uint32).reshape(-1, 3)
    pixels = rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2]
    starts = np.concatenate(([0], np.flatnonzero(np.diff(pixels)) + 1))
    counts = np.diff(np.concatenate((starts, [len(pixels)])))
    runs = np.column_stack((counts, pixels[starts])).astype("<u4")
    return struct.pack("<II", *image.size) + runs.tobytes()


def decoded(data: bytes) -> Image.Image:
    """The picture in an encoded frame."""
    wide, high = struct.unpack_from("<II", data)
    runs = np.frombuffer(data, "<u4", offset=8).reshape(-1, 2)
    pixels = np.repeat(runs[:, 1], runs[:, 0])
    rgb = np.stack((pixels >> 16 & 255, pixels >> 8 & 255, pixels & 255), axis=-1).astype(np.uint8)
    return Image.fromarray(rgb.reshape(high, wide, 3))
