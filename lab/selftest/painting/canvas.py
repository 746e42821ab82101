"""Drawing that all layouts share: wrapped proportional text, character cells, QR codes. Knows no layout."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import zxingcpp
from PIL import Image, ImageDraw

from lab.selftest.painting.fonts import MONO_ADVANCE, Font, font

Colour = tuple[int, int, int]
Size = tuple[int, int]
"""Width and height in pixels."""

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
GREY: Colour = (170, 170, 170)
"""Colour 7 of the text mode palette, what consoles write with."""


def blank(size: Size, colour: Colour) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A picture of one colour and the pen to draw on it."""
    image = Image.new("RGB", size, colour)
    return image, ImageDraw.Draw(image)


def wrapped(text: str, face: Font, width: float) -> list[str]:
    """Lines of `text` no wider than `width` pixels; a word or sign that is wider alone stays whole."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in _pieces(paragraph):
            if line and face.getlength((line + piece).rstrip()) > width:
                lines.append(line.rstrip())
                line = piece.lstrip()
            else:
                line += piece
        lines.append(line.rstrip())
    return lines


def _pieces(text: str) -> Iterator[str]:
    """What a line may be broken after: spaces, and between signs that are written without any."""
    word = ""
    for sign in text:
        if unicodedata.east_asian_width(sign) == "W" and unicodedata.category(sign) != "Po":
            if word:
                yield word
            word = sign
            continue
        word += sign
        if sign == " ":
            yield word
            word = ""
    if word:
        yield word


def paragraph(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    face: Font,
    colour: Colour,
    *,
    width: float,
    pitch: float = 1.36,
    centred: bool = False,
) -> float:
    """Write wrapped text from its top left corner (or centred in `width`).

    :param pitch: line height in ems.
    :return: the y just below it.
    """
    x, y = at
    for line in wrapped(text, face, width):
        left = x + (width - face.getlength(line)) / 2 if centred else x
        draw.text((left, y), line, font=face, fill=colour)
        y += round(face.size * pitch)
    return y


@dataclass(frozen=True, slots=True)
class Grid:
    """A text mode screen: `columns` x `rows` character cells of `cell` pixels, from `origin`."""

    cell: Size
    columns: int
    rows: int
    origin: tuple[int, int] = (0, 0)

    @classmethod
    def filling(cls, size: Size, cell: Size, *, origin: tuple[int, int] = (0, 0)) -> Grid:
        """As many cells as fit."""
        columns = (size[0] - origin[0]) // cell[0]
        rows = (size[1] - origin[1]) // cell[1]
        return cls(cell, columns, rows, origin)

    @property
    def font_pixels(self) -> int:
        """The em that fills a cell, by its width or by its height, whichever is less."""
        return max(6, round(min(self.cell[0] / MONO_ADVANCE, self.cell[1] * 0.94)))

    def folded(self, lines: Iterable[str]) -> list[str]:
        """Lines cut at the right edge, as a terminal does it."""
        cut: list[str] = []
        for line in lines:
            cut += [line[i : i + self.columns] for i in range(0, len(line), self.columns)] or [""]
        return cut

    def write(
        self,
        draw: ImageDraw.ImageDraw,
        lines: Sequence[str],
        colour: Colour = GREY,
        *,
        row: int = 0,
        column: int = 0,
        behind: Colour | None = None,
        crisp: bool = True,
    ) -> int:
        """Write lines into the cells from (`column`, `row`); what is below the last row is not shown.

        :param behind: background of the written cells.
        :param crisp: without anti-aliasing, as text modes and consoles are.
        :return: the row below.
        """
        face = font("mono", self.font_pixels)
        draw.fontmode = "1" if crisp else "L"
        wide, high = self.cell
        lift = (high - self.font_pixels * 1.164) / 2
        for line in lines:
            if row >= self.rows:
                break
            x, y = self.origin[0] + column * wide, self.origin[1] + row * high
            if behind is not None:
                draw.rectangle((x, y, x + wide * len(line) - 1, y + high - 1), fill=behind)
            for sign in line:
                if sign != " ":
                    draw.text((x, y + lift), sign, font=face, fill=colour)
                x += wide
            row += 1
        draw.fontmode = "L"
        return row


def qr_code(
    payload: str | bytes, module: int, dark: Colour, light: Colour, *, border: int = 2
) -> Image.Image:
    """A QR code with `module` pixels per module and `border` light modules around."""
    code = zxingcpp.create_barcode(payload, zxingcpp.BarcodeFormat.QRCode, ec_level="L")
    signs = Image.fromarray(code.to_image(scale=1, add_quiet_zones=False))
    side = signs.width + 2 * border
    field = Image.new("L", (side, side), 255)
    field.paste(signs, (border, border))
    painted = Image.new("RGB", (side, side), light)
    painted.paste(dark, (0, 0), field.point(lambda value: 255 - value))
    return painted.resize((side * module, side * module), Image.Resampling.NEAREST)
