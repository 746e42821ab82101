"""Reading: Tesseract on pieces of a page, prepared for it; and where its data is found.

Light text on any ground becomes dark text on white, enlarged so that a line is about 30 pixels high. One
engine per thread and page mode is kept open: opening costs 20 ms, reading a line 10. Refuses to decide
what the words mean, and to fail: a host without the data classifies by layout, and says so.
"""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.detect.screens.layout import Box, Page

LANGUAGE = "eng"
PACKAGE = "tesseract-ocr-eng"
PLACES = (
    "/usr/share/tesseract-ocr/*/tessdata",
    "/usr/share/tessdata",
    "/usr/share/tesseract*/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
LINE_HEIGHT = 30
"""Pixels from the top of a capital to the bottom of a p, at which the LSTM engine reads best (measured: 26-34)."""
LARGEST_SCALE = 4.0
MOST_LINES = 48
MOST_PIXELS = 6_000_000
"""Of one enlarged block."""
MARGIN = 12


class Unreadable(RuntimeError):
    """Text recognition is not available on this host; `hint` says what to install."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(f"text recognition is unavailable: {reason}   hint: {hint}")
        self.hint = hint


@lru_cache(maxsize=1)
def tessdata() -> str:
    """The folder that holds the English data; newest version first. Raises Unreadable."""
    named = os.environ.get("TESSDATA_PREFIX")
    folders = [Path(named), Path(named) / "tessdata"] if named else []
    for pattern in PLACES:
        folders += sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)
    for folder in folders:
        if (folder / f"{LANGUAGE}.traineddata").is_file():
            return str(folder)
    looked = ", ".join(dict.fromkeys(str(folder.parent) for folder in folders)) or "the usual places"
    raise Unreadable(
        f"no {LANGUAGE}.traineddata in {looked}", f"apt install {PACKAGE}, or set TESSDATA_PREFIX"
    )


class _Engines(threading.local):
    """Open engines of one thread, by page mode."""

    def __init__(self) -> None:
        self.open: dict[int, Any] = {}


_engines = _Engines()


def _engine(mode: int) -> Any:
    if mode not in _engines.open:
        try:
            import tesserocr
        except ImportError as error:
            raise Unreadable(f"{error}", "pip install tesserocr") from error
        try:
            engine = tesserocr.PyTessBaseAPI(path=tessdata(), lang=LANGUAGE, psm=mode)
        except RuntimeError as error:
            raise Unreadable(f"{error}", f"apt install {PACKAGE}") from error
        engine.SetVariable("load_system_dawg", "0")
        _engines.open[mode] = engine
    return _engines.open[mode]


SINGLE_BLOCK, SINGLE_LINE = 6, 7
"""Tesseract's page segmentation modes."""


def read_page(page: Page) -> list[str]:
    """The lines of a page, top to bottom. Raises Unreadable."""
    if page.dense or len(page.lines) > MOST_LINES:
        return read_block(page, _hull(page))
    return [text for box in page.lines for text in [read_line(page, box)] if text]


def read_block(page: Page, box: Box) -> list[str]:
    """A block of evenly spaced lines."""
    heights = [row.height for row in page.rows if row.height >= 4]
    usual = float(np.median(heights)) if heights else float(LINE_HEIGHT)
    text = _recognise(page.contrast, box, usual, SINGLE_BLOCK)
    return [line.strip() for line in text.splitlines() if line.strip()]


def read_line(page: Page, box: Box) -> str:
    return " ".join(_recognise(page.contrast, box, float(box.height), SINGLE_LINE).split())


def _hull(page: Page) -> Box:
    from lab.detect.screens.layout import Box

    return Box(
        left=min(row.left for row in page.rows),
        top=min(row.top for row in page.rows),
        right=max(row.right for row in page.rows),
        bottom=max(row.bottom for row in page.rows),
    )


def _recognise(contrast: NDArray[np.uint8], box: Box, line_height: float, mode: int) -> str:
    from PIL import Image, ImageOps

    piece = contrast[
        max(0, box.top - 2) : box.bottom + 2,
        max(0, box.left - 2) : box.right + 2,
    ]
    image = Image.fromarray(255 - piece)
    scale = min(LARGEST_SCALE, LINE_HEIGHT / max(4.0, line_height))
    while image.width * image.height * scale * scale > MOST_PIXELS:
        scale *= 0.8
    if not 0.9 < scale < 1.1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX)
    engine = _engine(mode)
    engine.SetImage(ImageOps.expand(image, MARGIN, 255))
    engine.SetSourceResolution(150)
    text: str = engine.GetUTF8Text()
    return text
