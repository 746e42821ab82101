"""A sweep of power cuts in words: every unsafe step is named, and so is what was survived."""

from __future__ import annotations

from attempting import TODAY, attempt, cell, crash, proven

from lab.model import Blame, GatePolicy, Observation, Outcome, Step
from lab.verdict.judge import judge
from lab.verdict.sweeps import remark, swept


def started(points: int) -> Step:
    return Step(t_s=10.0, name="cut", phase="start", detail={"points": points})


def cut(step: str, outcome: str = "safe") -> Step:
    return Step(t_s=20.0, name="cut", phase="end", outcome=outcome, detail={"step": step})


SWEEP: list[Observation] = [
    started(6),
    cut("stop"),
    cut("select-content", "unsafe"),
    cut("select-content", "unsafe"),
    cut("select-content"),
    cut("load", "unsafe"),
    cut("done"),
]


def test_all_unsafe_steps_are_named_with_how_many_of_their_cuts_failed() -> None:
    unsafe = "not survived in select-content (2 of 3), load (1 of 1)"
    assert remark(SWEEP) == f"power cuts at 6 points: {unsafe}; survived in stop, done"


def test_a_sweep_without_failures_says_where_it_cut() -> None:
    assert remark([started(2), cut("stop"), cut("done")]) == "power cuts at 2 points: survived in stop, done"


def test_points_that_were_never_reached_are_not_passed_over() -> None:
    found = swept([started(9), cut("stop")])
    assert found is not None
    assert found.sentence.endswith("survived in stop; 8 more were planned and not made")


def test_a_step_that_was_aimed_at_and_never_hit_is_named() -> None:
    """On a busy host a step of milliseconds is over before the power is gone."""
    begun = Step(t_s=10.0, name="cut", phase="start", detail={"points": 2, "steps": ["remember", "sync"]})
    words = "power cuts at 2 points: survived in sync; never cut in remember (over too soon)"
    assert remark([begun, cut("sync"), cut("sync")]) == words
    assert "never cut" not in remark([begun, cut("remember"), cut("sync")])


def test_a_recording_without_a_sweep_has_no_remark() -> None:
    assert remark([]) == ""
    assert swept([Step(t_s=1.0, name="scenario", phase="start")]) is None


def test_a_cut_whose_outcome_is_unknown_is_not_called_safe() -> None:
    found = swept([started(1), cut("stop", "")])
    assert found is not None
    assert [one.step for one in found.unsafe] == ["stop"]


def test_the_verdict_of_a_failed_and_of_a_passed_cell_says_what_the_sweep_came_to() -> None:
    failed = attempt(None, [*proven(cell()), *SWEEP], crash())
    (verdict,) = judge([failed], GatePolicy(), TODAY)
    assert (verdict.outcome, verdict.blame) == (Outcome.FAILED, Blame.CANDIDATE)
    assert any("not survived in select-content (2 of 3), load (1 of 1)" in one for one in verdict.reasons)
    (verdict,) = judge([attempt(None, [*proven(cell()), started(1), cut("stop")])], GatePolicy(), TODAY)
    assert verdict.outcome is Outcome.PASSED
    assert "power cuts at 1 points: survived in stop" in verdict.reasons
