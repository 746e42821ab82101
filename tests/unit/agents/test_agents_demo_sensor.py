"""The shipped agent folder: its manifest, its contents and its scripts, without a guest."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import struct
import sys
import zlib
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab import agents
from lab.config.values import VERSION_PATTERN
from lab.model import Family

FOLDER = Path(__file__).resolve().parents[3] / "agents/demo-sensor"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_content", FOLDER / "make_content.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


MAKE = generator()


def fields(data: bytes) -> list[tuple[int, int, bytes]]:
    """An independent reader of the format in README.md."""
    found, at = [], 24
    while at < len(data):
        kind, matcher, length = struct.unpack_from("<BBH", data, at)
        found.append((kind, matcher, data[at + 4 : at + 4 + length]))
        at += 4 + length
    return found


def test_every_file_of_the_manifest_has_its_digest() -> None:
    family = agents.load(FOLDER).family(Family.LINUX)
    for spec in (*family.files, *family.contents.values()):
        assert hashlib.sha256(spec.path.read_bytes()).hexdigest() == spec.sha256, spec.path


def test_the_contents_are_what_the_generator_makes() -> None:
    made = MAKE.files()
    assert {path.name for path in (FOLDER / "content").iterdir()} == set(made)
    for name, data in made.items():
        assert (FOLDER / "content" / name).read_bytes() == data, name


def test_the_manifest_ships_every_content() -> None:
    family = agents.load(FOLDER).family(Family.LINUX)
    assert set(family.contents) == {"289", "290", "291", "292", "zeros", "truncated"}


def test_every_build_of_the_manifest_is_in_the_sources_and_says_what_it_is() -> None:
    family = agents.load(FOLDER).family(Family.LINUX)
    known = re.findall(r'#define DEMO_SENSOR_BUILD "(.+)"', (FOLDER / "src/build.h").read_text())
    assert list(family.builds) == known
    for name, build in family.builds.items():
        assert build.summary
        assert re.fullmatch(VERSION_PATTERN, name), "lab.yaml could not name it"
        assert build.compile is not None
        assert [one.to for one in build.compile.outputs] == [
            f"builds/{name}/demo_sensor.ko",
            f"builds/{name}/demo-sensord",
        ]


def test_every_defect_is_in_one_build_alone() -> None:
    """Each bad build differs from the good one by one line, and the good one by none."""
    text = (FOLDER / "src/build.h").read_text()
    table = text[: text.index("#else")]
    sections = re.split(r"#(?:el)?if defined\(DEMO_SENSOR_BUILD_\w+\)", table)[1:]
    defects = [re.findall(r"#define (DEMO_SENSOR_(?!GENERATION)\w+) 1\n", one) for one in sections]
    names = [re.findall(r'#define DEMO_SENSOR_BUILD "(.+)"', section)[0] for section in sections]
    found = dict(zip(names, defects, strict=True))
    assert found["2.0"] == []
    for name in names:
        if name.startswith("2.1-"):
            assert len(found[name]) == 1, name
    every = [defect for one in defects for defect in one]
    assert len(every) == len(set(every))
    code = "".join(path.read_text() for path in (FOLDER / "src").glob("*/*.[ch]"))
    for defect in every:
        assert defect in code
        assert f"#define {defect} 0\n" in text


@pytest.mark.parametrize("content", ["289", "290"])
def test_earlier_contents_have_a_wildcard_in_the_21st_field(content: str) -> None:
    read = fields(MAKE.files()[f"{content}.content"])
    assert len(read) == 21
    assert read[20][1:] == (0, b"")


def test_content_291_has_a_value_in_the_21st_field_and_fits_every_program_before_it() -> None:
    read = fields(MAKE.files()["291.content"])
    assert len(read) == 21
    assert read[20][1] == 1
    assert [one[1:] for one in read[:20]] == [(1, b"exec"), *[(0, b"")] * 19]


def test_content_292_stays_within_what_every_build_supplies() -> None:
    read = fields(MAKE.files()["292.content"])
    assert len(read) == 20
    assert any(matcher == 1 for _, matcher, _ in read)


def test_zeros_and_truncated_are_what_they_are_called() -> None:
    made = MAKE.files()
    assert set(made["zeros.content"]) == {0}
    assert made["292.content"].startswith(made["truncated.content"])
    assert len(made["truncated.content"]) < len(made["292.content"])


def test_the_generator_and_the_module_agree_on_the_number_of_inputs() -> None:
    header = (FOLDER / "src/module/sensor.h").read_text()
    assert f"#define DEMO_SENSOR_INPUTS {len(MAKE.INPUTS)}\n" in header
    events = (FOLDER / "src/module/events.c").read_text()
    assert events.count("*input++ = ") == len(MAKE.INPUTS)


@given(
    count=st.integers(1, 21),
    number=st.integers(0, 2**32 - 1),
    value=st.text(alphabet="abc/é-", min_size=1, max_size=40),
)
def test_any_content_has_an_honest_header(count: int, number: int, value: str) -> None:
    data = MAKE.Content(id=number, count=count, values={"kind": value}).bytes()
    magic, version, declared, identity, size, checksum = struct.unpack_from("<8sHHIII", data)
    assert (magic, version, declared, identity, size) == (b"DEMOSENS", 1, count, number, len(data))
    assert checksum == zlib.crc32(data[:20] + bytes(4) + data[24:])
    assert len(fields(data)) == count


def test_guest_scripts_are_for_a_plain_shell() -> None:
    for name in ("demo-sensor.sh", "S50demo-sensor"):
        text = (FOLDER / "guest" / name).read_text()
        assert text.startswith("#!/bin/sh\n")
        for bashism in ("[[", "function ", "local ", "<<<", "${!", "=~"):
            assert bashism not in text, (name, bashism)
