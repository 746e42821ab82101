"""Which images the agent under test can run on: said in the plan, not found out in a guest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from lab import agents
from lab.model import Family, ImageInfo
from lab.setting import Setting, _suits

ROOT = Path(__file__).resolve().parents[3]
DEMO = agents.load(ROOT / "agents/demo-sensor")
DEBIAN = ImageInfo(name="debian-12", kind="debian")


def test_an_image_with_an_sdk_suits_an_agent_that_is_compiled() -> None:
    assert _suits(DEBIAN, DEMO) == DEBIAN


def test_a_disk_image_has_no_sdk_for_an_agent_that_is_compiled() -> None:
    told = _suits(replace(DEBIAN, kind="disk"), DEMO)
    assert told.unrunnable == (
        "agent demo-sensor is compiled for each kernel, and a disk image has no SDK for its own"
    )
    assert "ready files" in told.hint


def test_a_family_the_agent_does_not_know_is_unrunnable() -> None:
    told = _suits(replace(DEBIAN, family=Family.WINDOWS), DEMO)
    assert told.unrunnable == "agent demo-sensor is not described for windows guests"


def test_an_image_that_cannot_run_anyway_keeps_its_own_reason() -> None:
    broken = replace(DEBIAN, kind="disk", unrunnable="needs your file")
    assert _suits(broken, DEMO) == broken


def test_durations_of_a_run_that_was_killed_while_it_wrote_them_stop_no_plan(tmp_path: Path) -> None:
    lab = SimpleNamespace(reports=tmp_path)
    for name, text in (
        ("1", '{"tiny": 12.5}'),
        ("2", '{"tiny": 1'),
        ("3", "[]"),
        ("4", '{"tiny": null}'),
        ("5", '{"other": 3}'),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "durations.json").write_text(text)
    assert Setting.history(SimpleNamespace(lab=lab)) == {"tiny": 12.5, "other": 3.0}  # type: ignore[arg-type]
