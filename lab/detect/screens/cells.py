"""Text consoles without reading: equal cells are equal letters, and a phrase is known by its repetitions.

On a console every letter fills one cell of a grid, and where the picture is not scaled, equal letters are
equal to the pixel. That makes a page a cipher in which each letter stands for another, in any font: the
phrase 'not syncing' is where the 1st letter returns 6th, the 7th is blank, and so on. A healthy
console is told from a panic in a few milliseconds that way. Refuses pictures whose cells do not repeat
(scaled, compressed, smoothed or proportional fonts): those must be read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lab.model import ScreenKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lab.detect.screens.signs import Sign

LEAST_LETTERS = 120
"""Cells with ink; a shorter page is read faster than it is deciphered."""
GLYPHS = (30.0, 2.4)
"""So many different cells, and so many more per square root of all: logs have 25 + 2 sqrt(n). A wrong grid
makes nearly every cell a new one."""
SMALLEST, LARGEST = 6, 40
"""Pixels of a cell's width."""
FLATTEST, TALLEST = 1.4, 2.7
"""Height of a cell by its width; VGA fonts have 1.75 to 2."""
MOST_TORN = 0.2
"""Of neighbouring letters, how many may touch: an m and a w do, with a wrong grid half of them do."""
LEAST_WORD, LONGEST_WORD = 1.8, 30.0
"""Cells from one blank to the next, on average: 4 to 8 in prose and logs."""
LEAST_RETURNS = 2
"""A phrase that repeats fewer of its letters looks like half of all text, and is left out: its pages show
another one, or are so short that they are read."""
FAINT, MOST_SHADES, CRISP = 16, 8, 0.97
"""Contrast (0-255) that counts, and how many of its values must make up nearly all of it."""
FAR = np.int32(1 << 30)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """A page as numbers: equal letters have equal numbers, blanks are 0."""

    flat: NDArray[np.int32]
    """Row after row: text that was broken at the right edge goes on."""
    columns: int
    height: int
    """Pixels of a cell."""
    above: int
    """Rows of blank pixels that were put above the page."""
    since: NDArray[np.int32]
    """Cells since the same letter was last seen."""
    _returning: dict[int, NDArray[np.intp]] = field(default_factory=dict)

    def row(self, number: int) -> list[int]:
        """The cells of one row, [] where there is none."""
        return [int(cell) for cell in self.flat[number * self.columns : (number + 1) * self.columns]]

    def row_at(self, pixel: float) -> int:
        """The row that holds a line of pixels of the page."""
        return int(pixel + self.above) // self.height

    def returning(self, distance: int) -> NDArray[np.intp]:
        """Where a letter stands that was last seen so many cells before."""
        if distance not in self._returning:
            self._returning[distance] = np.flatnonzero(self.since == distance)
        return self._returning[distance]


def cells(contrast: NDArray[np.uint8], ink: NDArray[np.bool_]) -> Cells | None:
    """The grid of a console; None where there is none, too little on it, or the picture is not crisp."""
    if not _crisp(contrast):
        return None
    width = _period(np.count_nonzero(ink, axis=0), SMALLEST, LARGEST)
    if not width:
        return None
    height = _period(np.count_nonzero(ink, axis=1), math.ceil(FLATTEST * width), int(TALLEST * width))
    if not height:
        return None
    wide, _ = _aligned(ink, width)
    turned, above = _aligned(wide.T, height)
    part = turned.T
    rows, columns = part.shape[0] // height, part.shape[1] // width
    if rows < 2 or columns < 10:
        return None
    blocks = part.reshape(rows, height, columns, width)
    packed = np.packbits(blocks.transpose(0, 2, 1, 3).reshape(rows * columns, height * width), axis=1)
    flat = _numbered(packed)
    letters = int(np.count_nonzero(flat))
    glyphs = int(flat.max())
    if letters < LEAST_LETTERS or glyphs > GLYPHS[0] + GLYPHS[1] * math.sqrt(letters):
        return None
    solid = np.bitwise_count(packed).sum(axis=1) > 0.6 * height * width
    if _torn(blocks, flat.reshape(rows, columns), solid.reshape(rows, columns)):
        return None
    begun = int(np.count_nonzero((flat[1:] != 0) & (flat[:-1] == 0))) + int(flat[0] != 0)
    if not LEAST_WORD <= letters / max(1, begun) <= LONGEST_WORD:
        return None
    return Cells(flat=flat, columns=columns, height=height, above=above, since=_since(flat))


def _crisp(contrast: NDArray[np.uint8]) -> bool:
    """Whether ink has a few colours only. Scaling, compression and smoothed fonts blend them, and then equal
    letters differ by their neighbours."""
    counts = np.bincount(contrast[::3].ravel(), minlength=256)
    counts[:FAINT] = 0
    total = int(counts.sum())
    return bool(total and np.sort(counts)[-MOST_SHADES:].sum() >= CRISP * total)


