"""The stop codes of the fault catalogue, entry by entry, as they stand in the data files."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

DATA = files("lab.detect.faults") / "data"
FILES = sorted(item.name for item in DATA.iterdir() if item.name.startswith("bugchecks-"))
FACTS = {"name", "meaning", "parameters", "cause", "checks", "provoke"}
CAUSES = {
    "driver", "memory", "disk", "file-system", "hardware", "firmware", "boot", "kernel", "power", "graphics",
    "network", "security", "usb", "storage", "hypervisor", "processor", "watchdog", "deliberate", "software",
    "unknown",
}  # fmt: skip
COUNTS = {"stop": 479, "live-dump": 60, "message": 11}
"""All codes of the driver documentation and of the SDK's bugcodes.h together: 550."""

Entry = dict[str, Any]


@cache
def in_file(name: str) -> tuple[Entry, ...]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return tuple(yaml.load((DATA / name).read_text(encoding="utf-8"), Loader=loader))


def entries() -> list[Entry]:
    return [entry for name in FILES for entry in in_file(name)]


def label(entry: Entry) -> str:
    return f"0x{entry['code']:X} {entry['name']}"


def wrong(entry: Entry) -> list[str]:
    """What is wrong with one entry by itself, in words."""
    parameters, checks = entry["parameters"], entry["checks"]
    faults = {
        "class": entry["class"] not in COUNTS,
        "cause": entry["cause"] not in CAUSES,
        "name": not re.fullmatch(r"[A-Z][A-Z0-9_]+", entry["name"]),
        "meaning": len(entry["meaning"].split()) < 4 or not entry["meaning"].endswith("."),
        "number of parameters": len(parameters) not in (0, 4),
        "a parameter": not all(isinstance(text, str) and text.strip() for text in parameters),
        "number of checks": not 1 <= len(checks) <= 5,
        "a check": not all(isinstance(text, str) and len(text.split()) >= 2 for text in checks),
        "provoke": not re.match(r"no known way on purpose: \S|(?!no known way)\S", entry["provoke"]),
        "a fact's source": {key for key, value in entry["sources"].items() if value} != FACTS,
    }
    return [what for what, holds in faults.items() if holds]


def test_every_stop_live_dump_and_message_code_is_there() -> None:
    assert Counter(entry["class"] for entry in entries()) == COUNTS


def test_every_code_is_there_once() -> None:
    twice = [code for code, times in Counter(entry["code"] for entry in entries()).items() if times > 1]
    assert not twice


@pytest.mark.parametrize("name", FILES)
def test_every_entry_of_a_file_is_whole_and_each_fact_has_a_source(name: str) -> None:
    assert not {label(entry): wrong(entry) for entry in in_file(name) if wrong(entry)}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_in_the_order_of_its_codes_and_within_the_range_of_its_name(name: str) -> None:
    codes = [entry["code"] for entry in in_file(name)]
    assert codes == sorted(codes)
    bounds = re.fullmatch(r"bugchecks-([0-9a-f]+)-([0-9a-f]+)\.yaml", name)
    if bounds:
        low, high = (int(bound, 16) for bound in bounds.groups())
        assert low <= codes[0]
        assert codes[-1] <= high


def test_no_parameter_is_explained_where_its_source_says_that_none_is_documented() -> None:
    odd = [
        label(entry)
        for entry in entries()
        if bool(entry["parameters"]) and entry["sources"]["parameters"].startswith("none")
    ]
    assert not odd


def test_no_alias_is_the_name_of_another_code() -> None:
    names = {entry["name"]: entry["code"] for entry in entries()}
    clashes = [
        (label(entry), alias)
        for entry in entries()
        for alias in entry.get("aliases", [])
        if names.get(alias, entry["code"]) != entry["code"]
    ]
    assert not clashes


def test_a_further_code_is_the_minidump_or_message_form_of_its_entry() -> None:
    for entry in entries():
        for code in entry.get("codes", []):
            assert code & 0xFFFFFFF == entry["code"], label(entry)
            assert code >> 28 in (1, 4), label(entry)


def test_minidump_forms_have_the_cause_of_the_stop_they_stand_for() -> None:
    causes = {entry["code"]: entry["cause"] for entry in entries()}
    assert [
        hex(code) for code in causes if code >> 28 == 1 and causes[code] != causes[code & 0xFFFFFFF]
    ] == []


def test_the_table_of_causes_in_the_docs_counts_what_the_data_holds() -> None:
    docs = Path(__file__).parents[4] / "docs" / "faults.md"
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", docs.read_text(encoding="utf-8"), re.MULTILINE)
    assert {cause: int(count) for cause, count in rows} == Counter(entry["cause"] for entry in entries())
