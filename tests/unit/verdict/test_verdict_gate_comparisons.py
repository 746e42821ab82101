"""Comparisons at the gate: they can close it, and never open it."""

from __future__ import annotations

import pytest
from attempting import cell, crash, verdict
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.model import Arm, Compared, Comparison, GatePolicy, Outcome, Plan
from lab.verdict import decide

POLICY = GatePolicy()


def made(
    verdict: Compared, name: str = "boot_s", image: str = "debian-12", more: int | None = 4
) -> Comparison:
    return Comparison(
        kind="figure",
        name=name,
        verdict=verdict,
        sentence=f"{name}: 30 % higher",
        image=image,
        profile="bios-1cpu" if image != "*" else "*",
        scenario="content-update",
        p_adjusted=0.01,
        more=more if verdict is Compared.NOT_ENOUGH else 0,
    )


def gate(*comparisons: Comparison, policy: GatePolicy = POLICY, outcome: Outcome = Outcome.PASSED):
    findings = (crash(),) if outcome is Outcome.FAILED else ()
    verdicts = [verdict(cell(Arm.BASELINE)), verdict(cell(Arm.CANDIDATE), outcome, *findings)]
    plan = Plan(cells=tuple(one.cell for one in verdicts))
    return decide(verdicts, plan, policy, comparisons)


def test_a_regression_closes_the_gate_although_every_cell_passed():
    decision = gate(made(Compared.REGRESSION), made(Compared.NO_WORSE, "update_s"))
    assert (decision.ship, decision.exit_code) == (False, 1)
    assert (
        "worse than the released agent in debian-12 bios-1cpu content-update: boot_s: 30 %"
        in decision.sentence
    )
    assert "no worse within the margins: 1 comparison of 2" in decision.reasons


def test_the_comparison_over_all_builds_speaks_for_the_single_ones():
    decision = gate(
        made(Compared.REGRESSION, image="a"), made(Compared.REGRESSION, image="*"), made(Compared.REGRESSION)
    )
    (reason,) = [one for one in decision.reasons if "worse than" in one]
    assert "content-update over all OS builds" in reason
    assert reason.endswith("; so in 2 more places")


def test_not_enough_runs_is_a_remark():
    decision = gate(made(Compared.NOT_ENOUGH))
    assert decision.ship
    assert decision.reasons == (
        "not enough runs for 1 comparison of 1 (boot_s): about 4 more pairs of runs would decide",
    )


def test_not_enough_runs_is_no_ship_where_comparisons_are_required():
    decision = gate(
        made(Compared.NOT_ENOUGH, more=1), made(Compared.NOT_ENOUGH, "rss", more=9),
        policy=GatePolicy(require_comparison=True),
    )  # fmt: skip
    assert (decision.ship, decision.exit_code) == (False, 4)
    assert "1 more pair of runs would decide the first, 9 the last" in decision.sentence
    assert len(decision.reasons) == 1


def test_what_no_number_of_runs_decides_is_said():
    assert "no number of runs would decide" in gate(made(Compared.NOT_ENOUGH, more=None)).reasons[0]


def test_without_comparisons_nothing_is_said_of_them():
    assert gate().reasons == ()


@pytest.mark.parametrize("compared", list(Compared))
def test_no_statistic_excuses_a_crash(compared):
    decision = gate(made(compared), outcome=Outcome.FAILED)
    assert (decision.ship, decision.exit_code) == (False, 1)
    assert "unable to handle kernel paging request" in decision.sentence


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(list(Compared)), max_size=5), st.sampled_from([Outcome.PASSED, Outcome.FAILED])
)
def test_comparisons_only_ever_close_the_gate(verdicts, outcome):
    without, having = gate(outcome=outcome), gate(*map(made, verdicts), outcome=outcome)
    assert having.ship <= without.ship
    assert (Compared.REGRESSION in verdicts) <= (having.exit_code == 1)
