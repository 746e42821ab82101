"""Which requests of a disk fail."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.faults.badblocks import BLOCK, MOST_RULES, SECTOR, bad_sectors, rules


@settings(max_examples=50)
@given(seed=st.integers(), blocks=st.integers(1, 1 << 22), rate=st.floats(1e-6, 1, exclude_max=True))
def test_bad_blocks_lie_on_the_disk_and_are_as_many_as_asked(seed: int, blocks: int, rate: float) -> None:
    size = blocks * BLOCK
    found = bad_sectors(random.Random(seed), size, rate)
    assert found == bad_sectors(random.Random(seed), size, rate)
    assert len(set(found)) == len(found) == min(blocks, max(1, min(MOST_RULES, round(blocks * rate))))
    assert all(0 <= sector * SECTOR < size and sector * SECTOR % BLOCK == 0 for sector in found)


def test_a_rate_of_one_is_the_whole_disk() -> None:
    assert bad_sectors(random.Random(1), 1 << 30, 1.0) == ()
    assert rules("write") == [
        {"event": "none", "errno": 5, "once": False, "immediately": False, "iotype": "write"}
    ]


@pytest.mark.parametrize(
    ("operation", "sectors", "wanted"),
    [
        ("read", (8, 16), [("read", 8), ("read", 16)]),
        ("flush", (8,), [("flush", None)]),
        ("any", (8,), [("read", 8), ("write", 8), ("flush", None)]),
        ("any", (), [("read", None), ("write", None), ("flush", None)]),
    ],
)
def test_a_rule_names_the_request_and_the_sector(
    operation: str, sectors: tuple[int, ...], wanted: list[tuple[str, int | None]]
) -> None:
    made = rules(operation, sectors=sectors)
    assert [(rule["iotype"], rule.get("sector")) for rule in made] == wanted
