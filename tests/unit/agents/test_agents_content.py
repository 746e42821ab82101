"""Content formats: reading what is declared, refusing what does not follow it."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab import agents
from lab.agents.content import Algorithm, ContentFormat, Part, Role, follows, read
from lab.agents.coverage import coverage
from lab.errors import ArtefactError, ConfigError
from lab.model import Family

FOLDER = Path(__file__).resolve().parents[3] / "agents/demo-sensor"
FAMILY = agents.load(FOLDER).family(Family.LINUX)


def declared() -> ContentFormat:
    assert FAMILY.content_format is not None
    return FAMILY.content_format


def shipped(name: str) -> bytes:
    return FAMILY.contents[name].path.read_bytes()


@pytest.mark.parametrize(("name", "fields"), [("289", 21), ("290", 21), ("291", 21), ("292", 20)])
def test_every_good_content_follows_the_declared_format(name: str, fields: int) -> None:
    content = read(declared(), shipped(name))
    assert len(content.fields) == fields
    assert content.fields[0].value == b"exec"
    assert len(content.values) + len(content.wildcards) == fields


def test_the_july_content_is_the_first_with_a_value_in_the_field_that_no_build_supplies() -> None:
    assert "session" in read(declared(), shipped("290")).wildcards
    assert "session" in read(declared(), shipped("291")).values


@pytest.mark.parametrize(
    ("name", "words"), [("zeros", "magic is"), ("truncated", "size says 143 bytes, there are 71")]
)
def test_a_damaged_content_is_refused_with_the_place(name: str, words: str) -> None:
    with pytest.raises(ArtefactError, match=words):
        read(declared(), shipped(name))


def test_a_file_that_ends_in_its_header_says_where() -> None:
    with pytest.raises(ArtefactError, match="ends at byte 9, in format"):
        read(declared(), shipped("292")[:9])


@settings(max_examples=40, deadline=None)
@given(at=st.integers(0, 142), bit=st.integers(0, 7))
def test_no_flipped_bit_goes_unseen(at: int, bit: int) -> None:
    data = bytearray(shipped("292"))
    data[at] ^= 1 << bit
    assert not follows(declared(), bytes(data))


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_and_nothing_else(data: bytes) -> None:
    follows(declared(), data)


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("blank", [True, False])
def test_checksums_of_any_kind_can_be_computed(order: str, algorithm: Algorithm, blank: bool) -> None:
    size = 32 if algorithm is Algorithm.SHA256 else 4
    part = Part(name="sum", at=2, size=size, role=Role.CHECKSUM, algorithm=algorithm, blank=blank)
    form = replace(declared(), order=order, header=(part,))
    data = b"ab" + bytes(size) + b"cd"
    found = form.checksum(data, part)
    assert len(found) == size
    whole = b"ab" + (bytes(size) if blank else b"") + b"cd"
    if algorithm is Algorithm.CRC32:
        assert int.from_bytes(found, order) == zlib.crc32(whole)  # type: ignore[arg-type]
    assert found == form.checksum(b"ab" + found + b"cd", part), "its own bytes do not count"


def test_coverage_tells_what_was_compared_and_what_never_was() -> None:
    content = read(declared(), shipped("292"))
    seen = coverage(content, matched=True)
    assert seen.values == ("kind", "path", "name")
    assert "kernel" in seen.wildcards
    assert len(seen.wildcards) == 17
    assert coverage(content, matched=False).values == (), "a content that never matched compared nothing"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("algorithm: crc32", "algorithm: crc64", "algorithm"),
        ("role: checksum, algorithm: crc32", "role: checksum", "wanted an algorithm of the checksum"),
        ("text: DEMOSENS", "text: DEMO", "wanted 8 bytes of text, got 4"),
        ("size: 2, role: length", "size: 2, role: other", "wanted a part with the role length"),
        ("size: 1, role: type", "size: 1, role: count", "wanted roles type, matcher, length and other"),
    ],
)
def test_a_format_that_cannot_be_says_why(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = (FOLDER / "agent.yaml").read_text()
    assert old in text
    folder = tmp_path / "demo-sensor"
    folder.mkdir()
    (folder / "agent.yaml").write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match=words):
        agents.load(folder)
