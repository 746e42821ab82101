"""Pictures of screens that guests show when they fail, and of healthy ones that look alike.

For tests of the screen classifier and for the stand-in guest. Everything is drawn here, from
values; no picture of a real screen is read, and nothing painted is ever evidence about a product.

    paint("10-qr", language="de", size=(1024, 768), code=0x7E, module="demosens.sys", progress=40)
    degrade(picture, scale=0.5, jpeg=60, seed=1)
"""

from __future__ import annotations

from PIL import Image

from lab.errors import InputError
from lab.selftest.painting.canvas import Size
from lab.selftest.painting.decoys import DECOYS, Decoy, decoy
from lab.selftest.painting.degrading import degrade
from lab.selftest.painting.layouts import BUGCHECKS, LAYOUTS, Layout
from lab.selftest.painting.request import PARAMETERS, STOP_NAMES, Request, stop_name
from lab.selftest.painting.words import LANGUAGES

__all__ = [
    "BUGCHECK_LAYOUTS",
    "DECOYS",
    "LANGUAGES",
    "LAYOUTS",
    "SIZES",
    "STOP_NAMES",
    "Decoy",
    "Layout",
    "decoy",
    "degrade",
    "paint",
]

SIZES: tuple[Size, ...] = ((640, 480), (800, 600), (1024, 768), (1280, 800), (1920, 1080), (3840, 2160))

BUGCHECK_LAYOUTS: tuple[str, ...] = tuple(layout.name for layout in BUGCHECKS)


def paint(
    layout: str,
    *,
    language: str = "en",
    size: Size = (1024, 768),
    code: int = 0x7E,
    name: str = "",
    module: str = "",
    progress: int = 20,
    qr: bool = True,
    parameters: tuple[int, ...] = PARAMETERS,
) -> Image.Image:
    """One screen, RGB, `size` pixels; the same arguments give the same picture.

    :param layout: a key of `LAYOUTS`.
    :param language: a key of `LANGUAGES`; screens that Windows never translates stay English.
    :param name: what to print for the stop code; "" takes the name from `STOP_NAMES`.
    :param progress: per cent, of the dump or the update.
    :param qr: False leaves the QR code out where the layout has one.
    :raise InputError: no such layout or language.
    :raise HostError: a font is not installed; the hint names its package.
    """
    if layout not in LAYOUTS:
        raise InputError(f"layout {layout!r}: not known (one of {', '.join(LAYOUTS)})")
    if language not in LANGUAGES:
        raise InputError(f"language {language!r}: not known (one of {', '.join(LANGUAGES)})")
    request = Request(
        size=size,
        language=language,
        code=code,
        name=name or stop_name(code),
        module=module,
        progress=progress,
        qr=qr,
        parameters=parameters,
    )
    return LAYOUTS[layout].painter(request)
