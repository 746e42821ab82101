"""What happens to a picture between a guest's screen and whoever looks at it. Invents nothing in it."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from lab.selftest.painting.canvas import Size
from lab.selftest.painting.fonts import font

BAR, BORDER = 30, 4
"""Height of a viewer's title bar and width of its frame, in pixels."""


def degrade(
    image: Image.Image,
    *,
    scale: float = 1,
    jpeg: int | None = None,
    letterbox: Size | None = None,
    noise: float = 0,
    crop: tuple[float, float, float, float] | float | None = None,
    window: str | None = None,
    seed: int = 0,
) -> Image.Image:
    """A capture of `image`: cropped, put in a window, letterboxed, scaled, noisy, compressed, in this order.

    :param scale: of both sides; the result has `round(side * scale)` pixels.
    :param jpeg: quality 1 to 95 of a compression that is undone again.
    :param letterbox: size of the black field that the picture is fitted into.
    :param noise: standard deviation per channel, in steps of 0 to 255.
    :param crop: share that is cut off at left, top, right and bottom, or one share for all four.
    :param window: title of the window drawn around it, or None.
    :param seed: same seed, same noise.
    """
    changed = image.convert("RGB")
    if crop is not None:
        changed = _cropped(changed, crop)
    if window is not None:
        changed = _in_window(changed, window)
    if letterbox is not None:
        changed = _letterboxed(changed, letterbox)
    if scale != 1:
        size = (max(1, round(changed.width * scale)), max(1, round(changed.height * scale)))
        changed = changed.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC)
    if noise:
        grain = np.random.default_rng(seed).normal(0, noise, (changed.height, changed.width, 3))
        grainy = np.clip(np.asarray(changed, dtype=np.float32) + grain, 0, 255)
        changed = Image.fromarray(grainy.astype(np.uint8), "RGB")
    if jpeg is not None:
        packed = io.BytesIO()
        changed.save(packed, "JPEG", quality=jpeg)
        changed = Image.open(io.BytesIO(packed.getvalue())).convert("RGB")
    return changed


def _cropped(image: Image.Image, crop: tuple[float, float, float, float] | float) -> Image.Image:
    left, top, right, bottom = (crop,) * 4 if isinstance(crop, float | int) else crop
    wide, high = image.size
    box = (round(wide * left), round(high * top), round(wide * (1 - right)), round(high * (1 - bottom)))
    return image.crop(box)


def _in_window(image: Image.Image, title: str) -> Image.Image:
    """A viewer's window on a bit of desktop: light title bar, three buttons, thin frame."""
    wide, high = image.size
    framed = Image.new("RGB", (wide + 2 * BORDER, high + BAR + BORDER), (214, 219, 233))
    draw = ImageDraw.Draw(framed)
    draw.text((BORDER + 8, 7), title, font=font("regular", 13), fill=(30, 30, 30))
    for number, colour in enumerate(((232, 17, 35), (110, 110, 110), (110, 110, 110))):
        right = framed.width - BORDER - 14 - number * 40
        draw.rectangle((right - 10, 10, right, 20), outline=colour, width=2)
    framed.paste(image, (BORDER, BAR))
    return framed


def _letterboxed(image: Image.Image, size: Size) -> Image.Image:
    share = min(size[0] / image.width, size[1] / image.height)
    fitted = image.resize(
        (max(1, round(image.width * share)), max(1, round(image.height * share))), Image.Resampling.BICUBIC
    )
    field = Image.new("RGB", size, (0, 0, 0))
    field.paste(fitted, ((size[0] - fitted.width) // 2, (size[1] - fitted.height) // 2))
    return field
