"""Proofs are of the guest as it was when they were taken: what changed it afterwards needs new ones."""

from __future__ import annotations

import pytest
from attempting import (
    INSTALLED,
    TODAY,
    attempt,
    beats,
    cell,
    exercised,
    faulted,
    healthy,
    proven,
    step,
    version,
)

from lab.model import Arm, Blame, GatePolicy, MachineEvent, Observation, Outcome, Proof
from lab.verdict.judge import judge
from lab.verdict.trial import judge_attempt

CELL = cell()
RESET = MachineEvent(t_s=40, name="reset")
AGAIN = [version(50, CELL.version), healthy(51)]


def ends(*more: Observation, of: list[Observation] | None = None) -> tuple[Outcome, str]:
    trial = judge_attempt(attempt(CELL, [*(proven(CELL) if of is None else of), *more]))
    return trial.outcome, "; ".join(trial.reasons)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (step(40, "update", "start"), "last update"),
        (step(40, "install", "start"), "last install"),
        (step(40, "rollback", "start"), "last rollback"),
        (step(40, "uninstall", "start"), "last uninstall"),
        (step(40, "reboot", "start"), "last reboot"),
        (RESET, "reset of the guest"),
        (MachineEvent(t_s=40, name="started"), "start of the guest"),
        (MachineEvent(t_s=40, name="restored"), "restored state"),
    ],
)
def test_what_was_read_back_before_the_guest_changed_proves_nothing(change: Observation, named: str) -> None:
    outcome, reason = ends(change)
    assert outcome is Outcome.INCONCLUSIVE
    assert named in reason
    assert "read back before the last" in reason
    assert ends(change, *AGAIN)[0] is Outcome.PASSED


@pytest.mark.parametrize("name", ["update", "reboot", "start", "stop", "feature"])
def test_an_old_answer_about_the_agents_health_is_none(name: str) -> None:
    outcome, reason = ends(step(40, name, "start"), version(50, CELL.version))
    assert outcome is Outcome.INCONCLUSIVE
    assert f"health was checked before the last {name}" in reason
    assert ends(step(40, name, "start"), *AGAIN)[0] is Outcome.PASSED


def test_an_agent_that_came_back_after_its_removal_was_not_removed() -> None:
    removed = [
        step(1, "scenario", "start", ends_with="removed"),
        *beats(),
        step(10, "update", "start"),
        version(13, CELL.version),
        exercised(15),
        step(20, "uninstall", "start"),
        Proof(t_s=21, what="removed", values={"leftovers": []}),
        step(58, "scenario", "end", "completed"),
    ]
    assert ends(of=removed)[0] is Outcome.PASSED
    assert ends(RESET, of=removed)[0] is Outcome.PASSED
    outcome, reason = ends(step(30, "install", "start"), of=removed)
    assert outcome is Outcome.INCONCLUSIVE
    assert "removal was proven before the last install" in reason


def test_what_the_watcher_saw_and_the_recording_does_not_show_is_no_pass() -> None:
    seen = step(30, "finding", "note", "panic", title="kernel panic", fatal=True)
    outcome, reason = ends(seen)
    assert outcome is Outcome.INCONCLUSIVE
    assert "was seen to fail (kernel panic)" in reason
    harmless = step(30, "finding", "note", "warning", title="a warning", fatal=False)
    assert ends(harmless)[0] is Outcome.PASSED


def damaged(number: int, *, complete: bool = True) -> object:
    from dataclasses import replace

    record = attempt(CELL, number=number, complete=complete)
    return replace(record, facts={"problems": ["events.jsonl: 10 bytes are left of 20 that were recorded"]})


def test_a_damaged_recording_proves_nothing_and_no_later_attempt_makes_up_for_it() -> None:
    (alone,) = judge([damaged(1)], GatePolicy(), TODAY)  # type: ignore[list-item]
    assert (alone.outcome, alone.blame) == (Outcome.INCONCLUSIVE, Blame.LAB)
    assert "10 bytes are left" in alone.reasons[0]
    later = attempt(CELL, number=2)
    (both,) = judge([damaged(1), later], GatePolicy(), TODAY)  # type: ignore[list-item]
    assert (both.outcome, both.blame) == (Outcome.INCONCLUSIVE, Blame.LAB)
    (cut,) = judge([damaged(1, complete=False), later], GatePolicy(), TODAY)  # type: ignore[list-item]
    assert cut.outcome is Outcome.PASSED, "damage of what was cut short is part of the lab's fault"


def test_faults_of_the_lab_that_only_the_candidate_meets_are_told_as_such() -> None:
    """QEMU may die of what the guest does: the lab is blamed, and whoever looks must know."""
    twin = attempt(cell(Arm.BASELINE))
    made = judge([faulted(CELL), faulted(CELL, number=2), twin], GatePolicy(), TODAY)[0]
    assert (made.outcome, made.blame) == (Outcome.INCONCLUSIVE, Blame.LAB)
    assert made.reasons[-1] == "only with the candidate: the released agent passed here"


def test_a_pass_after_an_attempt_whose_recording_is_gone_is_none() -> None:
    (verdict,) = judge([attempt(CELL, number=2)], GatePolicy(), TODAY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "attempt 1: its recording is gone" in verdict.reasons
    (whole,) = judge([faulted(CELL), attempt(CELL, number=2)], GatePolicy(), TODAY)
    assert whole.outcome is Outcome.PASSED


def test_what_was_exercised_in_a_state_that_was_put_back_does_not_count() -> None:
    back = [item for item in proven(CELL) if not (isinstance(item, Proof) and item.what == "exercised")]
    restored = MachineEvent(t_s=20, name="restored")
    trial = judge_attempt(attempt(CELL, [*back, restored, exercised(21), *AGAIN]))
    assert trial.outcome is Outcome.NOT_EXERCISED
    later = judge_attempt(attempt(CELL, [*back, restored, *AGAIN, exercised(52)]))
    assert later.outcome is Outcome.PASSED


def test_the_starting_point_that_was_read_back_is_not_the_end() -> None:
    rolled = [
        step(1, "scenario", "start", ends_with="installed"),
        *beats(),
        version(8, INSTALLED),
        healthy(9),
        step(10, "update", "start"),
        version(13, CELL.version),
        exercised(15),
        step(20, "rollback", "start"),
        step(58, "scenario", "end", "completed"),
    ]
    assert ends(of=rolled)[0] is Outcome.INCONCLUSIVE
    assert ends(version(22, INSTALLED), healthy(23), of=rolled)[0] is Outcome.PASSED
