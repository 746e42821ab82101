"""The typefaces that screens are painted with, found on this machine. Ships no font and copies none.

Open Sans stands in for Segoe UI (both are humanist sans-serifs of nearly the same widths), DejaVu Sans Mono
for the text-mode fonts, WenQuanYi Micro Hei for Chinese and Japanese.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import ImageFont

from lab.errors import HostError

Font = ImageFont.FreeTypeFont


@dataclass(frozen=True, slots=True)
class Face:
    """One file of a typeface, and the Debian package that holds it."""

    file: str
    package: str


FACES = {
    "light": Face("OpenSans-Light.ttf", "fonts-open-sans"),
    "regular": Face("OpenSans-Regular.ttf", "fonts-open-sans"),
    "semibold": Face("OpenSans-Semibold.ttf", "fonts-open-sans"),
    "mono": Face("DejaVuSansMono.ttf", "fonts-dejavu-core"),
    "mono-bold": Face("DejaVuSansMono-Bold.ttf", "fonts-dejavu-core"),
    "cjk": Face("wqy-microhei.ttc", "fonts-wqy-microhei"),
}
MONO_ADVANCE = 0.602
"""Width of every character of DejaVu Sans Mono, in ems."""


def roots() -> Iterator[Path]:
    """Where fonts.conf(5) looks by default: the user's own directory, then the system's."""
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    yield Path(home).expanduser() / "fonts"
    for directory in (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":"):
        if directory:
            yield Path(directory) / "fonts"


@functools.cache
def locate(file: str, package: str) -> Path:
    """The font file of that name below any of `roots`.

    :raise HostError: there is none.
    """
    for root in roots():
        found = sorted(root.rglob(file)) if root.is_dir() else []
        if found:
            return found[0]
    raise HostError(
        f"font {file!r}: not installed (wanted to paint screens)", hint=f"apt-get install {package}"
    )


@functools.lru_cache(maxsize=128)
def font(face: str, pixels: int) -> Font:
    """A face of `FACES` at a height of `pixels` per em.

    :raise HostError: its package is not installed.
    """
    wanted = FACES[face]
    path = locate(wanted.file, wanted.package)
    return ImageFont.truetype(str(path), max(4, pixels), layout_engine=ImageFont.Layout.BASIC)
