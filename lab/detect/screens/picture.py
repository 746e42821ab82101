"""From bytes to pixels: decodes a picture, bounds its size, refuses what is not a picture.

Owns every way in which a file can be damaged: callers see `DamagedPicture` and nothing else. Refuses to
say what the picture shows.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "PPM", "BMP", "GIF", "WEBP", "TIFF")
MOST_PIXELS = 100_000_000
"""A larger picture is refused before it is decoded."""
LONGEST_SIDE = 4096
"""Pixels; a larger picture is reduced by a whole factor first."""
BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    LookupError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    Warning,
)
"""What Pillow's decoders raise on damaged files; they promise no narrower set."""


class DamagedPicture(ValueError):
    """The bytes cannot be decoded to a picture, or to one of bearable size."""


def decode(data: bytes | bytearray | memoryview | Image) -> Image:
    """The first frame as an RGB picture with at most `LONGEST_SIDE` pixels a side.

    Raises DamagedPicture for anything that is no complete picture in one of `FORMATS`.
    """
    from PIL import Image

    try:
        picture = data if isinstance(data, Image.Image) else Image.open(BytesIO(data), formats=FORMATS)
        _check(picture)
        if picture.format == "JPEG" and max(picture.size) > LONGEST_SIDE:
            picture.draft("RGB", (LONGEST_SIDE // 2, LONGEST_SIDE // 2))
        return _bounded(_plain(picture))
    except DamagedPicture:
        raise
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise DamagedPicture(f"picture cannot be decoded: {error}") from error


def _check(picture: Image) -> None:
    width, height = picture.size
    if width < 1 or height < 1:
        raise DamagedPicture(f"picture has no pixels: {width}x{height}")
    if width * height > MOST_PIXELS:
        raise DamagedPicture(f"picture is too large: {width}x{height} (at most {MOST_PIXELS} pixels)")


def _plain(picture: Image) -> Image:
    """RGB: palettes resolved, transparency over black, 16 bits reduced to 8."""
    from PIL import Image

    if picture.mode == "RGB":
        picture.load()
        return picture
    if picture.mode.startswith(("I", "F")):
        grey = np.nan_to_num(np.asarray(picture, dtype=np.float64), nan=0.0, posinf=65535.0, neginf=0.0)
        top = 65535.0 if grey.max(initial=0.0) > 255 else 255.0
        eight: NDArray[np.uint8] = np.clip(grey * (255.0 / top), 0, 255).astype(np.uint8)
        return Image.fromarray(eight).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        ground = Image.new("RGBA", layered.size, (0, 0, 0, 255))
        return Image.alpha_composite(ground, layered).convert("RGB")
    return picture.convert("RGB")


def _bounded(picture: Image) -> Image:
    factor = -(-max(picture.size) // LONGEST_SIDE)
    return picture if factor <= 1 else picture.reduce(factor)


def sample(picture: Image, width: int, height: int) -> NDArray[np.uint8]:
    """Every n-th pixel, so that at most `width` x `height` are left: (rows, columns, 3)."""
    from PIL import Image

    step = max(1, -(-picture.width // width), -(-picture.height // height))
    size = (max(1, picture.width // step), max(1, picture.height // step))
    return np.asarray(picture if step == 1 else picture.resize(size, Image.Resampling.NEAREST))
