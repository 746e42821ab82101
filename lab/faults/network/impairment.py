"""What happens to a packet on a bad line: lost, late, slow, out of order. Pure: time and chance come in.

The same packets at the same times with the same seed have the same fate.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

BACKLOG_S = 1.0
"""What a limited line keeps before it drops: a second's worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impairment:
    """How bad the line is, in each direction."""

    loss: float = 0.0
    """Share of the packets."""
    delay_s: float = 0.0
    jitter_s: float = 0.0
    """Added to the delay, evenly from 0 on; the order stays."""
    reorder: float = 0.0
    """Share of the packets that are overtaken."""
    late_s: float = 0.02
    """How long a packet that is overtaken waits."""
    bits_per_s: float = 0.0
    """0: no limit."""


@dataclass(slots=True)
class Counts:
    """What became of the packets of one direction."""

    seen: int = 0
    lost: int = 0
    """By chance, or because the line's backlog was full."""
    held: int = 0
    """Delivered later than they came."""
    overtaken: int = 0
    queued: int = 0
    """Had to wait for others before them: the line was slower than what came."""
    bytes: int = 0
    """Delivered."""
    longest_s: float = 0.0
    delays_s: list[float] = field(default_factory=list)
    """Of the first packets that were delivered, at most `MOST_DELAYS`."""


MOST_DELAYS = 1000


class Line:
    """One direction."""

    def __init__(self, impairment: Impairment, draw: random.Random) -> None:
        self.impairment = impairment
        self.counts = Counts()
        self._draw = draw
        self._free_s = 0.0
        """When a limited line has sent what it took."""
        self._last_s = 0.0
        """When the last packet in order leaves."""

    def take(self, size: int, now_s: float) -> float | None:
        """When a packet of `size` bytes that comes now is delivered; None: never."""
        bad, counts = self.impairment, self.counts
        counts.seen += 1
        # every packet draws the same number of times, so that one's fate does not depend on the others'
        chance, jitter, order = self._draw.random(), self._draw.random(), self._draw.random()
        if chance < bad.loss:
            counts.lost += 1
            return None
        due_s = now_s
        if bad.bits_per_s:
            if self._free_s - now_s > BACKLOG_S:
                counts.lost += 1
                return None
            counts.queued += self._free_s > now_s
            self._free_s = max(self._free_s, now_s) + size * 8 / bad.bits_per_s
            due_s = self._free_s
        due_s += bad.delay_s + jitter * bad.jitter_s
        if order < bad.reorder:
            due_s = max(due_s, self._last_s) + bad.late_s
            counts.overtaken += 1
        else:
            due_s = self._last_s = max(due_s, self._last_s)
        self._count(size, due_s - now_s)
        return due_s

    def _count(self, size: int, waits_s: float) -> None:
        counts = self.counts
        counts.bytes += size
        counts.held += waits_s > 0
        counts.longest_s = max(counts.longest_s, waits_s)
        if len(counts.delays_s) < MOST_DELAYS:
            counts.delays_s.append(waits_s)
