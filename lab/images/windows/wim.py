"""The list of images in a WIM or ESD file: its header and its XML data, and nothing else of it.

Layout: Microsoft's "Windows Imaging File Format (WIM)" white paper: a header of 208 bytes, in it the
place of the XML resource, which is UTF-16 and never compressed (also in solid ESD files). Reads some KiB of
any seekable stream, so an ISO need not be unpacked.
"""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import BinaryIO

MAGIC = b"MSWIM\0\0\0"
HEADER = 208
XML_AT = 72
"""Offset of the XML resource's entry: size and flags (7 + 1 bytes), offset, original size."""
COMPRESSED = 0x04
SPANNED = 0x08
LARGEST_XML = 16 << 20
ARCHITECTURES = {"0": "x86", "5": "arm", "9": "amd64", "12": "arm64"}


class NotAWim(ValueError):
    """The stream is no WIM file, or not a whole one; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WimImage:
    """One image of a WIM, as its XML describes it; "" and 0 where it says nothing."""

    index: int
    name: str
    display_name: str
    edition_id: str
    installation: str
    """`Client`, `Server`, `Server Core`, `WindowsPE`."""
    architecture: str
    build: int
    revision: int
    languages: tuple[str, ...]
    size: int
    """Bytes of the files in it."""


@dataclass(frozen=True, slots=True)
class Wim:
    """What a WIM holds."""

    images: tuple[WimImage, ...]
    parts: int
    """Files it is split into; 1 for a whole one."""


def read(stream: BinaryIO) -> Wim:
    """:raise NotAWim: no WIM, a truncated one, or XML that cannot be read."""
    head = stream.read(HEADER)
    if len(head) < HEADER or head[:8] != MAGIC:
        raise NotAWim(f"it starts with {head[:8]!r} (wanted {MAGIC!r})")
    parts = struct.unpack_from("<H", head, 42)[0]
    size_flags, offset, original = struct.unpack_from("<QQQ", head, XML_AT)
    size, flags = size_flags & 0x00FFFFFFFFFFFFFF, size_flags >> 56
    if flags & (COMPRESSED | SPANNED):
        raise NotAWim(f"its list of images is compressed (flags {flags:#x})")
    if not 0 < size <= LARGEST_XML or original != size:
        raise NotAWim(f"its list of images has {size} bytes, {original} unpacked")
    stream.seek(offset)
    data = stream.read(size)
    if len(data) < size:
        raise NotAWim(f"truncated: its list of images should be at byte {offset}")
    return Wim(_images(data), parts or 1)


def _images(data: bytes) -> tuple[WimImage, ...]:
    try:
        text = data.decode("utf-16")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise NotAWim("its list of images declares entities")
        root = ET.fromstring(text)
    except (UnicodeDecodeError, ET.ParseError) as error:
        raise NotAWim(f"its list of images cannot be read: {error}") from error
    return tuple(_image(node) for node in root.iter("IMAGE"))


def _image(node: ET.Element) -> WimImage:
    def text(path: str) -> str:
        return (node.findtext(path) or "").strip()

    def number(path: str) -> int:
        return int(text(path)) if text(path).isdecimal() else 0

    index = node.get("INDEX", "0")
    name = text("NAME")
    return WimImage(
        index=int(index) if index.isdecimal() else 0,
        name=name,
        display_name=text("DISPLAYNAME") or name,
        edition_id=text("WINDOWS/EDITIONID"),
        installation=text("WINDOWS/INSTALLATIONTYPE"),
        architecture=ARCHITECTURES.get(text("WINDOWS/ARCH"), text("WINDOWS/ARCH")),
        build=number("WINDOWS/VERSION/BUILD"),
        revision=number("WINDOWS/VERSION/SPBUILD"),
        languages=tuple((one.text or "").strip() for one in node.findall("WINDOWS/LANGUAGES/LANGUAGE")),
        size=number("TOTALBYTES"),
    )
