"""The fast search finds the same lines as a slow one, whatever the size of a block."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.detect.hotwords import SMALL, HotWords
from lab.detect.lines import LIMIT, Block, lines
from lab.detect.linux.console import HOT_WORDS

WORDS = (b"BUG: ", b"Kernel panic", b"word that is long", b"[#1]", b"Kern")
SCAN = HotWords(WORDS)
PIECES = st.sampled_from(
    [*WORDS, b"BUG:", b"Kernel pani", b"\n", b"\r\n", b" ", b"x" * 700, b"[    1.000000] ", b"\x00\xff"]
)


def slow(block: Block) -> list[int]:
    places = [(line.start - block.start, line.end - block.start) for line in lines(block)]
    return [start for start, end in places if any(word in block.data[start:end] for word in WORDS)]


@settings(max_examples=150, deadline=None)
@given(parts=st.lists(PIECES, max_size=60), start=st.integers(0, 5000))
def test_the_lines_found_are_those_that_hold_a_word(parts: list[bytes], start: int) -> None:
    for data in (b"".join(parts), b"".join(parts) + b"\n" + b"healthy text\n" * 200):
        block = Block(0.0, start, data)
        assert SCAN.starts(block) == slow(block)


def test_small_and_large_blocks_are_searched_alike() -> None:
    data = b"line 1\nline 2\n[    1.0] BUG: x\n"
    assert len(data) < SMALL
    padded = data + b"padding\n" * 1000
    assert SCAN.starts(Block(0.0, 0, data)) == SCAN.starts(Block(0.0, 0, padded))


def test_a_word_across_the_end_of_an_overlong_line_is_in_neither_part() -> None:
    data = b"x" * (LIMIT - 3) + b"Kernel panic" + b"y" * LIMIT + b"\n"
    assert SCAN.starts(Block(0.0, 0, data)) == []


def test_readers_share_the_parsed_lines_of_a_block() -> None:
    block = Block(0.0, 0, b"BUG: one\nnothing\nBUG: two\n")
    assert SCAN.lines(block) is SCAN.lines(block)
    assert [line.text for line in SCAN.lines(block)] == ["BUG: one", "BUG: two"]


def test_words_that_are_too_short_are_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        HotWords([b"abc"])


def test_the_console_has_words_to_look_for() -> None:
    assert b"Kernel panic" in HOT_WORDS
