"""The canaries as data: each can be run, and names only what exists."""

from __future__ import annotations

import re

import pytest

from lab.model import Diagnosis, FindingKind
from lab.selftest import module
from lab.selftest.canaries import CANARIES, CHANNELS, Act, Canary
from lab.selftest.specimens import ANY, SPECIMENS
from lab.selftest.standin.table import STANDINS


def faults() -> set[str]:
    """The names in the tables of the kernel module's sources."""
    text = "".join(path.read_text() for path in module.SOURCE.glob("*.c"))
    return set(re.findall(r'^\t\{ "([a-z0-9-]+)",', text, re.MULTILINE))


def test_names_are_unique_and_safe_in_file_names() -> None:
    names = [canary.name for canary in CANARIES]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)
def test_a_canary_can_be_run_and_judged(canary: Canary) -> None:
    assert canary.summary
    assert set(canary.channels) <= set(CHANNELS)
    assert set(canary.kinds) <= set(FindingKind)
    assert bool(canary.kinds) == bool(canary.channels), "what is found is seen by somebody"
    assert canary.diagnosis in {"", *Diagnosis}
    re.compile(canary.title)
    if canary.act is Act.FAULT:
        assert canary.argument in faults()
    assert canary.standin == (canary.act is Act.STAND_IN)


def test_every_way_to_die_that_the_lab_promises_to_see_has_a_canary() -> None:
    promised = (
        "panic", "oops", "hang-spin", "hang-deadlock", "oom", "reset", "boot-loop", "no-root", "agent-lost",
    )  # fmt: skip
    assert set(promised) <= {canary.name for canary in CANARIES}


def test_some_canaries_are_well_and_nothing_may_be_found_in_them() -> None:
    well = [canary for canary in CANARIES if not canary.kinds]
    assert {canary.standin for canary in well} == {True, False}


def test_every_stand_in_is_a_canary_and_says_that_it_is_one() -> None:
    standins = {canary.argument: canary for canary in CANARIES if canary.standin}
    assert standins.keys() == STANDINS.keys()
    assert all(canary.name.startswith("stand-in-") for canary in standins.values())


def test_the_quick_ones_are_one_that_dies_and_one_that_is_well() -> None:
    quick = [canary for canary in CANARIES if canary.quick]
    assert [bool(canary.kinds) for canary in quick] == [False, True]


def test_the_module_has_many_faults_and_each_specimen_names_one_of_them() -> None:
    assert len(faults()) >= 25
    assert {specimen.fault for specimen in SPECIMENS if specimen.fault} <= faults()
    assert {specimen.kind for specimen in SPECIMENS} <= {*FindingKind, ANY, ""}
    for specimen in SPECIMENS:
        re.compile(specimen.title)
