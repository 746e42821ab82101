"""Many comparisons together: Holm's chance of any false regression, Tarone's choice of what counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.model import Compared, TestPlan
from lab.verdict.compare import Comparison, corrected, crash_rates, figures
from lab.verdict.compare.correction import could_be, countable, holm

PLAN = TestPlan()
P_VALUES = st.lists(st.floats(0, 1), max_size=8)


def test_holm_is_the_textbook_example():
    """Holm 1979 as in R's p.adjust: 0.01, 0.02, 0.03, 0.04."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


@given(P_VALUES)
def test_corrected_values_keep_their_order_and_never_get_smaller(p_values):
    adjusted = holm(p_values)
    assert all(before <= after <= 1 for before, after in zip(p_values, adjusted, strict=True))
    order = sorted(range(len(p_values)), key=lambda number: p_values[number])
    assert [adjusted[number] for number in order] == sorted(adjusted)


@given(P_VALUES)
def test_no_more_comparisons_count_than_their_number_allows(least):
    counts = countable(least, 0.05)
    counted = [one for one, counts_here in zip(least, counts, strict=True) if counts_here]
    assert all(one <= 0.05 / max(1, len(counted)) or one <= 0.05 for one in counted)
    assert all(one > 0.05 / max(1, len(least)) for one, here in zip(least, counts, strict=True) if not here)


def test_a_hundred_single_pairs_do_not_drown_the_one_comparison_that_can_show_something():
    strong = crash_rates([False] * 8, [True] * 6 + [False] * 2, PLAN)
    weak = [figures([1.0], [1.1], margin=0.1, plan=PLAN) for _ in range(100)]
    first, *rest = corrected([strong, *weak], PLAN)
    assert first.verdict is Compared.REGRESSION
    assert {one.verdict for one in rest} == {Compared.NOT_ENOUGH}


def test_a_regression_alone_that_does_not_hold_among_many_is_not_enough_runs():
    weak = crash_rates([False] * 5, [True] * 3 + [False] * 2, PLAN)
    assert weak.verdict is Compared.REGRESSION
    others = [crash_rates([False] * 5, [False] * 5, PLAN) for _ in range(20)]
    first, *_ = corrected([weak, *others], PLAN)
    assert first.verdict is Compared.NOT_ENOUGH
    assert first.more is not None
    assert first.more >= 1


def test_no_worse_needs_no_correction():
    good = figures([5.0] * 6, [5.0] * 6, margin=0.1, plan=PLAN)
    assert {one.verdict for one in corrected([good] * 50, PLAN)} == {Compared.NO_WORSE}


def test_what_counts_is_known_beforehand_where_the_number_of_pairs_is_not():
    """A stop rule ends a place early because of what it saw: that may not decide what counts."""
    looking = TestPlan(sequential=True, most=15)
    assert could_be("figure", 3, looking) == could_be("figure", 15, looking)
    assert could_be("figure", 3, PLAN) > could_be("figure", 15, PLAN)
    assert could_be("figure", 0, PLAN) == 1.0


def test_the_order_of_comparisons_does_not_matter():
    made: list[Comparison] = [
        replace(crash_rates([False] * 9, [n < failed for n in range(9)], PLAN), name=str(failed))
        for failed in (0, 2, 5, 9)
    ]
    forward = {one.name: one.verdict for one in corrected(made, PLAN)}
    assert forward == {one.name: one.verdict for one in corrected(made[::-1], PLAN)}
