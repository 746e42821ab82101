"""What a clone did before it was woken is nobody's failure but the lab's."""

from __future__ import annotations

import pytest
from attempting import TITLE, TODAY, attempt, cell, crash, proven, step

from lab.model import Blame, Finding, FindingKind, GatePolicy, MachineEvent, Observation, Outcome
from lab.verdict.judge import judge
from lab.verdict.trial import judge_attempt

CLONED = MachineEvent(t_s=0.2, name="cloned")
WOKEN = step(1.0, "woken", "note")
SILENT = crash("no channel answers", kind=FindingKind.LOST_CONNECTION, channels=("heartbeat",), module="")


def seen(*first: Observation) -> list[Observation]:
    return [*first, *proven(cell())]


@pytest.mark.parametrize("finding", [crash(), SILENT])
def test_a_clone_that_fails_before_it_was_woken_is_the_labs_fault(finding: Finding) -> None:
    trial = judge_attempt(attempt(None, seen(CLONED), finding))
    assert (trial.outcome, trial.blame, trial.failing) == (Outcome.INCONCLUSIVE, Blame.LAB, ())
    assert trial.reasons[0].startswith("lab fault: a clone failed before it was woken: ")


@pytest.mark.parametrize("start", [(CLONED, WOKEN), ()])
def test_a_clone_that_was_woken_and_a_guest_that_booted_fail_as_ever(start: tuple[Observation, ...]) -> None:
    trial = judge_attempt(attempt(None, seen(*start), crash()))
    assert trial.outcome is Outcome.FAILED
    assert TITLE in trial.reasons[0]


def test_a_boot_from_power_off_after_such_a_clone_decides() -> None:
    first = attempt(None, seen(CLONED), crash())
    second = attempt(None, seen(), number=2)
    (verdict,) = judge([first, second], GatePolicy(), TODAY)
    assert verdict.outcome is Outcome.PASSED
    assert "a clone failed before it was woken" in verdict.reasons[0]
