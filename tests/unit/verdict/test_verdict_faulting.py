"""Faults in a verdict: one without proof is worth nothing, and a finding names the fault it came under."""

from __future__ import annotations

from dataclasses import replace

from attempting import attempt, cell, crash, proven

from lab.model import FaultMark, FaultPhase, Observation, Outcome
from lab.verdict.trial import judge_attempt


def marks(*phases: tuple[FaultPhase, float, str]) -> list[Observation]:
    return [
        FaultMark(
            t_s=t_s,
            fault="disk-error",
            phase=phase,
            id="disk-error-1",
            parameters={"rate": 0.1},
            evidence=words,
        )
        for phase, t_s, words in phases
    ]


PLANNED, INJECTED = (FaultPhase.PLANNED, 10.0, ""), (FaultPhase.INJECTED, 11.0, "")
PROVEN, UNDONE = (FaultPhase.PROVEN, 12.0, "QEMU returned 3 errors"), (FaultPhase.UNDONE, 20.0, "gone")
NO_EFFECT = (FaultPhase.FAILED, 19.0, "no effect that could be shown")


def with_marks(*phases: tuple[FaultPhase, float, str]) -> list[Observation]:
    return sorted([*proven(cell()), *marks(*phases)], key=lambda item: item.t_s)


def test_a_pass_under_a_proven_fault_that_was_undone_is_a_pass() -> None:
    trial = judge_attempt(attempt(None, with_marks(PLANNED, INJECTED, PROVEN, UNDONE)))
    assert trial.outcome is Outcome.PASSED


def test_a_fault_without_proof_makes_the_cell_inconclusive() -> None:
    trial = judge_attempt(attempt(None, with_marks(PLANNED, INJECTED, NO_EFFECT, UNDONE)))
    assert trial.outcome is Outcome.INCONCLUSIVE
    assert trial.reasons == (
        "the fault disk-error (rate=0.1) had no effect that could be shown: no effect that could be shown",
    )


def test_a_fault_that_only_was_announced_is_not_proven_either() -> None:
    assert judge_attempt(attempt(None, with_marks(PLANNED))).outcome is Outcome.INCONCLUSIVE


def test_a_fault_that_could_not_be_taken_back_makes_the_rest_worth_nothing() -> None:
    stuck = (FaultPhase.FAILED, 20.0, "could not be undone: QEMU refused")
    trial = judge_attempt(attempt(None, with_marks(PLANNED, INJECTED, PROVEN, stuck)))
    assert trial.outcome is Outcome.INCONCLUSIVE
    assert "could not be taken back: could not be undone: QEMU refused" in trial.reasons[0]


def test_a_crash_under_a_fault_fails_and_names_it() -> None:
    record = attempt(None, with_marks(PLANNED, INJECTED, PROVEN, UNDONE))
    under = judge_attempt(replace(record, findings=(crash(t_s=15.0),)))
    assert under.outcome is Outcome.FAILED
    assert under.reasons[0].endswith("; under the fault disk-error (rate=0.1)")
    after = judge_attempt(replace(record, findings=(crash(t_s=25.0),)))
    assert after.reasons[0].endswith("; after the fault disk-error (rate=0.1)")
    before = judge_attempt(replace(record, findings=(crash(t_s=5.0),)))
    assert "fault" not in before.reasons[0]
