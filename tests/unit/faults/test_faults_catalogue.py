"""The list of faults says everything that a person needs to know of each."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.faults import agent, clock, memory, processor, rooms
from lab.faults.catalogue import KINDS
from lab.faults.kind import MASKS, Kind
from lab.faults.scripts import POSIX, Scripts
from lab.model import Family

PAGE = Path(__file__).parents[3] / "docs/injecting-faults.md"
TABLES = (agent.KILL, agent.STOP, agent.DENY, clock.CLOCK, memory.SQUEEZE)
SCRIPTS: list[Scripts] = [table[Family.LINUX] for table in TABLES]
SCRIPTS += [rooms.FULL_LINUX, rooms.READ_ONLY, processor.NMI]


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


@pytest.mark.parametrize("scripts", SCRIPTS, ids=range(len(SCRIPTS)))
def test_scripts_for_linux_are_valid_posix_shell(scripts: Scripts) -> None:
    for text in (scripts.inject, scripts.prove, scripts.undo):
        done = subprocess.run(["sh", "-n"], input=POSIX + text, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
