"""Excerpts of the console: right bytes, clean lines, no secrets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.model import EvidenceRef, SerialChunk
from lab.report.console import (
    LINES_BEFORE,
    LINES_LAST,
    LINES_MARKED,
    Console,
    around,
    evidence_on_console,
    last_words,
)


def on_console(data: bytes, size: int = 7) -> Console:
    """A console whose bytes arrived in small pieces, one a second."""
    return Console(
        None,
        [
            SerialChunk(t_s=float(at), start=start, data=data[start : start + size])
            for at, start in enumerate(range(0, len(data), size))
        ],
    )


def lines(number: int) -> bytes:
    return b"".join(b"line %03d\r\n" % at for at in range(number))


def ref(start: int, end: int) -> EvidenceRef:
    return EvidenceRef(path="serial.log", start=start, end=end)


def test_the_marked_lines_are_those_of_the_evidence():
    data = lines(60)
    excerpt = around(on_console(data), "p", ref(200, 220), 0.0)
    assert [line.text for line in excerpt.lines if line.marked] == ["line 020", "line 021"]
    assert len(excerpt.lines) == LINES_BEFORE + 2 + 6
    for line in excerpt.lines:
        assert data[line.offset :].startswith(line.text.encode())


def test_the_file_is_read_when_it_is_there(tmp_path):
    (tmp_path / "serial.log").write_bytes(b"from the file\nsecond\n")
    excerpt = around(Console(tmp_path, []), "p", ref(0, 5), 0.0)
    assert excerpt.lines[0].text == "from the file"
    assert excerpt.lines[0].marked


def test_a_long_crash_is_cut_and_says_so():
    excerpt = around(on_console(lines(200)), "p", ref(0, 1000), 0.0)
    assert sum(line.marked for line in excerpt.lines) == LINES_MARKED
    assert excerpt.left_out == 100 - LINES_MARKED


def test_without_evidence_the_last_lines_before_the_failure_are_shown():
    excerpt = around(on_console(lines(100), size=10), "p", None, 49.0)
    assert [line.text for line in excerpt.lines][-1] == "line 049"
    assert len(excerpt.lines) == LINES_LAST
    assert not any(line.marked for line in excerpt.lines)
    assert excerpt.mark_start == excerpt.mark_end


def test_evidence_beyond_the_end_of_the_file_is_no_excerpt():
    assert around(on_console(b"short\n"), "p", ref(100, 200), 0.0) is None


def test_a_silent_console_has_no_excerpt():
    assert last_words(on_console(b""), "p", 0) is None
    assert last_words(on_console(b"\r\n\r\n"), "p", 4) is None


def test_the_reference_into_the_serial_log_is_found_among_others():
    frame = EvidenceRef(path="frames/1.png")
    assert evidence_on_console([frame, ref(1, 2)]) == ref(1, 2)
    assert evidence_on_console([frame]) is None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (b"\x1b[0;1;31mred\x1b[0m\r\n", "red"),
        (b"\x1b]0;title\x07after\n", "after"),
        (b"a\tb\x00\x08c\n", "a    bc"),
        (b"password=hunter2 ok\n", "password=[redacted] ok"),
        ("\u202egnp.exe\n".encode(), "gnp.exe"),
    ],
)
def test_a_line_is_plain_text(said, shown):
    assert last_words(on_console(said), "p", len(said)).lines[0].text == shown


def test_a_private_key_is_masked_line_by_line_also_when_its_start_is_out_of_sight():
    key = b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB\n-----END OPENSSH PRIVATE KEY-----\nafter\n"
    for data in (key, key[40:]):
        texts = [line.text for line in last_words(on_console(data), "p", len(data)).lines]
        assert texts[-1] == "after"
        assert not any("AAAA" in text or "BBBB" in text for text in texts)


@settings(deadline=None)
@given(data=st.binary(max_size=3000), cut=st.tuples(st.integers(0, 3000), st.integers(0, 3000)))
def test_no_bytes_of_a_guest_break_an_excerpt(data, cut):
    start, end = sorted(cut)
    excerpt = around(on_console(data, 64), "p", ref(start, end), 1.0)
    if excerpt is None:
        return
    assert 0 <= excerpt.start <= excerpt.end <= len(data)
    for line in excerpt.lines:
        assert all(one.isprintable() or one.isspace() for one in line.text if one < "\x80")
        assert "\n" not in line.text
        assert excerpt.start <= line.offset < excerpt.end
