"""What a frame shows: cheap tests on sampled pixels, text recognition only where a panel may hold trouble.

Owns the order of the tests. Refuses to keep anything between frames: callers cache by the picture's hash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.detect.screens.cells import Cells, cells, signs_shown, telling
from lab.detect.screens.layout import Page, page
from lab.detect.screens.panels import Panel, panels
from lab.detect.screens.picture import decode
from lab.model import Screen, ScreenKind, ScreenVerdict

if TYPE_CHECKING:
    from PIL.Image import Image

GREY = (140, 205)
"""Luma of the ground of firmware set-up pages."""
DARK = 160
"""Luma (0-255) up to which a background may carry light text."""
LEAST_AREA = 0.03
LEAST_SIDE = 0.08
"""Of the frame, both ways: task bars and title bars are thinner."""
LEAST_FILL = 0.5
LEAST_INK = 0.0001
"""Of the panel, outside boxes and bars."""
MOST_RUNS = 0.8
COLOURED = 60
"""Chroma (0-255) of a background that is neither black nor grey."""
FORM_INK = 0.2
"""A coloured page with a form on it, as for a recovery key, has less ink."""
HEADLINES = 3
"""Lines of a form that are read first, and usually are enough."""
LEAST_LINE = 2.5
"""Width by height of a line worth reading: a cursor or an icon is narrower."""
MOST_PANELS = 3


def classify(data: bytes | Image, *, read: bool = True) -> Screen:
    """Classify one frame: bytes of a PNG, JPEG, PPM, BMP, GIF, WebP or TIFF, or a decoded picture.

    With `read=False` no text is recognised: only what layout and QR codes decide is called by name, and
    the reason of what may be trouble says so. Raises DamagedPicture for bytes that are no picture.
    """
    picture = decode(data)
    flat = panels(picture)
    calm: Screen | None = None
    for panel in sheets(flat):
        screen = _look(picture, panel, read=read)
        if screen is not None and screen.verdict is not ScreenVerdict.HEALTHY:
            return screen
        calm = calm or screen
    return calm or _unread(flat)


def suspicious(data: bytes | Image) -> bool:
    """Whether a frame may show trouble, decided without reading: a false answer is reliable."""
    picture = decode(data)
    return any(_page(picture, panel) is not None for panel in sheets(panels(picture)))


def sheets(found: list[Panel]) -> list[Panel]:
    """Panels that may carry a message: mostly flat, with some ink in short runs, dark or coloured under light
    text, or of a firmware's grey under dark text."""
    fit = [
        panel
        for panel in found
        if panel.area >= LEAST_AREA
        and min(panel.right - panel.left, panel.bottom - panel.top) >= LEAST_SIDE
        and panel.fill >= LEAST_FILL
        and panel.ink * (1 - panel.runs) >= LEAST_INK
        and (_is_dark(panel) or _is_firmware_grey(panel))
    ]
    return sorted(fit, key=lambda panel: -panel.area * panel.fill)[:MOST_PANELS]


def _is_dark(panel: Panel) -> bool:
    form = panel.chroma > COLOURED and panel.ink < FORM_INK
    return panel.luma <= DARK and panel.light >= 0.5 and (panel.runs <= MOST_RUNS or form)


def _is_firmware_grey(panel: Panel) -> bool:
    """The ground of UEFI and BIOS set-up pages: windows of desktops are lighter."""
    grey = panel.chroma <= 8 and GREY[0] <= panel.luma <= GREY[1]
    return grey and panel.light < 0.5 and panel.runs <= MOST_RUNS and panel.fill >= 0.8


def _page(picture: Image, panel: Panel) -> Page | None:
    layout = page(picture.crop(panel.box(*picture.size)), panel)
    worth = any(line.width >= LEAST_LINE * line.height for line in layout.lines)
    return layout if worth or layout.face or layout.dense else None


