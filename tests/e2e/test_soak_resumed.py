"""A soak loses neither its guests nor an hour of looking to a killed terminal, and says what it did lose."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from itertools import pairwise

import pytest
from temporary_lab import RUN_S, Answer, TemporaryLab, temporary_lab

from lab.images.built import BuiltImage
from lab.model import Sample, Step
from lab.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.vm, pytest.mark.timeout(900)]

GOOD = {
    "baseline": {"build": "1.0", "content": "290"},
    "candidate": {"build": "1.1", "content": "292"},
}
BASELINE, CANDIDATE = "tiny_small_soak_baseline", "tiny_small_soak_candidate"


def samples(lab: TemporaryLab, cell: str, attempt: int = 1) -> list[Sample]:
    return [item for item in lab.recorded(cell, attempt) if isinstance(item, Sample)]


def sampled(lab: TemporaryLab, cell: str, process: subprocess.Popen[str]) -> bool:
    assert process.poll() is None, process.communicate()
    try:
        return len(samples(lab, cell)) >= 2
    except Exception:  # noqa: BLE001 - there is no recording yet
        return False


@pytest.fixture(scope="module")
def resumed(tiny_image: BuiltImage) -> Iterator[tuple[TemporaryLab, Answer]]:
    """`lab soak` killed under two guests, one of which loses its own process too; then `lab resume`."""
    assert tiny_image.disk.exists()
    with temporary_lab() as lab:
        lab.write(matrix={"images": ["tiny"], "profiles": ["small"], "scenarios": ["soak"]}, arms=GOOD)
        process = lab.start("soak", "--for", "20s", "--every", "2s")
        try:
            for cell in (BASELINE, CANDIDATE):
                wait_for(
                    lambda cell=cell: sampled(lab, cell, process), what=f"samples of {cell}", timeout_s=RUN_S
                )
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=RUN_S)
        lease = lab.await_lease(lambda lease: lease.cell == BASELINE)
        os.kill(lease.owner_pid, signal.SIGKILL)
        yield lab, lab("resume", timeout_s=RUN_S)


def test_the_soak_goes_on_without_its_orchestrator(resumed: tuple[TemporaryLab, Answer]) -> None:
    lab, answer = resumed
    assert answer.code in (0, 1), answer  # the gate may see a difference; nothing was lost
    taken = samples(lab, CANDIDATE)
    assert taken[-1].t_s - taken[0].t_s >= 19
    gaps = [later.t_s - sooner.t_s for sooner, later in pairwise(taken)]
    assert max(gaps) < 15, "it was sampled all the while"
    (cell,) = [cell for cell in lab.report()["cells"] if cell["id"] == CANDIDATE]
    assert len(cell["attempts"]) == 1


def test_what_was_cut_short_is_soaked_for_the_rest_and_the_gap_is_told(
    resumed: tuple[TemporaryLab, Answer],
) -> None:
    lab, _ = resumed
    (cell,) = [cell for cell in lab.report()["cells"] if cell["id"] == BASELINE]
    assert [attempt["complete"] for attempt in cell["attempts"]] == [False, True]
    assert any("resumed after attempt 1 was cut short" in reason for reason in cell["reasons"]), cell
    (note,) = [
        item for item in lab.recorded(BASELINE, 2) if isinstance(item, Step) and item.name == "resumed"
    ]
    assert note.detail["gap_s"] > 0
    again = samples(lab, BASELINE, 2)
    assert again[-1].t_s - again[0].t_s < 20 - note.detail["sampled_s"] + 8


def test_nothing_is_left_of_the_soak(resumed: tuple[TemporaryLab, Answer]) -> None:
    lab, _ = resumed
    assert lab.left_behind() == []


def test_a_run_whose_profile_is_gone_cannot_be_resumed(resumed: tuple[TemporaryLab, Answer]) -> None:
    lab, _ = resumed
    lab.write(
        matrix={"images": ["tiny"], "profiles": ["other"], "scenarios": ["soak"]},
        profiles={"other": {"memory": "256MiB"}},
    )
    answer = lab("resume")
    assert answer.code == 2
    assert "profile 'small' of the run's plan is no longer there" in answer.err


def test_a_duration_without_a_unit_is_refused(lab: TemporaryLab) -> None:
    answer = lab("soak", "--for", "30")
    assert answer.code == 2
    assert "--for 30: wanted a duration with its unit" in answer.err
