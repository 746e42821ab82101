"""Figures of both arms: what the share is, what is tolerated, and values that are not to be trusted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.model import Compared, TestPlan
from lab.verdict.compare import figures

FIXED = TestPlan()
PLANS = pytest.mark.parametrize(
    "plan",
    [FIXED, TestPlan(sequential=True, most=15), TestPlan(sequential=True)],
    ids=["one", "most", "open"],
)
BASE = list(20 * np.random.default_rng(1).lognormal(0, 0.03, 15))
NOISE = np.random.default_rng(2).lognormal(0, 0.03, 15)


def worse_by(factor: float) -> list[float]:
    return list(np.array(BASE) * NOISE * factor)


@PLANS
def test_a_third_more_time_is_a_regression_and_the_share_is_told(plan):
    made = figures(BASE, worse_by(1.33), margin=0.1, plan=plan, name="boot_s", unit="s")
    assert made.verdict is Compared.REGRESSION
    assert made.effect == pytest.approx(0.33, abs=0.04)
    assert made.sentence.startswith("boot_s: 3")
    assert "10 % is tolerated" in made.sentence


@PLANS
def test_the_same_is_no_worse_than_the_margin(plan):
    made = figures(BASE, worse_by(1.0), margin=0.1, plan=plan, name="boot_s")
    assert made.verdict is Compared.NO_WORSE
    assert made.sentence.startswith("boot_s: no worse than 10 % at 95 %")


@PLANS
def test_worse_within_what_is_tolerated_is_no_regression(plan):
    assert figures(BASE, worse_by(1.04), margin=0.1, plan=plan).verdict is Compared.NO_WORSE


@PLANS
@pytest.mark.parametrize(("factor", "verdict"), [(0.7, Compared.REGRESSION), (1.3, Compared.NO_WORSE)])
def test_throughput_is_better_when_it_is_higher(plan, factor, verdict):
    made = figures(BASE, worse_by(factor), better="higher", margin=0.1, plan=plan)
    assert made.verdict is verdict
    assert made.effect == pytest.approx(1 - factor, abs=0.05)


@PLANS
@pytest.mark.parametrize("pairs", [0, 1, 2, 4])
def test_too_few_pairs_decide_nothing_and_say_how_many_would(plan, pairs):
    made = figures(BASE[:pairs], worse_by(5.0)[:pairs], margin=0.1, plan=plan)
    assert made.verdict is Compared.NOT_ENOUGH
    assert made.more is not None
    assert made.more >= 5 - pairs


@PLANS
def test_values_that_never_vary_are_compared_too(plan):
    assert figures([5.0] * 6, [5.0] * 6, margin=0.05, plan=plan).verdict is Compared.NO_WORSE
    assert figures([5.0] * 6, [6.0] * 6, margin=0.05, plan=plan).verdict is Compared.REGRESSION


@PLANS
def test_zeros_have_no_ratio_and_are_compared_by_their_differences(plan):
    assert figures([0.0] * 8, [0.0] * 8, margin=0.1, plan=plan).verdict is Compared.NO_WORSE
    assert figures([0.0] * 8, [3.0] * 8, margin=0.1, plan=plan).verdict is Compared.REGRESSION
    assert figures([10.0] * 8, [0.0] * 8, margin=0.1, plan=plan).verdict is Compared.NO_WORSE


@PLANS
def test_what_is_no_number_is_left_out_and_counted(plan):
    odd = [math.nan, math.inf, -math.inf]
    made = figures([*BASE[:8], *odd], [*worse_by(1.0)[:8], 1.0, 2.0, math.nan], margin=0.1, plan=plan)
    assert (made.pairs, made.lost) == (8, 3)
    assert "3 more without a result" in made.sentence
    assert all(math.isfinite(value) for pair in made.points for value in pair)


@PLANS
def test_one_wild_run_neither_makes_nor_hides_a_regression(plan):
    wild = worse_by(1.0)
    wild[3] *= 1000
    assert figures(BASE, wild, margin=0.1, plan=plan).verdict is not Compared.REGRESSION
    slow = worse_by(1.4)
    slow[3] /= 1000
    assert figures(BASE, slow, margin=0.1, plan=plan).verdict is Compared.REGRESSION


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.01, 1e6), st.floats(0.01, 1e6)), max_size=9),
    st.floats(0, 0.5),
    st.booleans(),
)
def test_any_numbers_give_one_verdict_and_bounds_in_order(pairs, margin, looking):
    plan = TestPlan(sequential=looking, most=9)
    made = figures([b for b, _ in pairs], [c for _, c in pairs], margin=margin, plan=plan)
    low, high = made.interval
    assert 0 <= made.p_value <= 1
    assert low is None or high is None or low <= high + 1e-9
    assert made.sentence
    if made.verdict is Compared.REGRESSION:
        assert made.p_value <= plan.level
    if made.verdict is Compared.NO_WORSE:
        assert high is not None
        assert high <= margin + 1e-9


@settings(max_examples=20, deadline=None)
@given(st.floats(0.001, 1000))
def test_units_do_not_matter(scale):
    once = figures(BASE, worse_by(1.1), margin=0.1, plan=FIXED)
    scaled = figures(
        [scale * value for value in BASE], [scale * value for value in worse_by(1.1)], margin=0.1, plan=FIXED
    )
    assert (scaled.verdict, scaled.p_value) == (once.verdict, once.p_value)
    assert scaled.effect == pytest.approx(once.effect)


@pytest.mark.parametrize("more", [{"better": "bigger"}, {"margin": -0.1}, {"margin": 1.0}])
def test_a_question_that_makes_no_sense_is_refused(more):
    with pytest.raises(ValueError, match="wanted lower or higher"):
        figures([1.0], [1.0], **{"margin": 0.1, "plan": FIXED, **more})


def test_the_pairs_that_are_asked_for_decide_about_as_often_as_the_plan_says():
    """From eight pairs ask how many more; with so many, four in five of 100 comparisons are decided."""
    rng = np.random.default_rng(3)
    decided = 0
    for _ in range(100):
        noise = rng.lognormal(0, 0.2, 400)
        first = figures([1.0] * 8, list(noise[:8]), margin=0.1, plan=FIXED)
        enough = 8 + (first.more or 0)
        decided += figures([1.0] * enough, list(noise[:enough]), margin=0.1, plan=FIXED).verdict is not (
            Compared.NOT_ENOUGH
        )
    assert decided >= 60
