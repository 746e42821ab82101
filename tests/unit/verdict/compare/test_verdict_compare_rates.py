"""Failure rates of both arms: verdicts, sentences and how many pairs are still wanted."""

from __future__ import annotations

import pytest

from lab.model import Compared, TestPlan
from lab.verdict.compare import crash_rates

FIXED = TestPlan()
LOOKING = TestPlan(sequential=True, most=20)
PLANS = pytest.mark.parametrize("plan", [FIXED, LOOKING, TestPlan(sequential=True)])


@PLANS
def test_a_candidate_that_fails_where_the_released_agent_never_does_is_a_regression(plan):
    made = crash_rates([False] * 12, [True] * 12, plan)
    assert made.verdict is Compared.REGRESSION
    assert made.more == 0
    assert "failed in 12 of 12 runs, the released agent in 0" in made.sentence


@PLANS
def test_two_good_arms_are_no_worse_after_enough_pairs_and_undecided_before(plan):
    assert crash_rates([False] * 20, [False] * 20, plan).verdict is Compared.NO_WORSE
    few = crash_rates([False] * 4, [False] * 4, plan)
    assert few.verdict is Compared.NOT_ENOUGH
    assert few.more is not None
    assert 10 <= few.more <= 16


@PLANS
def test_the_pairs_that_are_asked_for_decide(plan):
    few = crash_rates([False] * 4, [False] * 4, plan)
    assert few.more is not None
    enough = 4 + few.more
    assert crash_rates([False] * enough, [False] * enough, plan).verdict is Compared.NO_WORSE


@PLANS
def test_an_increase_within_the_margin_is_a_regression_all_the_same(plan):
    """No share of crashes is tolerated: 15 points more are shown, and the margin of 20 does not matter."""
    made = crash_rates([False] * 200, [number % 7 == 0 for number in range(200)], plan)
    assert made.interval[1] < plan.crash_margin or plan.sequential
    assert made.verdict is Compared.REGRESSION


@PLANS
def test_both_arms_failing_alike_is_no_regression(plan):
    failed = [number % 3 == 0 for number in range(60)]
    assert crash_rates(failed, failed, plan).verdict is Compared.NO_WORSE


@PLANS
def test_without_pairs_there_is_no_verdict_and_no_claim(plan):
    made = crash_rates([], [], plan)
    assert (made.verdict, made.effect, made.interval) == (Compared.NOT_ENOUGH, None, (None, None))
    assert "nothing measured in pairs" in made.sentence


def test_a_run_without_a_twin_is_lost_and_said():
    made = crash_rates([False] * 5, [False] * 3, FIXED, lost=1)
    assert (made.pairs, made.lost) == (3, 3)
    assert "3 more without a result" in made.sentence


def test_one_single_pair_proves_nothing_about_rates():
    """The crash itself fails the cell; its rate is another question."""
    assert crash_rates([False], [True], FIXED).verdict is Compared.NOT_ENOUGH


def test_a_large_family_wants_more_evidence():
    arms = [False] * 6, [True, True, True, True, True, False]
    assert crash_rates(*arms, FIXED).verdict is Compared.REGRESSION
    assert crash_rates(*arms, TestPlan(family=1000)).verdict is Compared.NOT_ENOUGH


def test_bounds_at_any_time_hold_the_bounds_of_one_look():
    arms = [number % 6 == 0 for number in range(12)], [number % 2 == 0 for number in range(12)]
    once, always = (crash_rates(*arms, plan).interval for plan in (FIXED, TestPlan(sequential=True)))
    assert always[0] <= once[0]
    assert always[1] >= once[1]
