"""A whole cell on the Windows STAND-IN: installed, updated, stopped, looping, dumped, repaired, recovered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from temporary_lab import ROOT, RUN_S, TemporaryLab, temporary_lab

from lab.detect.dumps import read_dump
from lab.model import Capture, Figure, Step

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(RUN_S + 200)]
CANDIDATE = "windows-stand-in_small_way-back_candidate"
PAGE_FAULT = 0x50


def of_stand_in(lab: TemporaryLab) -> None:
    shutil.copy(ROOT / "images/windows-stand-in.yaml", lab.root / "images")
    lab.add_scenarios(Path(__file__).with_name("windows_stand_in.py"))
    lab.write(
        agent="standin-sensor",
        matrix={"images": ["windows-stand-in"], "profiles": ["small"], "scenarios": ["way-back"]},
        profiles={"small": {"vcpus": 1, "memory": "384MiB", "firmware": "bios"}},
        evidence={"dump_disk": "64MiB", "memory_dump": "off"},
    )


def test_a_stand_in_stops_loops_is_dumped_and_is_had_back_by_renaming_a_file() -> None:
    with temporary_lab() as lab:
        of_stand_in(lab)
        plan = lab("plan")
        assert "windows-stand-in is a STAND-IN: no Windows ran there" in plan.out, str(plan)
        answer = lab("run", "-k", "candidate", timeout_s=RUN_S)
        assert answer.code == 1, str(answer)
        _is_found_with_code_and_driver(lab)
        _gave_its_dump(lab)
        _was_had_back(lab)
        _is_called_a_stand_in_everywhere(lab)
        assert lab.left_behind() == []


def _is_found_with_code_and_driver(lab: TemporaryLab) -> None:
    (cell,) = (one for one in lab.report()["cells"] if one["id"] == CANDIDATE)
    assert cell["outcome"] == "failed"
    found = [one.detail for one in lab.recorded(CANDIDATE) if isinstance(one, Step) and one.name == "finding"]
    titles = [str(one["title"]) for one in found]
    assert any("(0x50) in standsens.sys" in title for title in titles), titles
    assert any(title.startswith("boot loop after") for title in titles), titles


def _gave_its_dump(lab: TemporaryLab) -> None:
    taken = [one for one in lab.recorded(CANDIDATE) if isinstance(one, Capture) and one.what == "guest-dump"]
    assert [one.ok for one in taken] == [True], taken
    path = lab.run_directory().path / "cells" / CANDIDATE / "a1" / taken[0].path
    assert read_dump(path.read_bytes()).code == PAGE_FAULT


def _was_had_back(lab: TemporaryLab) -> None:
    seen = lab.recorded(CANDIDATE)
    (end,) = (one for one in seen if isinstance(one, Step) and one.name == "escape" and one.phase == "end")
    assert end.outcome == "completed", end.detail
    figures = {one.name: one.value for one in seen if isinstance(one, Figure)}
    assert 0 < figures["repair_s"] < figures["recover_s"]


def _is_called_a_stand_in_everywhere(lab: TemporaryLab) -> None:
    run = lab.run_directory().path
    assert [one["stand_in"] for one in lab.report()["images"]] == [True]
    for name in ("report.html", "summary.md"):
        assert "windows-stand-in is a STAND-IN: no Windows ran there" in (run / name).read_text(), name
    assert '<property name="stand-in" value="true"' in (run / "junit.xml").read_text()
    (told,) = (
        one for one in json.loads(lab("image", "list", "--json").out) if one["name"] == "windows-stand-in"
    )
    assert told["stand_in"] is True
