"""The list of faults says everything that a person needs to know of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.faults.catalogue import KINDS
from lab.faults.kind import MASKS, Kind

PAGE = Path(__file__).parents[3] / "docs/injecting-faults.md"


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_fault_says_what_it_does_how_it_is_proven_and_how_it_ends(kind: Kind) -> None:
    for words in (kind.what, kind.proof, kind.undo):
        assert words
        assert not words.endswith(".")
    assert kind.families
    assert set(kind.masks) <= set(MASKS)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_defaults_and_draws_are_within_their_own_ranges(kind: Kind) -> None:
    values = kind.resolve({})
    assert set(values) == {parameter.name for parameter in kind.parameters}
    for parameter in kind.parameters:
        for value in parameter.drawn or ():
            assert kind.resolve({parameter.name: value})[parameter.name] == value


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_fault_is_on_its_page(kind: Kind) -> None:
    assert f"| `{kind.name}` |" in PAGE.read_text()
