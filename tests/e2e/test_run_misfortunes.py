"""What can go wrong with a guest, in one run: each is told apart, and none is a pass."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from temporary_lab import RUN_S, Answer, TemporaryLab

from lab import codec
from lab.images.built import BuiltImage
from lab.model import DetectSettings, Finding, FindingKind, MachineEvent, Step
from lab.running.spawn import findings_of

pytestmark = [pytest.mark.e2e, pytest.mark.vm, pytest.mark.timeout(900)]

POWER_OFF = "tiny_small_power-off_candidate"
CRASH = "tiny_small_crash-while-waiting_candidate"
CRASH_IN_COMMAND = "tiny_small_crash-while-a-command-runs_candidate"
INSTALL = "tiny_small_install-healthy_candidate"
STOPPED_WITHIN_S = 1.0


@dataclass(frozen=True)
class Run:
    lab: TemporaryLab
    answer: Answer
    report: dict[str, Any]

    def cell(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(cell for cell in self.report["cells"] if cell["id"] == name)
        return found

    def findings(self, name: str) -> tuple[Finding, ...]:
        """What the detectors say of the cell's first attempt, with the settings it was recorded with."""
        recording = self.lab.run_directory().path / "cells" / name / "a1"
        facts = json.loads((recording / "attempt.json").read_text())
        return findings_of(recording, codec.from_dict(DetectSettings, facts["detect"]))


@pytest.fixture(scope="module")
def run(shared_lab: TemporaryLab, tiny_image: BuiltImage) -> Run:
    """Four cells, each with its own misfortune; the agent's installer is broken too."""
    lab = shared_lab
    assert tiny_image.kernel is not None
    _break_the_installer(lab.root / "agents/demo-sensor")
    lab.add_scenarios(Path(__file__).with_name("misfortunes.py"))
    lab.write(
        matrix={
            "images": ["tiny"],
            "profiles": ["small"],
            "scenarios": [
                "power-off",
                "crash-while-waiting",
                "crash-while-a-command-runs",
                "install-healthy",
            ],
            "exclude": [{"select": "*_baseline", "reason": "misfortunes need no comparison"}],
        },
    )
    answer = lab("run", timeout_s=RUN_S)
    return Run(lab, answer, lab.report())


def _break_the_installer(agent: Path) -> None:
    """The script that ends with 7, listed with its true digest: an installer that fails, not a bad file."""
    script = agent / "guest/demo-sensor.sh"
    old = hashlib.sha256(script.read_bytes()).hexdigest()
    script.write_text("#!/bin/sh\necho 'no room for the sensor' >&2\nexit 7\n")
    manifest = agent / "agent.yaml"
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, hashlib.sha256(script.read_bytes()).hexdigest()))


def test_the_run_does_not_ship_and_leaves_nothing(run: Run) -> None:
    assert run.answer.code == 1, run.answer
    assert run.lab.left_behind() == []


def test_an_installer_that_fails_is_the_agents_failure_with_its_exit_code(run: Run) -> None:
    cell = run.cell(INSTALL)
    assert cell["outcome"] == "failed"
    assert cell["blame"] != "lab"
    told = " ".join(cell["reasons"])
    assert "install of build 1.0 + content 291 failed" in told
    assert "7" in told
    assert "no room for the sensor" in told
    assert len(cell["attempts"]) == 1, "the product's failure earns no second attempt"


def test_a_guest_that_powers_off_is_an_unexpected_shutdown(run: Run) -> None:
    cell = run.cell(POWER_OFF)
    assert cell["outcome"] == "failed"
    assert cell["title"] == "unexpected shutdown"
    assert len(cell["attempts"]) == 1


@pytest.mark.parametrize("name", [CRASH, CRASH_IN_COMMAND, POWER_OFF])
def test_a_fatal_finding_ends_the_scenario_within_a_second_whatever_it_waits_for(run: Run, name: str) -> None:
    observations = run.lab.recorded(name)
    fatal = next(finding for finding in run.findings(name) if finding.fatal)
    steps = [item for item in observations if isinstance(item, Step)]
    (end,) = [step for step in steps if (step.name, step.phase) == ("scenario", "end")]
    assert end.outcome == "stopped"
    assert 0 <= end.t_s - fatal.t_s < STOPPED_WITHIN_S


@pytest.mark.parametrize("name", [CRASH, CRASH_IN_COMMAND])
def test_a_panic_is_seen_on_the_console_and_by_the_hypervisor(run: Run, name: str) -> None:
    cell = run.cell(name)
    assert cell["outcome"] == "failed"
    fatal = next(finding for finding in run.findings(name) if finding.fatal)
    assert fatal.kind is FindingKind.PANIC
    assert {"serial", "event"} <= set(fatal.channels)
    assert any(isinstance(item, MachineEvent) and item.name == "panicked" for item in run.lab.recorded(name))


def test_the_crash_comes_back_in_a_repeat(run: Run) -> None:
    answer = run.lab("repro", "latest", CRASH, timeout_s=RUN_S)
    assert answer.code == 1, answer
    assert answer.out.startswith(f"reproduced: {run.cell(CRASH)['title']}"), answer
    assert run.lab.left_behind() == []


def test_a_repeat_with_a_changed_artefact_is_refused(run: Run) -> None:
    script = run.lab.root / "agents/demo-sensor/guest/demo-sensor.sh"
    before = script.read_bytes()
    try:
        script.write_bytes(before + b"# changed\n")
        answer = run.lab("repro", "latest", CRASH, timeout_s=RUN_S)
    finally:
        script.write_bytes(before)
    assert answer.code in (2, 4), answer
    assert "sha256 is" in answer.out + answer.err
    assert run.lab.left_behind() == []
