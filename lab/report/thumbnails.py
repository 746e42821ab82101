"""Frames as small pictures inside the page: decoded, shrunk and encoded again, never copied as they are.

A frame that is missing, damaged or too large is None, not an error: a report must not fail for a picture.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image, UnidentifiedImageError

WIDEST = 800
"""Pixels. A text console of 720 x 400 stays as it is and stays readable."""
MOST_PIXELS = 40_000_000
MOST_BYTES = 90_000
QUALITIES = (72, 50, 30)


def data_uri(path: Path, inside: Path) -> str | None:
    """The picture at `path` as a WebP or PNG data URI of at most `MOST_BYTES` before encoding.

    :param inside: directory that `path` must be in after links are resolved: a recording names its frames.
    """
    try:
        if not path.resolve().is_relative_to(inside.resolve()):
            return None
        with Image.open(path) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return None
            picture = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        # Pillow raises SyntaxError for a broken PNG header, ValueError for impossible sizes
        return None
    picture.thumbnail((WIDEST, WIDEST))
    kind, data = _encode(picture)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _encode(picture: Image.Image) -> tuple[str, bytes]:
    """The smaller of a palette PNG (exact on text consoles) and WebP, worse until it fits."""
    flat = _save(picture.quantize(32), "PNG", optimize=True)
    best = min((("png", flat), ("webp", _webp(picture, QUALITIES[0]))), key=lambda one: len(one[1]))
    for quality in QUALITIES[1:]:
        if len(best[1]) <= MOST_BYTES:
            return best
        best = ("webp", _webp(picture, quality))
    while len(best[1]) > MOST_BYTES and picture.width > 64:
        picture = picture.resize((picture.width * 2 // 3, max(1, picture.height * 2 // 3)))
        best = ("webp", _webp(picture, QUALITIES[-1]))
    return best


def _webp(picture: Image.Image, quality: int) -> bytes:
    return _save(picture, "WEBP", quality=quality, method=4)


def _save(picture: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()
