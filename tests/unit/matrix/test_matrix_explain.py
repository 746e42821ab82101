"""`lab plan --explain`: each setting once, then the cells that differ."""

from pathlib import Path

import pytest

from lab.config import load
from lab.matrix.explain import MOST_NAMED, explain
from lab.matrix.plan import build
from lab.model import ImageInfo, ScenarioInfo

LAB = """\
version: 1
agent: demo-sensor
installed: {build: 1.0, content: 289}
arms:
  baseline: {build: 1.0, content: 290}
  candidate: {build: 1.0, content: 291}
matrix:
  images: [tiny, debian-12]
  profiles: [small]
  scenarios: [soak]
  exclude:
    - {select: "debian-12 and baseline", reason: known good}
profiles:
  small: {memory: 1GiB}
timeouts: {boot: 2m}
overrides:
  - {select: "debian-12", timeouts: {boot: 5m}, reason: slow disk}
  - {select: "win*", memory: 4GiB}
rings:
  - {name: canary, select: tiny}
"""
IMAGES = {name: ImageInfo(name=name, kind="debian") for name in ("tiny", "debian-12")}
SCENARIOS = {"soak": ScenarioInfo(name="soak", path="scenarios/x.py", function="test_soak", count_loops=True)}


@pytest.fixture
def explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def explainer(
        text: str = LAB, candidate: dict[str, str] | None = None, select: tuple[str, ...] = ()
    ) -> str:
        (tmp_path / "lab.yaml").write_text(text)
        lab = load(tmp_path / "lab.yaml", candidate=candidate)
        return explain(lab, build(lab, IMAGES, SCENARIOS, (), select))

    return explainer


def line(text: str, name: str) -> list[str]:
    (found,) = [one.split() for one in text.splitlines() if one.startswith(f"{name} ")]
    return found[1:]


def test_a_setting_stands_once_with_its_place_and_then_the_cells_that_differ(explained) -> None:
    text = explained()
    assert line(text, "timeouts.boot") == ["2m", "lab.yaml:15:18"]
    assert line(text, "timeouts.cell") == ["15m", "default"]
    assert "  5m in 1 of them:\n    debian-12_small_soak_candidate\n" in text
    assert text.count("timeouts.boot") == 1


def test_profiles_and_scenarios_are_named_as_origin(explained) -> None:
    text = explained()
    assert line(text, "memory") == ["1GiB", "lab.yaml:14:3"]
    assert line(text, "count_loops") == ["true", "scenarios"]


def test_each_rule_says_how_many_cells_it_reaches(explained) -> None:
    text = explained()
    assert "overrides[0] 'debian-12' selects 1 cell (lab.yaml:17:5): slow disk" in text
    assert "overrides[1] 'win*' selects no cell of this plan (lab.yaml:18:5)" in text
    assert "matrix.exclude[0] 'debian-12 and baseline' selects 1 cell (lab.yaml:12:7): known good" in text


def test_rings_are_told_by_name(explained) -> None:
    text = explained()
    assert line(text, "ring")[0] == "canary"
    assert "  (after the last ring) in 1 of them:" in text


def test_a_candidate_from_the_command_line_is_told_as_such(explained) -> None:
    words = line(explained(candidate={"content": "292"}), "candidate")
    assert " ".join(words) == "build 1.0 + content 292 --candidate"


def test_many_differing_cells_are_cut_with_their_number(explained) -> None:
    text = explained(LAB.replace("scenarios: [soak]", "scenarios: [soak]\n  repetitions: 20"))
    assert f"    and {20 - MOST_NAMED} more\n" in text


def test_a_plan_without_cells_is_explained_too(explained) -> None:
    text = explained(LAB.replace('"debian-12 and baseline"', '"*"'))
    assert "timeouts.boot" not in text
    assert "selects 4 cells" in text