def _look(picture: Image, panel: Panel, *, read: bool) -> Screen | None:
    """What one panel shows; None where nothing on it is worth reading."""
    from lab.detect.screens.judge import judge
    from lab.detect.screens.qr import kernel_log, read_qr

    layout = _page(picture, panel)
    if layout is None:
        return None
    qr = "" if layout.dense else read_qr(picture.crop(panel.box(*picture.size)))
    log = kernel_log(qr) if qr else ""
    if log:
        return Screen(kind=ScreenKind.PANIC_QR, reason="its QR code holds a kernel log", text=log, qr=qr)
    grid = cells(layout.contrast, layout.ink) if layout.dense else None
    calm = _by_cells(grid) if grid is not None else None
    if calm is not None and (not read or calm.verdict is ScreenVerdict.HEALTHY):
        return calm
    reading = _read(layout, grid, headline=_is_form(layout, panel, qr)) if read else _Reading("not read")
    screen = judge(reading.texts, layout, panel, qr, again=reading.again)
    if screen is not None:
        return screen
    kind = ScreenKind.TEXT if layout.dense and panel.luma < 60 else ScreenKind.OTHER
    reason = (
        "text without a sign of trouble" if reading.texts else f"text on a flat ground; {reading.trouble}"
    )
    return Screen(kind=kind, reason=reason, text="\n".join(reading.texts), qr=qr)


@dataclass(frozen=True, slots=True)
class _Reading:
    trouble: str
    texts: list[str] = field(default_factory=list)
    again: Callable[[int], list[str]] | None = None


def _read(layout: Page, grid: Cells | None, *, headline: bool) -> _Reading:
    """The lines of a page, only the first ones where these show that it is no trouble."""
    from lab.detect.screens.decipher import agreed, deciphered
    from lab.detect.screens.judge import in_trouble
    from lab.detect.screens.reading import Unreadable, read_hexadecimal, read_page

    try:
        lines = read_page(layout, HEADLINES) if headline else []
        if not lines or in_trouble([line.text for line in lines]):
            lines = read_page(layout)
    except Unreadable as error:
        return _Reading(str(error))
    if grid is None:
        return _Reading(
            "nothing could be read",
            [line.text for line in lines],
            lambda number: read_hexadecimal(layout, lines[number].box),
        )
    return _Reading(
        "nothing could be read",
        deciphered(grid, [(line.text, line.box) for line in lines]),
        lambda number: agreed(grid, read_hexadecimal(layout, lines[number].box), lines[number].box),
    )


def _is_form(layout: Page, panel: Panel, qr: str) -> bool:
    """A coloured page with buttons or input fields: set-up, a login or recovery, which its headline tells."""
    return panel.chroma > COLOURED and not qr and layout.face is None and layout.has_controls


def _by_cells(grid: Cells) -> Screen | None:
    """What an unscaled console shows, by the repetitions of its letters; None where that cannot tell."""
    from lab.detect.screens.alarms import ALARMS, CALM

    alarms = signs_shown(grid, ALARMS)
    for sign, text in alarms:
        if telling(text) and sign.weight >= 1.0:
            return Screen(kind=sign.kind, reason=f"letters repeat as in {text!r}")
    if alarms:
        return None
    for sign, text in signs_shown(grid, CALM):
        if telling(text):
            return Screen(
                kind=sign.kind, reason=f"letters repeat as in {text!r}, and as in no phrase of trouble"
            )
    return Screen(kind=ScreenKind.TEXT, reason="a console whose letters repeat as in no phrase of trouble")


def _unread(flat: list[Panel]) -> Screen:
    """The kind of a frame that has no panel worth reading."""
    if not flat:
        return Screen(kind=ScreenKind.DESKTOP, reason="no flat background: a picture or a gradient")
    largest = max(flat, key=lambda panel: panel.area * panel.fill)
    if largest.area > 0.9 and largest.ink < 0.003:
        return Screen(kind=ScreenKind.BLANK, reason="one colour, next to nothing on it")
    if largest.luma <= 70 and largest.fill > 0.9:
        return Screen(kind=ScreenKind.SPLASH, reason="a picture on a dark ground, no text")
    return Screen(kind=ScreenKind.DESKTOP, reason="windows or pictures, no page of light text")
