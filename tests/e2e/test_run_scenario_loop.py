"""The loop for writing scenarios: plain pytest, cells as parameters, several workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from temporary_lab import RUN_S, TemporaryLab

from lab.images.built import BuiltImage
from lab.model import Proof
from lab.recording.reader import read

pytestmark = [pytest.mark.e2e, pytest.mark.vm, pytest.mark.timeout(900)]

BASELINE = "tiny_small_install-healthy_baseline"
CANDIDATE = "tiny_small_install-healthy_candidate"


def scenarios(lab: TemporaryLab, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "scenarios", "-p", "no:cacheprovider", "-q", "-rA", *words]
    return subprocess.run(
        command,
        cwd=lab.root,
        env=lab.environment(),
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )


def test_two_workers_run_the_selected_cells_and_tell_the_good_from_the_bad(
    lab: TemporaryLab, tiny_image: BuiltImage
) -> None:
    assert tiny_image.disk.exists()
    lab.write(
        matrix={"images": ["tiny"], "profiles": ["small"], "scenarios": ["install-healthy", "content-update"]}
    )
    done = scenarios(lab, "--lab", "lab.yaml", "-n", "2", "--lab-cells", "install-healthy")
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert f"PASSED scenarios/component/test_install.py::test_install_healthy[{BASELINE}]" in said
    assert f"test_install_healthy[{CANDIDATE}]" in said
    assert "BUG: unable to handle kernel paging request in demo_sensor_match" in said
    assert "1 failed" in said
    assert "1 passed" in said

    (run,) = (lab.root / "reports").glob("pytest-*")
    recorded = {path.name: read(path / "a1") for path in (run / "cells").iterdir()}
    assert set(recorded) == {BASELINE, CANDIDATE}
    assert any(isinstance(item, Proof) for item in recorded[BASELINE].observations)
    assert lab.left_behind() == []


def test_without_a_lab_the_scenarios_are_skipped_and_boot_nothing(lab: TemporaryLab) -> None:
    done = scenarios(lab)
    assert done.returncode == 0, done.stdout
    assert "passed" not in done.stdout
    assert "skipped" in done.stdout
    assert not (lab.root / "reports").exists()


def test_a_selection_without_a_cell_is_an_error_with_the_labs_words(lab: TemporaryLab) -> None:
    done = scenarios(lab, "--lab", "lab.yaml", "--lab-cells", "win12*")
    assert done.returncode not in (0, 5), done.stdout
    assert "selection 'win12*' matches none of 2 cells" in done.stdout + done.stderr


def test_the_shipped_scenarios_are_the_ones_that_the_issue_wants() -> None:
    from lab.matrix.scenarios import discover

    found = discover(Path(__file__).parents[2])
    wanted = {"install-healthy", "content-update", "build-upgrade", "update-reboot", "roll-back", "uninstall"}
    assert wanted <= set(found)
