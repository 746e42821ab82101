"""Reading: Tesseract on pieces of a page, prepared for it; and where its data is found.

Light text on any ground becomes dark text on white, enlarged so that a line is about 30 pixels high. One
engine per thread and page mode is kept open: opening costs 20 ms, reading a line 10. Refuses to decide
what the words mean, and to fail: a host without the data classifies by layout, and says so.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
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
"""Pixels from the top of a capital to the bottom of a p at which the LSTM engine reads best: 26 to 34."""
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
    """Open engines of one thread, by page mode and the letters they may find."""

    def __init__(self) -> None:
        self.open: dict[tuple[int, str], Any] = {}


_engines = _Engines()


def _engine(mode: int, letters: str = "") -> Any:
    if (mode, letters) not in _engines.open:
        try:
            tesserocr = import_module("tesserocr")
        except ImportError as error:
            raise Unreadable(f"{error}", "pip install tesserocr") from error
        try:
            engine = tesserocr.PyTessBaseAPI(path=tessdata(), lang=LANGUAGE, psm=mode)
        except RuntimeError as error:
            raise Unreadable(f"{error}", f"apt install {PACKAGE}") from error
        if letters:
            engine.SetVariable("tessedit_char_whitelist", letters)
        _engines.open[mode, letters] = engine
    return _engines.open[mode, letters]


SINGLE_BLOCK, SINGLE_LINE = 6, 7
"""Tesseract's page segmentation modes."""


HEXADECIMAL = "0123456789ABCDEFx(), "
HEX_SCALES = (1.0, 0.75, 0.5)
"""Of the usual enlargement: three looks at the same digits, since each errs elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of text and where it stands on the page."""

    text: str
    box: Box


def read_page(page: Page, most: int = MOST_LINES) -> list[Line]:
    """The lines of a page, top to bottom; of a page that is no block, the first `most`. Raises Unreadable."""
    if page.dense or len(page.lines) > MOST_LINES:
        return read_block(page, _hull(page))
    found = [Line(text=read_line(page, box), box=box) for box in page.lines[:most]]
    return [line for line in found if line.text]


def read_block(page: Page, box: Box) -> list[Line]:
    """A block of evenly spaced lines."""
    from lab.detect.screens.layout import Box

    heights = [row.height for row in page.rows if row.height >= 4]
    usual = float(np.median(heights)) if heights else float(LINE_HEIGHT)
    engine = _engine(SINGLE_BLOCK)
    scale = _show(engine, page.contrast, box, LINE_HEIGHT / max(4.0, usual))
    engine.Recognize()
    found = []
    for text, (left, top, right, bottom) in _lines_of(engine):
        place = Box(
            left=max(0, round(box.left + (left - MARGIN) / scale)),
            top=max(0, round(box.top + (top - MARGIN) / scale)),
            right=min(page.width, round(box.left + (right - MARGIN) / scale) + 1),
            bottom=min(page.height, round(box.top + (bottom - MARGIN) / scale) + 1),
        )
        found.append(Line(text=text, box=place))
    return found


def _lines_of(engine: Any) -> list[tuple[str, tuple[int, int, int, int]]]:
    tesserocr = import_module("tesserocr")  # it has no types
    found = []
    for piece in tesserocr.iterate_level(engine.GetIterator(), tesserocr.RIL.TEXTLINE):
        try:
            text = str(piece.GetUTF8Text(tesserocr.RIL.TEXTLINE)).strip()
        except RuntimeError:  # a page without text has one line that cannot be read
            continue
        place = piece.BoundingBox(tesserocr.RIL.TEXTLINE)
        if text and place is not None:
            found.append((text, place))
    return found


def read_line(page: Page, box: Box) -> str:
    engine = _engine(SINGLE_LINE)
    _show(engine, page.contrast, box, LINE_HEIGHT / max(4.0, float(box.height)))
    return " ".join(str(engine.GetUTF8Text()).split())


def read_hexadecimal(page: Page, box: Box) -> list[str]:
    """Several readings of a line of which only hexadecimal numbers matter. Raises Unreadable."""
    engine = _engine(SINGLE_LINE, HEXADECIMAL)
    found = []
    for factor in HEX_SCALES:
        _show(engine, page.contrast, box, factor * 0.8 * LINE_HEIGHT / max(4.0, float(box.height)))
        found.append(" ".join(str(engine.GetUTF8Text()).split()))
    return found


def _hull(page: Page) -> Box:
    from lab.detect.screens.layout import Box

    return Box(
        left=min(row.left for row in page.rows),
        top=min(row.top for row in page.rows),
        right=max(row.right for row in page.rows),
        bottom=max(row.bottom for row in page.rows),
    )


def _show(engine: Any, contrast: NDArray[np.uint8], box: Box, scale: float) -> float:
    """Hand a piece to the engine, enlarged; the scale that was possible."""
    from PIL import Image, ImageOps

    top, left = max(0, box.top - 2), max(0, box.left - 2)
    image = Image.fromarray(255 - contrast[top : box.bottom + 2, left : box.right + 2])
    scale = min(LARGEST_SCALE, scale)
    while image.width * image.height * scale * scale > MOST_PIXELS:
        scale *= 0.8
    if 0.9 < scale < 1.1:
        scale = 1.0
    else:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX)
    engine.SetImage(ImageOps.expand(image, MARGIN, 255))
    engine.SetSourceResolution(150)
    return scale
