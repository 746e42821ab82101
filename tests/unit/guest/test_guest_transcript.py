"""What of a command goes into the recording."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.guest.transcript import KEPT_CHARS, kept


@given(st.binary(max_size=2000))
def test_short_output_is_kept_whole(output: bytes) -> None:
    assert kept(b"x" + output).startswith("x")
    assert "left out" not in kept(output)


def test_long_output_keeps_both_ends_and_says_how_much_is_missing() -> None:
    text = kept(b"begin" + b"." * 100_000 + b"end")
    assert text.startswith("begin")
    assert text.endswith("end")
    assert f"[... {100_008 - 2 * KEPT_CHARS} characters left out ...]" in text


def test_huge_output_is_cut_without_reading_its_middle() -> None:
    size = 30_000_000
    text = kept(bytes(size))
    assert len(text) < 2 * KEPT_CHARS + 100
    assert f"{size - 2 * KEPT_CHARS} characters left out" in text


def test_secrets_are_masked_even_where_the_cut_would_hide_their_name() -> None:
    output = b"." * (KEPT_CHARS - 8) + b"password=hunter2-and-more" + b"." * 100_000
    assert "hunter2" not in kept(output)


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert kept(b"a\xffb") == "a�b"
