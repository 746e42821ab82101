"""Where the text of a panel is: contrast, lines, the big ':(', and what kind of page the lines make.

Lines come from a recursive cut at empty rows and columns, so that text beside a QR code and small text
below a headline are each found. Refuses to read letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from lab.detect.screens.panels import Panel

INK = 70
"""Contrast (0-255, after stretching) from which a pixel is ink."""
DEEPEST = 6
"""Cuts inside cuts."""
TALLEST = 0.3
"""Of the panel's height: a taller box is a picture, unless it is the ':('."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Pixels of the panel; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Page:
    """The inside of a panel."""

    contrast: NDArray[np.uint8]
    """Rows x columns, 0 = background, 255 = ink."""
    ink: NDArray[np.bool_]
    rows: tuple[Box, ...]
    """Bands of ink over the whole width, top to bottom."""
    lines: tuple[Box, ...]
    """Boxes that look like one line of text each, in reading order."""
    others: tuple[Box, ...]
    """Boxes that do not: pictures, QR codes, frames."""
    face: Box | None
    """The big ':('."""

    @property
    def height(self) -> int:
        return int(self.ink.shape[0])

    @property
    def width(self) -> int:
        return int(self.ink.shape[1])

    dense: bool
    """A console or another page of evenly spaced lines, better read as one block."""

    @property
    def has_controls(self) -> bool:
        """Buttons or input fields: wide filled boxes, which no stop screen has."""
        return any(
            box.width > 2.5 * box.height
            and box.height >= 12
            and box.width > 0.05 * self.width
            and float(self.ink[box.top : box.bottom, box.left : box.right].mean()) > 0.6
            for box in self.others
        )


def page(picture: Image, panel: Panel) -> Page:
    """Layout of a panel that was cut out of its frame, RGB."""
    contrast = contrast_to(picture, panel.colour)
    ink = contrast >= INK
    _erase_rules(ink, contrast)
    height, width = ink.shape
    rows = tuple(_untangled(ink, _bands(ink, Box(left=0, top=0, right=width, bottom=height), gap=1)))
    boxes: list[Box] = []
    dense = _even(rows)
    if not dense:
        for row in rows:
            _cut(ink, row, boxes, 0)
    face = next((box for box in boxes if is_face(ink, box, boxes)), None)
    lines = list(rows) if dense else [box for box in boxes if box is not face and _is_line(box, ink)]
    return Page(
        contrast=contrast,
        ink=ink,
        rows=rows,
        lines=tuple(lines),
        others=tuple(box for box in boxes if box is not face and box not in lines),
        face=face,
        dense=dense,
    )


def _even(rows: Sequence[Box]) -> bool:
    """Whether lines of one height follow each other, as on a console."""
    heights = np.array([row.height for row in rows])
    if len(heights) < 5:
        return False
    usual = float(np.median(heights))
    alike = np.abs(heights - usual) <= max(2.0, usual * 0.35)
    return bool(alike.mean() >= 0.75 and heights.max() <= 2.2 * usual)


def _erase_rules(ink: NDArray[np.bool_], contrast: NDArray[np.uint8]) -> None:
    """Window borders: columns that are ink nearly from top to bottom, and full rows at the very edge."""
    height, width = ink.shape
    if height < 60 or width < 60:
        return
    upright = np.count_nonzero(ink, axis=0) > 0.8 * height
    if float(upright.mean()) < 0.05:
        ink[:, upright] = False
        contrast[:, upright] = 0
    edge = max(2, height // 50)
    flat = np.count_nonzero(ink, axis=1) > 0.5 * width
    flat[edge:-edge] = False
    ink[flat] = False
    contrast[flat] = 0


def contrast_to(picture: Image, colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Largest difference to the background over the channels, stretched to 0-255: (rows, columns)."""
    from PIL import Image, ImageChops

    if max(colour) > 0:
        picture = ImageChops.difference(picture, Image.new("RGB", picture.size, colour))
    red, green, blue = picture.split()
    apart = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    counts = np.array(apart.histogram())
    counts[:25] = 0
    most = np.flatnonzero(np.cumsum(counts) >= 0.95 * counts.sum())
    top = int(most[0]) if counts.any() else 255
    table = np.clip((np.arange(256) - 10) * 255 // max(40, top - 10), 0, 255)
    return np.array(apart.point(table.tolist()))


def _bands(ink: NDArray[np.bool_], box: Box, gap: int) -> list[Box]:
    """Split at empty rows; each part is trimmed at the sides."""
    part = ink[box.top : box.bottom, box.left : box.right]
    found = []
    for top, bottom in _spans(_used(part, 1), gap):
        columns = np.flatnonzero(part[top:bottom].any(axis=0))
        found.append(
            Box(
                left=box.left + int(columns[0]),
                top=box.top + top,
                right=box.left + int(columns[-1]) + 1,
                bottom=box.top + bottom,
            )
        )
    return found


def _untangled(ink: NDArray[np.bool_], bands: list[Box]) -> list[Box]:
    """One band per line of text: underscores are put back under their line, lines that touch are parted."""
    heights = [band.height for band in bands if band.height >= 5]
    if not heights:
        return bands
    usual = float(np.median(heights))
    whole: list[Box] = []
    for band in bands:
        if band.height <= max(2.0, usual * 0.3) and whole and band.top - whole[-1].bottom <= usual * 0.5:
            last = whole.pop()
            left, right = min(last.left, band.left), max(last.right, band.right)
            whole.append(Box(left=left, top=last.top, right=right, bottom=band.bottom))
        else:
            whole.append(band)
    pitch = usual * 1.1 if len(heights) >= 4 else _pitch(ink)
    return [part for band in whole for part in _parted(ink, band, pitch)]


def _pitch(ink: NDArray[np.bool_]) -> float:
    """Rows from one line of text to the next, by the page's likeness to itself; 0 where there is none."""
    profile = np.count_nonzero(ink, axis=1).astype(np.float64)
    profile -= profile.mean()
    if len(profile) < 40 or not profile.any():
        return 0.0
    likeness = np.correlate(profile, profile, "full")[len(profile) - 1 :]
    best = 8 + int(np.argmax(likeness[8 : min(64, len(profile) // 2)]))
    return float(best) if likeness[best] > 0.3 * likeness[0] else 0.0


def _parted(ink: NDArray[np.bool_], band: Box, pitch: float) -> list[Box]:
    """A band of several touching lines, cut where the least ink is."""
    count = round(band.height / pitch) if pitch else 1
    if count < 2 or band.height < 1.6 * pitch or band.width < 3 * band.height / count:
        return [band]
    profile = ink[band.top : band.bottom, band.left : band.right].sum(axis=1)
    cuts = [0]
    for number in range(1, count):
        middle = round(number * band.height / count)
        reach = max(1, round(pitch * 0.3))
        window = profile[max(cuts[-1] + 1, middle - reach) : middle + reach]
        if not len(window):
            return [band]
        cuts.append(max(cuts[-1] + 1, middle - reach) + int(window.argmin()))
    if float(profile[cuts[1:]].mean()) > 0.3 * float(profile.mean()):
        return [band]
    edges = [*cuts, band.height]
    return [
        Box(left=band.left, top=band.top + top, right=band.right, bottom=band.top + bottom)
        for top, bottom in pairwise(edges)
        if bottom > top
    ]


def _used(part: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """Which columns (axis 0) or rows (axis 1) have ink."""
    return np.asarray(part.any(axis=axis), dtype=np.bool_)


def _spans(used: NDArray[np.bool_], gap: int) -> list[tuple[int, int]]:
    """Ranges of true values, joined over gaps shorter than `gap`."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], used, [False])).astype(np.int8)))
    spans: list[tuple[int, int]] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if spans and start - spans[-1][1] < gap:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _cut(ink: NDArray[np.bool_], box: Box, found: list[Box], depth: int) -> None:
    """Columns, then rows, until nothing more can be cut."""
    gap = max(6, round(box.height * 1.3)) if box.height <= 60 else max(6, min(box.height // 4, 40))
    part = ink[box.top : box.bottom, box.left : box.right]
    columns = _beside_square(part) or _spans(_used(part, 0), gap)
    for left, right in columns:
        piece = Box(left=box.left + left, top=box.top, right=box.left + right, bottom=box.bottom)
        rows = _bands(ink, piece, gap=1)
        if len(rows) == 1 and (len(columns) == 1 or depth >= DEEPEST):
            found.extend(rows)
        elif depth >= DEEPEST:
            found.append(piece)
        else:
            for row in rows:
                if len(columns) == 1 and row.height == box.height:
                    found.append(row)
                else:
                    _cut(ink, row, found, depth + 1)


def _beside_square(part: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """A QR code and the text right of it, however narrow the gap; empty where nothing square comes first."""
    height = part.shape[0]
    if height < 36:
        return []
    spans = _spans(_used(part, 0), max(3, height // 14))
    if len(spans) < 2:
        return []
    left, right = spans[0]
    square = part[:, left:right]
    if not 0.85 < (right - left) / height < 1.18 or not _is_code(square):
        return []
    return [spans[0], (spans[1][0], spans[-1][1])]


def _is_code(square: NDArray[np.bool_]) -> bool:
    """Whether a square is full of modules; a Chinese character is not."""
    runs = float((square[:, 1:] & ~square[:, :-1]).sum(axis=1).mean())
    return runs >= 4.5 or float(square.mean()) > 0.8


def _is_line(box: Box, ink: NDArray[np.bool_]) -> bool:
    if box.height < 4 or box.width < 3 or box.height > max(40, ink.shape[0] * TALLEST):
        return False
    full = float(ink[box.top : box.bottom, box.left : box.right].mean())
    square = 0.7 < box.width / box.height < 1.4 and box.height > ink.shape[0] * 0.08
    return full < 0.75 and not (square and full > 0.3)


def is_face(ink: NDArray[np.bool_], box: Box, boxes: list[Box]) -> bool:
    """Whether a box holds ':(': two dots of one size above each other, then an arc that opens to the right.

    Tried on the box and on what stands right of it, for where the dots and the arc were cut apart.
    """
    if box.height < 12 or box.left > ink.shape[1] * 0.6:
        return False
    for other in boxes:
        if other is not box and box.left <= other.left < box.left + 3 * box.height and _level(box, other):
            left, right = min(box.left, other.left), max(box.right, other.right)
            top, bottom = min(box.top, other.top), max(box.bottom, other.bottom)
            if _face_shape(ink[top:bottom, left:right]):
                return True
    return _face_shape(ink[box.top : box.bottom, box.left : box.right])


def _level(one: Box, other: Box) -> bool:
    return one.top < other.bottom and other.top < one.bottom


def _face_shape(part: NDArray[np.bool_]) -> bool:
    height, width = part.shape
    if height < 12 or not 0.3 <= width / height <= 1.3 or not 0.03 < float(part.mean()) < 0.35:
        return False
    columns = _spans(_used(part, 0), 1)
    if len(columns) != 2:
        return False
    (dots_left, dots_right), (arc_left, arc_right) = columns
    dots = _spans(_used(part[:, dots_left:dots_right], 1), 1)
    if len(dots) != 2 or dots_right - dots_left > 0.3 * height:
        return False
    sizes = [bottom - top for top, bottom in dots]
    if (
        max(sizes) > 0.3 * height
        or max(sizes) > 2 * min(sizes) + 1
        or dots[1][0] - dots[0][1] < 0.12 * height
    ):
        return False
    return _opens_right(part[:, arc_left:arc_right])


def _opens_right(arc: NDArray[np.bool_]) -> bool:
    """An arc like '(': one unbroken stroke whose middle lies left of both ends."""
    rows = np.flatnonzero(arc.any(axis=1))
    height, width = arc.shape
    if len(rows) < 0.85 * height or width > 0.6 * height or width < 2:
        return False
    places = np.array([float(np.flatnonzero(row).mean()) for row in arc[rows]])
    third = max(1, len(places) // 6)
    middle = places[len(places) // 2 - third // 2 : len(places) // 2 + third // 2 + 1].mean()
    ends = min(places[:third].mean(), places[-third:].mean())
    return bool(ends - middle > 0.25 * width)
