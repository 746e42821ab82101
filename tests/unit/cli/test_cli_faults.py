"""`lab faults` as words in, text and exit codes out."""

from __future__ import annotations

import json

import pytest

from lab.cli import invoke
from lab.faults.catalogue import KINDS

CaptureText = pytest.CaptureFixture[str]


def test_all_faults_are_listed_with_what_proves_them(capsys: CaptureText) -> None:
    assert invoke(["faults"]) == 0
    text = capsys.readouterr().out
    for kind in KINDS.values():
        assert kind.name in text
        assert kind.proof in text
    assert "awaits a real host" in text


def test_one_fault_is_shown_with_its_parameters_and_their_ranges(capsys: CaptureText) -> None:
    assert invoke(["faults", "net-loss"]) == 0
    assert "rate 0.001..1 (default 0.2): share of the packets" in capsys.readouterr().out


def test_the_list_can_be_that_of_one_family(capsys: CaptureText) -> None:
    assert invoke(["faults", "--family", "windows", "--json"]) == 0
    names = {one["name"] for one in json.loads(capsys.readouterr().out)}
    assert "power-cut" in names
    assert "nmi" not in names


@pytest.mark.parametrize("words", [["net-los"], ["--family", "amiga"]])
def test_unknown_words_are_exit_code_2(words: list[str], capsys: CaptureText) -> None:
    assert invoke(["faults", *words]) == 2
    assert capsys.readouterr().err.startswith("lab: error: ")
