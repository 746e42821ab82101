"""Panels: rectangles of one background colour, found on a few thousand sampled pixels.

A stop screen, a console and a boot menu are ink on one flat colour; a desktop is not. The panel is found
wherever it is: in a VM window with a title bar, between letterbox bars, cut out, or in the corner of a
frame that is still larger than the guest's new mode. Refuses to read: it says where text may be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lab.detect.screens.picture import sample

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

ACROSS, DOWN = 360, 270
"""Most sampled pixels per side."""
NEAR = 22
"""Largest difference per channel of equal colours: on flat areas JPEG of quality 30 stays below."""
MOST = 5
"""Background colours looked at."""
LEAST_SHARE, LEAST_DARK = 0.06, 0.025
"""Of the frame. A dark patch may be smaller: a console that prints a few lines over a splash screen."""
BAR, LEAST_BAR = 0.985, 0.02
"""Share of one colour in a column of a letterbox bar, and the narrowest bar by the frame's width."""
MEMBER = 0.35
"""Share of a row that has the background's colour if the row belongs to the panel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Left, top, right, bottom are shares of the frame (0-1)."""

    colour: tuple[int, int, int]
    left: float
    top: float
    right: float
    bottom: float
    fill: float
    """Share of the panel that has the background's colour."""
    ink: float
    """Share of the panel that differs."""
    runs: float
    """Share of the ink that lies in long horizontal runs: boxes, bars, pictures."""
    light: float
    """Share of the ink that is lighter than the background."""
    grey: float
    """Share of the ink that is white or grey."""

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)

    @property
    def luma(self) -> float:
        red, green, blue = self.colour
        return 0.299 * red + 0.587 * green + 0.114 * blue

    @property
    def chroma(self) -> int:
        return max(self.colour) - min(self.colour)

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """In pixels of a frame of this size."""
        return (
            int(self.left * width),
            int(self.top * height),
            max(int(self.left * width) + 1, round(self.right * width)),
            max(int(self.top * height) + 1, round(self.bottom * height)),
        )


def panels(picture: Image) -> list[Panel]:
    """Largest background first; empty for photographs, gradients and textures."""
    whole = sample(picture, ACROSS, DOWN)
    left, top, right, bottom = _inside(whole)
    pixels = whole[top:bottom, left:right]
    shades = _shades(pixels)
    free = np.ones(pixels.shape[:2], dtype=np.bool_)
    found = []
    for _ in range(MOST):
        colour, share = _dominant(pixels, shades, free)
        if share < (LEAST_DARK if max(colour) < 48 else LEAST_SHARE):
            break
        same = near(pixels, colour)
        free &= ~same
        box = _rectangle(same)
        if box is not None:
            found.append(_panel(pixels, same, box, colour))
    if pixels.shape == whole.shape:
        return found
    rows, columns = whole.shape[:2]
    return [
        replace(
            panel,
            left=(left + panel.left * (right - left)) / columns,
            right=(left + panel.right * (right - left)) / columns,
            top=(top + panel.top * (bottom - top)) / rows,
            bottom=(top + panel.bottom * (bottom - top)) / rows,
        )
        for panel in found
    ]


