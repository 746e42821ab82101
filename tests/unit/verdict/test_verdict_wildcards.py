"""Wildcard-only fields of the candidate's content are told beside the verdict, and never change it."""

from __future__ import annotations

from attempting import TODAY, attempt, cell, proven

from lab.model import Arm, CellVerdict, GatePolicy, Outcome, Proof
from lab.verdict.judge import judge


def coverage(wildcards: list[str], content: str = "291", **more: object) -> Proof:
    values = {"content": content, "fields": 21, "values": ["kind"], "wildcards": wildcards, **more}
    return Proof(t_s=15.5, what="coverage", values=values)


def judged(*more: Proof, arm: Arm = Arm.CANDIDATE) -> CellVerdict:
    own = cell(arm)
    return judge([attempt(own, [*proven(own), *more])], GatePolicy(), TODAY)[0]


def test_fields_that_were_never_compared_with_a_value_are_named() -> None:
    verdict = judged(coverage(["node", "session"]))
    assert verdict.outcome is Outcome.PASSED
    assert verdict.reasons == (
        "content 291: 2 of 21 fields are wildcards, never compared with a value: node, session",
    )


def test_many_are_counted() -> None:
    reason = judged(coverage([f"f{number}" for number in range(9)])).reasons[0]
    assert reason.endswith("f0, f1, f2, f3, f4, f5 and 3 more")


def test_nothing_is_said_of_full_coverage_of_another_content_or_of_the_baseline() -> None:
    assert judged(coverage([])).reasons == ()
    assert judged(coverage(["node"], content="290")).reasons == ()
    assert judged(coverage(["node"], content="290"), arm=Arm.BASELINE).reasons == ()


def test_a_content_that_could_not_be_read_is_said_to_be_so() -> None:
    reason = judged(coverage([], error="content does not follow its format: magic is 0")).reasons[0]
    assert "coverage of content 291 is not known: content does not follow" in reason
