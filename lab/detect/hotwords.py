"""The fast search: which lines of a block hold one of many words, at a few nanoseconds per byte.

Healthy text is nearly all of what is read, and no detector wants it. One scan serves all detectors of
serial text: each contributes its words and gets the same lines. Refuses to know what a word means.

How: four bytes of each word are chosen, the rarest. `bytes.translate` turns the text into bit masks four
times, one bit per group of words, and numpy ANDs them shifted by one byte each: what is left are the few
places where the four bytes of some word may stand. Only those are compared with the words. A word that
contains another one need not be searched for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from lab.detect.lines import LIMIT, Block, Line, line_start, lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WINDOW = 4
"""Bytes of a word that are compared first; no word may be shorter."""
GROUPS = 8
"""Bits of a byte."""
PIECE = 1 << 17
"""Bytes per numpy operation: the masks stay in the processor's cache."""
SMALL = 48
"""Bytes below which numpy costs more than it saves."""
COMMON = (
    (b" ", 64.0),
    (b"etoinsarldumc", 32.0),
    (b":0123456789[].-bfghpx\n\r", 16.0),
    (b"_=yCSI)(vP;ADR,TM/k", 8.0),
    (b"BOEwFNJ|+KULVH#", 4.0),
)
"""How common bytes are in logs, roughly; all others count 1. Only speed depends on it."""


class _Tables:
    """What the search for some words needs; the same for every scan for them, and 20 ms of work."""

    def __init__(self, words: frozenset[bytes]) -> None:
        short = sorted(word for word in words if len(word) < WINDOW)
        if short:
            raise ValueError(f"hot words are too short: {short} (want at least {WINDOW} bytes)")
        needed = [word for word in words if not any(other in word and other != word for other in words)]
        weight = [1.0] * 256
        for members, rank in COMMON:
            for byte in members:
                weight[byte] = rank
        windows = {word: _window(word, weight) for word in needed}
        self.allowed = _tables(windows, weight)
        self.by_code: dict[int, list[tuple[int, bytes]]] = {}
        """Of a window's four bytes as a number: where it stands in which words."""
        for word, at in sorted(windows.items()):
            code = int.from_bytes(word[at : at + WINDOW], "little")
            self.by_code.setdefault(code, []).append((at, word))
        self.needed = tuple(needed)
        self.anywhere = re.compile(b"|".join(map(re.escape, sorted(needed))) or rb"(?!)")

    @cached_property
    def codes(self) -> NDArray[np.uint32]:
        """Of `by_code`, in order, and one beyond all of them."""
        import numpy as np

        return np.array([*sorted(self.by_code), 0xFFFFFFFF], np.uint32)


_tables_for = lru_cache(maxsize=8)(_Tables)


class HotWords:
    """A scan for `words`. Remembers the lines of the last block, so that several readers share one scan."""

    def __init__(self, words: Iterable[bytes]) -> None:
        self.words = frozenset(words)
        self._tables = tables = _tables_for(self.words)
        self._by_code = tables.by_code
        self._needed = tables.needed
        self._anywhere = tables.anywhere
        self._block: Block | None = None
        self._lines: list[Line] = []

    def lines(self, block: Block) -> list[Line]:
        """The lines of `block` that hold a word, in order, parsed once for all readers."""
        if block is not self._block:
            self._lines = [next(lines(block, start)) for start in self.starts(block)]
            self._block = block
        return self._lines

    def starts(self, block: Block) -> list[int]:
        """Where the lines of `block` start that hold a word whole, in order."""
        data, found, after = block.data, [], 0
        for place, end in self._places(data):
            if place < after:
                continue
            start = line_start(block, place, after)
            newline = data.find(b"\n", start, start + LIMIT)
            after = newline + 1 if newline >= 0 else min(start + LIMIT, len(data))
            if end <= after or self._anywhere.search(data, start, after):
                found.append(start)
            else:
                after = start  # this word goes on in the next part of an overlong line; others may not
        return found

    def _places(self, data: bytes) -> Iterable[tuple[int, int]]:
        """Where words stand: start and end, in order of their windows."""
        if len(data) >= SMALL:
            return self._fast(data)
        return self._plain(data)

    def _plain(self, data: bytes) -> Iterable[tuple[int, int]]:
        if not any(word in data for word in self._needed):
            return
        hit = self._anywhere.search(data)
        while hit is not None:
            yield hit.span()
            hit = self._anywhere.search(data, hit.start() + 1)

    def _fast(self, data: bytes) -> Iterable[tuple[int, int]]:
        import numpy as np

        by_code, codes = self._by_code, self._tables.codes
        allowed = self._tables.allowed
        for begin in range(0, len(data), PIECE):
            piece = data[begin : begin + PIECE + WINDOW - 1]
            size = len(piece) - WINDOW + 1
            if size <= 0:
                return
            mask = np.frombuffer(piece.translate(allowed[0]), np.uint8)[:size].copy()
            for shift in range(1, WINDOW):
                mask &= np.frombuffer(piece.translate(allowed[shift]), np.uint8)[shift : shift + size]
            places = np.flatnonzero(mask != 0)
            if not len(places):
                continue
            text = np.frombuffer(piece, np.uint8)
            code = text[places].astype(np.uint32)
            for shift in range(1, WINDOW):
                code |= text[places + shift].astype(np.uint32) << (8 * shift)
            known = codes[np.searchsorted(codes[:-1], code)] == code
            for place, number in zip(places[known].tolist(), code[known].tolist(), strict=True):
                for offset, word in by_code[number]:
                    at = begin + place - offset
                    if at >= 0 and data.startswith(word, at):
                        yield at, at + len(word)


def _window(word: bytes, weight: list[float]) -> int:
    """The offset of the rarest bytes of `word`."""

    def common(offset: int) -> float:
        product = 1.0
        for byte in word[offset : offset + WINDOW]:
            product *= weight[byte]
        return product

    return min(range(len(word) - WINDOW + 1), key=common)


def _tables(windows: dict[bytes, int], weight: list[float]) -> list[bytes]:
    """Per byte of the window, the groups in which a byte may stand there."""
    groups: list[list[set[int]]] = [[set() for _ in range(WINDOW)] for _ in range(GROUPS)]

    def cost(group: list[set[int]]) -> float:
        product = 1.0
        for members in group:
            product *= sum(weight[byte] for byte in members)
        return product

    def grown(group: list[set[int]], window: bytes) -> list[set[int]]:
        return [members | {byte} for members, byte in zip(group, window, strict=True)]

    for window in sorted({word[offset : offset + WINDOW] for word, offset in windows.items()}):
        best = min(
            range(GROUPS), key=lambda number: cost(grown(groups[number], window)) - cost(groups[number])
        )
        groups[best] = grown(groups[best], window)
    tables = [bytearray(256) for _ in range(WINDOW)]
    for number, group in enumerate(groups):
        for table, members in zip(tables, group, strict=True):
            for byte in members:
                table[byte] |= 1 << number
    return [bytes(table) for table in tables]
