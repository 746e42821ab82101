"""Which requests of a disk fail: rules for QEMU's blkdebug. Pure.

A rule names a sector; a request that touches it fails. A `rate` is the share of the disk's 4 KiB blocks that
are bad, as file systems read and write whole blocks: the same seed makes the same blocks bad, so a request
fails again when it is repeated, as it does on a worn disk. Source: QAPI `BlkdebugInjectErrorOptions`.
"""

from __future__ import annotations

import random
from typing import Any

SECTOR = 512
BLOCK = 4096
OPERATIONS = ("read", "write", "flush")
MOST_RULES = 8192
"""QEMU looks at each for every request; 8,192 cost a request some 20 microseconds."""


def rules(
    operation: str, *, errno: int = 5, sectors: tuple[int, ...] = (), once: bool = False
) -> list[dict[str, Any]]:
    """Rules that let requests of a kind fail: all of them, or those that touch one of `sectors`.

    :param operation: `read`, `write`, `flush`, or `any` for all three. A flush touches no sector.
    """
    wanted = OPERATIONS if operation == "any" else (operation,)
    plain = {"event": "none", "errno": errno, "once": once, "immediately": False}
    made: list[dict[str, Any]] = []
    for name in wanted:
        where = [{"sector": sector} for sector in sectors] if sectors and name != "flush" else [{}]
        made += [{**plain, "iotype": name, **one} for one in where]
    return made


def bad_sectors(draw: random.Random, size: int, rate: float) -> tuple[int, ...]:
    """The first sectors of the blocks that are bad, in order; () for all of the disk (a rate of 1).

    :param size: of the disk, in bytes.
    :param rate: share of its blocks; so few that there are at most `MOST_RULES`.
    """
    if rate >= 1:
        return ()
    blocks = size // BLOCK
    count = min(blocks, max(1, min(MOST_RULES, round(blocks * rate))))
    return tuple(sorted(block * (BLOCK // SECTOR) for block in draw.sample(range(blocks), count)))
