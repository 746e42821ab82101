"""The bytes that go into a guest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import ArtefactError
from lab.guest.source import Source


@given(content=st.binary(max_size=200), size=st.integers(1, 64))
def test_pieces_make_up_the_content(content: bytes, size: int) -> None:
    source = Source.of(content)
    pieces = list(source.pieces(size))
    assert b"".join(pieces) == content
    assert all(0 < len(piece) <= size for piece in pieces)
    assert (source.size, source.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_file_is_the_same_as_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert Source.of(path).sha256 == Source.of(b"0123456789").sha256
    assert list(Source.of(path).pieces(4)) == [b"0123", b"4567", b"89"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"absent: cannot be read to be put into a guest: No such file"):
        Source.of(tmp_path / "absent")
