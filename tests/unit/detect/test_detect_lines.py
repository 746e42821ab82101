"""Lines of the console, whatever decorates them and however they arrive."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.detect.lines import LIMIT, LineStream, lines, parse
from lab.model import SerialChunk


def text_of(raw: bytes) -> str:
    return parse(raw, 0, 0.0).text


@pytest.mark.parametrize(
    "raw",
    [
        b"Oops: 0002 [#1] SMP\n",
        b"Oops: 0002 [#1] SMP\r\n",
        b"[   12.345678] Oops: 0002 [#1] SMP\r\n",
        b"<4>[   12.345678] Oops: 0002 [#1] SMP\n",
        b"[   12.345678][  T123] Oops: 0002 [#1] SMP\n",
        b"[   12.345678] [   C0] Oops: 0002 [#1] SMP\n",
        b"\x1b[0;1;31m[   12.345678] Oops: 0002 [#1] SMP\x1b[0m\n",
        b"fleet login: [   12.345678] Oops: 0002 [#1] SMP\n",
        b"some text without an end[    2.000000] rest[   12.345678] Oops: 0002 [#1] SMP\n",
        b"Nov 23 05:57:54 fleet kernel: [   12.345678] Oops: 0002 [#1] SMP\n",
        b"2026-11-23T05:57:54.123+00:00 fleet kernel: Oops: 0002 [#1] SMP\n",
        b"Press Ctrl-B for the command line...\b \b\b \bOops: 0002 [#1] SMP\r\n",
        b"50 %\r\x00Oops: 0002 [#1] SMP\r\n",
    ],
)
def test_decoration_is_taken_off(raw: bytes) -> None:
    assert text_of(raw) == "Oops: 0002 [#1] SMP"


def test_the_kernels_clock_is_read() -> None:
    assert parse(b"[   12.345678] hello\n", 0, 0.0).stamp == 12.345678
    assert parse(b"hello\n", 0, 0.0).stamp is None


def test_offsets_cover_the_line_and_its_end() -> None:
    line = parse(b"[    1.000000] x\r\n", 40, 2.5)
    assert (line.start, line.end, line.t_s) == (40, 58, 2.5)


def test_bytes_that_were_seen_already_are_dropped() -> None:
    stream = LineStream()
    first = stream.feed(SerialChunk(t_s=0, start=0, data=b"one\ntw"))
    again = stream.feed(SerialChunk(t_s=1, start=4, data=b"two\n"))
    assert first is not None
    assert again is not None
    assert (first.data, again.data, again.start) == (b"one\n", b"two\n", 4)


def test_a_gap_in_the_stream_starts_a_new_line() -> None:
    stream = LineStream()
    assert stream.feed(SerialChunk(t_s=0, start=0, data=b"half a li")) is None
    block = stream.feed(SerialChunk(t_s=1, start=100, data=b"new\n"))
    assert block is not None
    assert (block.start, block.data) == (100, b"new\n")


def test_an_endless_line_does_not_fill_the_memory() -> None:
    stream = LineStream()
    block = stream.feed(SerialChunk(t_s=0, start=0, data=b"x" * (3 * LIMIT + 5)))
    assert block is not None
    assert len(block.data) == 3 * LIMIT
    assert [line.end - line.start for line in lines(block)] == [LIMIT] * 3


@given(
    data=st.binary(max_size=6000) | st.text("ab\n\r", max_size=9000).map(str.encode),
    cuts=st.lists(st.integers(0, 9000)),
)
def test_lines_do_not_depend_on_how_the_stream_was_cut(data: bytes, cuts: list[int]) -> None:
    whole = _lines(data, [])
    assert _lines(data, cuts) == whole
    assert b"".join(data[start:end] for start, end, _ in whole) == data


def _lines(data: bytes, cuts: list[int]) -> list[tuple[int, int, str]]:
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    stream, found = LineStream(), []
    blocks = [stream.feed(SerialChunk(t_s=0, start=a, data=data[a:b])) for a, b in pairwise(edges)]
    for block in [*blocks, stream.finish()]:
        if block is not None:
            found += [(line.start, line.end, line.text) for line in lines(block)]
    return found
