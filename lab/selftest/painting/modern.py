"""Stop screens of Windows 8 and later: proportional text on one colour. Paints, and judges nothing.

Proportions are those of virtual machines' screens: the left margin and all sizes follow the height.
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from lab.selftest.painting.canvas import BLACK, WHITE, Colour, blank, paragraph, qr_code
from lab.selftest.painting.fonts import Font, font
from lab.selftest.painting.request import Request

SUPPORT_LINK = "http://windows.com/stopcode"
"""What the QR code of Windows 10 and 11 says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modern:
    """What differs between these layouts."""

    background: Colour
    face: bool = True
    qr: bool = False
    device: bool = False
    """`Your device` in place of `Your PC` (Windows 10 1903 and later in places, 11)."""
    details: bool = True
    """Stop code and module on lines of their own; before Windows 10 one sentence with the name."""
    percent_in_sentence: bool = False


def face_for(request: Request, style: str, pixels: float) -> Font:
    """Open Sans, or the one face there is for Chinese and Japanese."""
    return font("cjk" if request.words.cjk else style, round(pixels))


def paint(request: Request, style: Modern) -> Image.Image:
    """The layout of Windows 8 to 11 before 24H2: everything from the left margin downwards."""
    image, draw = blank(request.size, style.background)
    high = request.height
    left, width = 0.18 * high, min(0.98 * high, request.width - 0.22 * high)
    y = 0.135 * high
    if style.face:
        draw.text((left, y - 0.05 * high), ":(", font=font("light", round(0.19 * high)), fill=WHITE)
        y = 0.345 * high
    headline = face_for(request, "light", max(15, 0.0355 * high))
    y = paragraph(draw, (left, y), _headline(request, style), headline, WHITE, width=width, pitch=1.45)
    if not style.percent_in_sentence:
        percent = request.words.complete.format(percent=request.progress)
        y = paragraph(draw, (left, y + headline.size * 0.7), percent, headline, WHITE, width=width)
    _details(image, request, style, (left, y + headline.size * 1.1), request.width - left * 1.25)
    return image


def _headline(request: Request, style: Modern) -> str:
    words = request.words
    problem = words.problem_device if style.device else words.problem
    gap = "" if words.cjk else " "
    text = problem + gap + words.collecting
    if style.percent_in_sentence:
        text += f" ({words.complete.format(percent=request.progress)})"
    return text


def _details(
    image: Image.Image, request: Request, style: Modern, at: tuple[float, float], width: float
) -> None:
    from PIL import ImageDraw

    draw = ImageDraw.Draw(image)
    (x, y), words = at, request.words
    small = face_for(request, "regular", max(11, 0.0155 * request.height))
    if not style.details:
        paragraph(draw, (x, y), words.search.format(name=request.name), small, WHITE, width=width)
        return
    if style.qr and request.qr:
        code = qr_code(
            SUPPORT_LINK, max(3, round(request.height / 270)), _dark(style.background), WHITE, border=2
        )
        image.paste(code, (round(x), round(y)))
        x += code.width + 0.012 * request.height
        width -= code.width
    y = paragraph(draw, (x, y), words.more, small, WHITE, width=width)
    y = paragraph(draw, (x, y + small.size), words.support, small, WHITE, width=width)
    y = paragraph(
        draw, (x, y + small.size * 0.3), words.stop_code.format(name=request.name), small, WHITE, width=width
    )
    if request.module:
        failed = words.what_failed.format(module=request.module)
        paragraph(draw, (x, y + small.size * 0.3), failed, small, WHITE, width=width)


def _dark(background: Colour) -> Colour:
    """Windows draws the modules in the colour around; on black there is only black."""
    return background if max(background) > 40 else BLACK


def paint_centred(request: Request, background: Colour) -> Image.Image:
    """Windows 11 24H2 with the mid-2025 update: a centred sentence, the stop code small at the bottom."""
    image, draw = blank(request.size, background)
    wide, high = request.size
    words = request.words
    headline = face_for(request, "regular", max(16, 0.036 * high))
    small = face_for(request, "regular", max(11, 0.0175 * high))
    margin = 0.08 * wide
    room = wide - 2 * margin
    y = paragraph(
        draw, (margin, 0.41 * high), words.problem_device, headline, WHITE, width=room, centred=True
    )
    percent = words.complete.format(percent=request.progress)
    paragraph(draw, (margin, y + headline.size), percent, headline, WHITE, width=room, centred=True)
    stop = words.stop_code.format(name=f"{request.name} (0x{request.code:X})")
    y = paragraph(draw, (margin, 0.865 * high), stop, small, WHITE, width=room, centred=True)
    if request.module:
        failed = words.what_failed.format(module=request.module)
        paragraph(draw, (margin, y), failed, small, WHITE, width=room, centred=True)
    return image
