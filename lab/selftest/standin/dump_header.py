"""The first two pages of a 64-bit Windows crash dump, with a stop code and no memory behind them.

Layout: DUMP_HEADER64 as public tools and the Windows SDK's documentation of dump files describe it. Both
the comment and the version field say that this is a stand-in; there is nothing in it to debug.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime

SIZE = 0x2000
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
COMMENT = b"STAND-IN: made by the self-test of the fleet lab, not a dump of Windows"
FILLER = b"PAGE"
"""Windows fills what it does not use of a header with this word."""
AMD64 = 0x8664
BITMAP_FULL = 5
FREE_BUILD = 15
LEFT = datetime(2024, 7, 19, 4, 9, tzinfo=UTC)


def header(
    code: int,
    parameters: tuple[int, ...],
    *,
    build: int = 17763,
    processors: int = 1,
    when: datetime = LEFT,
    dump_bytes: int = 16 << 20,
) -> bytes:
    """`SIZE` bytes.

    :param parameters: the stop's four parameters.
    :param when: system time at the stop, in the dump as 100 ns since 1601.
    :param dump_bytes: what the header says the whole dump takes.
    """
    page = bytearray(FILLER * (SIZE // 4))
    ticks = int((when - EPOCH).total_seconds() * 10_000_000)
    for offset, kind, values in (
        (0x000, "<4s4sII", (b"PAGE", b"DU64", FREE_BUILD, build)),
        (0x010, "<4Q", (0x1AA000, 0xFFFFFA8000000000, 0xFFFFF80214A00000, 0xFFFFF80214B00000)),
        (0x030, "<IIII", (AMD64, processors, code, 0)),
        (0x040, "<4Q", tuple((*parameters, 0, 0, 0, 0)[:4])),
        (0x060, "<32s", (b"STAND-IN",)),
        (0x080, "<Q", (0xFFFFF80214C00000,)),
        (0xF00, "<IIQQI", (0xC0000005, 0, 0, parameters[1] if len(parameters) > 1 else 0, 0)),
        (0xF98, "<I", (BITMAP_FULL,)),
        (0xFA0, "<QQ", (dump_bytes, ticks)),
        (0xFB0, "<128s", (COMMENT,)),
        (0x1030, "<Q", (412 * 10_000_000,)),
    ):
        struct.pack_into(kind, page, offset, *values)
    return bytes(page)