def _period(profile: NDArray[np.int_], least: int, most: int) -> int:
    """The smallest step at which a profile resembles itself about as well as at any."""
    values = np.log1p(profile.astype(np.float64))  # a short line counts as much as a long one
    values -= values.mean()
    if len(values) < 3 * least or not values.any():
        return 0
    size = 1 << (2 * len(values) - 1).bit_length()
    spectrum = np.fft.rfft(values, size)
    likeness = np.fft.irfft(spectrum * np.conj(spectrum), size)[: min(most, len(values) // 2) + 1]
    likeness /= likeness[0]
    best = least + int(np.argmax(likeness[least:]))
    if likeness[best] < 0.15:
        return 0
    for part in (4, 3, 2):
        step = round(best / part)
        if step >= least and abs(step * part - best) <= 1 and likeness[step] > 0.75 * likeness[best]:
            return step
    return best


def _aligned(ink: NDArray[np.bool_], step: int) -> tuple[NDArray[np.bool_], int]:
    """The page with blanks added left and right, so that it consists of whole cells; and how many left."""
    profile = np.count_nonzero(ink, axis=0)
    whole = profile[: len(profile) // step * step].reshape(-1, step).sum(axis=0)
    start = 0 if whole[0] <= whole.min() * 1.05 else int(whole.argmin())
    before = (step - start) % step
    rest = (len(profile) + before) % step
    if rest and not profile[len(profile) - rest :].any():
        ink, rest = ink[:, : len(profile) - rest], 0
    return np.pad(ink, ((0, 0), (before, (step - rest) % step))), before


def _torn(blocks: NDArray[np.bool_], numbers: NDArray[np.int32], solid: NDArray[np.bool_]) -> bool:
    """Whether the grid cuts through letters: strokes go on from cell to cell. Rules, frames and bars, which
    are equal or solid cells, do not count."""
    letter = (numbers != 0) & ~solid
    beside = (blocks[:, :, :-1, -1] & blocks[:, :, 1:, 0]).any(axis=1)
    below = (blocks[:-1, -1] & blocks[1:, 0]).any(axis=2)
    across = letter[:, :-1] & letter[:, 1:] & (numbers[:, :-1] != numbers[:, 1:])
    down = letter[:-1] & letter[1:] & (numbers[:-1] != numbers[1:])
    return any(
        int((touching & pairs).sum()) > MOST_TORN * max(8, int(pairs.sum()))
        for touching, pairs in ((beside, across), (below, down))
    )


def _numbered(packed: NDArray[np.uint8]) -> NDArray[np.int32]:
    """A number for each different cell, 0 for blank ones."""
    wide = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), dtype=np.uint8)
    wide[:, : packed.shape[1]] = packed
    words = wide.view(np.uint64)
    mixed = np.zeros(len(packed), dtype=np.uint64)
    for place in range(words.shape[1]):
        mixed = (mixed ^ words[:, place]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    _, numbers = np.unique(np.concatenate((np.zeros(1, dtype=np.uint64), mixed)), return_inverse=True)
    return np.where(mixed == 0, 0, numbers[1:]).astype(np.int32)


def _since(flat: NDArray[np.int32]) -> NDArray[np.int32]:
    order = np.argsort(flat, kind="stable")
    gaps = np.full(len(flat), FAR, dtype=np.int32)
    same = flat[order][1:] == flat[order][:-1]
    gaps[order[1:][same]] = (order[1:] - order[:-1])[same]
    return gaps


@lru_cache(maxsize=1024)
def _shape(phrase: str) -> tuple[tuple[int, int], ...]:
    """For each letter: its place, and cells since the same letter, 0 for new ones; most telling first."""
    places = []
    for place, letter in enumerate(phrase):
        before = phrase.rfind(letter, 0, place)
        places.append((place, place - before if before >= 0 else 0))
    return tuple(sorted(places, key=lambda pair: -pair[1]))


def shows(page: Cells, phrase: str) -> bool:
    """Whether the page may hold a phrase, spelled exactly so."""
    room = len(page.flat) - len(phrase) + 1
    if room <= 0:
        return False
    (first, distance), *rest = _shape(phrase)
    starts = page.returning(distance) - first if distance else np.arange(room)
    starts = starts[(starts >= 0) & (starts < room)]
    for place, since in rest:
        gaps = page.since[starts + place]
        starts = starts[gaps == since if since else gaps > place]
        if not len(starts):
            return False
    blank = np.array([letter == " " for letter in phrase])
    windows = page.flat[starts[:, None] + np.arange(len(phrase))] == 0
    return bool((windows == blank).all(axis=1).any())


def telling(phrase: str) -> bool:
    """Whether a phrase repeats enough of its letters to be known by that alone."""
    return _returns(phrase) >= 5 and len(phrase) >= 16


def _returns(phrase: str) -> int:
    """Letters that stood in the phrase before."""
    return sum(1 for place, since in _shape(phrase) if since and phrase[place] != " ")


@lru_cache(maxsize=1024)
def spellings(sign: Sign) -> tuple[str, ...]:
    """A sign's phrases as consoles can show them; makers of firmware vary the capitals."""
    plain = [text for text in sign.texts if text.isascii() and _returns(text) >= LEAST_RETURNS]
    if sign.kind is not ScreenKind.NO_BOOT_DEVICE:
        return tuple(plain)
    return tuple(dict.fromkeys(form for text in plain for form in (text, text.capitalize(), text.lower())))


def signs_shown(page: Cells, signs: Iterable[Sign]) -> list[tuple[Sign, str]]:
    """Signs that the page may show, each with the phrase."""
    found = []
    for sign in signs:
        text = next((text for text in spellings(sign) if shows(page, text)), "")
        if text:
            found.append((sign, text))
    return found
