"""`compare:` in lab.yaml: margins, level and budget become the plan of every comparison."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.config import load
from lab.errors import ConfigError
from lab.model import DEFAULT_MARGINS, TestPlan

LAB = Path(__file__).parents[3] / "lab.yaml"


def lab(tmp_path: Path, more: str = ""):
    path = tmp_path / "lab.yaml"
    path.write_text(LAB.read_text() + more)
    return load(path)


def test_without_the_key_runs_are_compared_by_the_defaults(tmp_path):
    made = lab(tmp_path)
    assert made.compare == TestPlan()
    assert not made.gate.require_comparison


def test_own_margins_come_before_the_labs(tmp_path):
    made = lab(tmp_path, 'compare: {figures: {"update_s": 0.5, "files-*": 0.3}}\n').compare
    assert list(made.margins)[:2] == ["update_s", "files-*"]
    assert made.margins["update_s"] == 0.5
    assert set(DEFAULT_MARGINS) <= set(made.margins)


def test_a_budget_means_looking_after_every_pair(tmp_path):
    made = lab(tmp_path, "compare: {most: 12, level: 0.01, power: 0.9, crashes: 0.1, leak: 0.002}\n").compare
    assert (made.sequential, made.most) == (True, 12)
    assert (made.level, made.power, made.crash_margin, made.slope_margin) == (0.01, 0.9, 0.1, 0.002)


@pytest.mark.parametrize(
    "wrong",
    ["level: 0", "level: 0.5", "most: -1", "crashes: 1", "figures: {boot_s: 1}", "figures: {boot_s: -0.1}",
     "figures: {'boot s': 0.1}", "margin: 0.1", "power: .nan"],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_its_place(tmp_path, wrong):
    with pytest.raises(ConfigError, match=r"lab.yaml:\d+:\d+: compare"):
        lab(tmp_path, f"compare: {{{wrong}}}\n")