def _inside(pixels: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the frame without letterbox bars: two black ones of one width, beyond
    which a picture begins."""
    rows, columns = pixels.shape[:2]
    corner = (int(pixels[0, 0, 0]), int(pixels[0, 0, 1]), int(pixels[0, 0, 2]))
    bar = near(pixels, corner)
    if max(corner) >= 24:
        return 0, 0, columns, rows
    beside = _bar(np.count_nonzero(bar, axis=0) / rows)
    above = _bar(np.count_nonzero(bar, axis=1) / columns)
    return beside, above, columns - beside, rows - above


def _bar(share: NDArray[np.float64]) -> int:
    """Width of the bars at both ends of a row or column of shares; 0 where there are none."""
    open_at = np.flatnonzero(share < BAR)
    if not len(open_at):
        return 0
    first, last = int(open_at[0]), len(share) - 1 - int(open_at[-1])
    width = min(first, last)
    begins = min(share[width], share[len(share) - 1 - width]) < 0.5
    return width if width >= LEAST_BAR * len(share) and begins else 0


def near(pixels: NDArray[np.uint8], colour: tuple[int, int, int], reach: int = NEAR) -> NDArray[np.bool_]:
    """Which pixels have this colour."""
    same = np.ones(pixels.shape[:2], dtype=bool)
    for channel, value in enumerate(colour):
        plane = pixels[..., channel]
        same &= (plane >= max(0, value - reach)) & (plane <= min(255, value + reach))
    return same


def _shades(pixels: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Each pixel's colour in 4096 shades."""
    high = (pixels >> 4).astype(np.int16)
    shades: NDArray[np.int16] = (high[..., 0] << 8) | (high[..., 1] << 4) | high[..., 2]
    return shades


def _dominant(
    pixels: NDArray[np.uint8], shades: NDArray[np.int16], free: NDArray[np.bool_]
) -> tuple[tuple[int, int, int], float]:
    """The most frequent colour among free pixels, and its share of the frame."""
    counts = np.bincount(shades[free], minlength=4096)
    best = int(counts.argmax())
    if not counts[best]:
        return (0, 0, 0), 0.0
    colour = _middle(pixels, free & (shades == best))
    # Noise spreads a colour over several shades, of which the most frequent one lies beside the middle.
    return _middle(pixels, free & near(pixels, colour)), float(counts[best]) / free.size


def _middle(pixels: NDArray[np.uint8], members: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Median colour of some pixels, of 4000 at most."""
    places = np.flatnonzero(members)
    some = pixels.reshape(-1, 3)[places[:: 1 + len(places) // 4000]]
    red, green, blue = np.median(some, axis=0)
    return int(red), int(green), int(blue)


def _rectangle(same: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of the rows and columns that mostly have the colour."""
    left, top, right, bottom = 0, 0, same.shape[1], same.shape[0]
    for _ in range(3):
        rows = np.flatnonzero(np.count_nonzero(same[:, left:right], axis=1) >= MEMBER * (right - left))
        if not len(rows):
            return None
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        columns = np.flatnonzero(np.count_nonzero(same[top:bottom], axis=0) >= MEMBER * (bottom - top))
        if not len(columns):
            return None
        left, right = int(columns[0]), int(columns[-1]) + 1
    return left, top, right, bottom


def _panel(
    pixels: NDArray[np.uint8],
    same: NDArray[np.bool_],
    box: tuple[int, int, int, int],
    colour: tuple[int, int, int],
) -> Panel:
    left, top, right, bottom = box
    rows, columns = same.shape
    ink = ~same[top:bottom, left:right]
    marks = pixels[top:bottom, left:right][ink].astype(np.int16)
    luma = marks @ np.array([77, 150, 29], dtype=np.int32) >> 8
    ground = (colour[0] * 77 + colour[1] * 150 + colour[2] * 29) >> 8
    spread = marks.max(axis=1) - marks.min(axis=1) if len(marks) else np.zeros(0)
    return Panel(
        colour=colour,
        left=left / columns,
        top=top / rows,
        right=right / columns,
        bottom=bottom / rows,
        fill=1.0 - float(ink.mean()),
        ink=float(ink.mean()),
        runs=_in_runs(ink),
        light=float((luma > ground).mean()) if len(marks) else 0.0,
        grey=float((spread < 40).mean()) if len(marks) else 0.0,
    )


def _in_runs(ink: NDArray[np.bool_]) -> float:
    """Share of the ink with nothing but ink around it for a fifteenth of the panel's width."""
    total = int(ink.sum())
    length = max(8, ink.shape[1] // 15)
    if not total or ink.shape[1] <= length:
        return 0.0
    sums = np.cumsum(ink, axis=1, dtype=np.int32)
    full = (sums[:, length:] - sums[:, :-length]) == length
    covered = np.zeros(ink.shape, dtype=np.int32)
    covered[:, 1 : -length + 1][:, : full.shape[1]] += full[:, : ink.shape[1] - length]
    return min(1.0, float(_spread(full, length, ink.shape[1]).sum()) / total)


def _spread(full: NDArray[np.bool_], length: int, width: int) -> NDArray[np.bool_]:
    """Every pixel of a run whose end was marked."""
    marks = np.zeros((full.shape[0], width + 1), dtype=np.int32)
    marks[:, 1 : 1 + full.shape[1]] += full
    marks[:, 1 + length : 1 + length + full.shape[1]][:, : full.shape[1]] -= full[
        :, : marks.shape[1] - 1 - length
    ]
    covered: NDArray[np.bool_] = np.cumsum(marks, axis=1)[:, :width] > 0
    return covered
