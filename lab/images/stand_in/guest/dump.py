"""The first two pages of a 64-bit Windows crash dump, with a stop code and no memory behind them.

Layout: DUMP_HEADER64 as public tools and the Windows SDK's documentation of dump files describe it.
Comment and version say STAND-IN: there is nothing in it to debug.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

SIZE = 0x2000
MIB = 1 << 20
COMMENT = b"STAND-IN of the fleet lab, not a dump of Windows"
EPOCH_S = 11_644_473_600
"""From 1601 to 1970."""
AMD64, BITMAP_FULL, FREE_BUILD, BUILD = 0x8664, 5, 15, 17763


@dataclass(frozen=True)
class Stop:
    """What a dump's header tells of the stop."""

    code: int
    parameters: tuple[int, ...]
    ticks: int
    """When, in 100 ns since 1601."""


def header(code: int, parameters: tuple[int, ...], dump_bytes: int, at: float) -> bytes:
    """`SIZE` bytes.

    :param at: of the stop, seconds since the epoch.
    """
    page = bytearray(b"PAGE" * (SIZE // 4))
    ticks = int((at + EPOCH_S) * 10_000_000)
    for offset, kind, values in (
        (0x000, "<4s4sII", (b"PAGE", b"DU64", FREE_BUILD, BUILD)),
        (0x010, "<4Q", (0x1AA000, 0xFFFFFA8000000000, 0xFFFFF80214A00000, 0xFFFFF80214B00000)),
        (0x030, "<IIII", (AMD64, 1, code, 0)),
        (0x040, "<4Q", tuple((*parameters, 0, 0, 0, 0)[:4])),
        (0x060, "<32s", (b"STAND-IN",)),
        (0x080, "<Q", (0xFFFFF80214C00000,)),
        (0xF00, "<IIQQI", (0xC0000005, 0, 0, 0, 0)),
        (0xF98, "<I", (BITMAP_FULL,)),
        (0xFA0, "<QQ", (dump_bytes, ticks)),
        (0xFB0, "<128s", (COMMENT,)),
        (0x1030, "<Q", (412 * 10_000_000,)),
    ):
        struct.pack_into(kind, page, offset, *values)
    return bytes(page)


def write(path: Path, code: int, parameters: tuple[int, ...], mib: int, at: float) -> None:
    """A dump of `mib`; the header comes last, as the thing that makes a dump whole."""
    with path.open("wb") as file:
        file.write(bytes(SIZE))
        for number in range(mib * 16):
            file.write(struct.pack("<Q", 0x2D444E415453 << 16 ^ number) * (MIB // 16 // 8))
        file.flush()
        file.seek(0)
        file.write(header(code, parameters, SIZE + mib * MIB, at))


def stop_of(path: Path) -> Stop | None:
    """The stop that a dump tells of; None where there is no whole one."""
    with path.open("rb") as file:
        page = file.read(SIZE)
    if len(page) < SIZE or page[:8] != b"PAGEDU64":
        return None
    (code,) = struct.unpack_from("<I", page, 0x38)
    (ticks,) = struct.unpack_from("<Q", page, 0xFA8)
    return Stop(code=code, parameters=struct.unpack_from("<4Q", page, 0x40), ticks=ticks)
