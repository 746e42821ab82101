"""Exact tests and bounds agree with what is known of them, and with scipy where scipy has them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lab.verdict.compare import exact

SHIFTS = st.lists(st.floats(-5, 5), min_size=1, max_size=9)


@settings(max_examples=30, deadline=None)
@given(SHIFTS)
def test_the_signed_rank_test_is_the_share_of_all_signs_that_look_as_bad(shifts):
    """All 2**n signs, counted one by one: ties and zeros included."""
    values = np.round(np.array(shifts), 1)
    ranks = stats.rankdata(np.abs(values))
    signs = np.array(np.meshgrid(*[[-1, 1]] * len(values))).reshape(len(values), -1).T
    sums = np.where(values != 0, signs * ranks, 0.0).sum(axis=1)
    observed = (np.sign(values) * ranks).sum()
    assert exact.more_shifted(values) == pytest.approx((sums >= observed - 1e-9).mean())


def test_the_signed_rank_test_is_scipys_where_there_are_no_ties():
    shifts = np.random.default_rng(1).normal(0.4, 1, 14)
    wanted = stats.wilcoxon(shifts, alternative="greater", method="exact").pvalue
    assert exact.more_shifted(shifts) == pytest.approx(wanted)


@pytest.mark.parametrize("pairs", [450, 900])
def test_many_pairs_are_taken_as_normal(pairs):
    shifts = np.random.default_rng(2).normal(0.08, 1, pairs)
    wanted = stats.wilcoxon(shifts, alternative="greater", method="asymptotic").pvalue
    assert exact.more_shifted(shifts) == pytest.approx(wanted, rel=0.02)
    low, high = exact.shift_bounds(shifts, 0.05)
    assert low < 0.08 < high


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-5, 5, width=16), min_size=5, max_size=10, unique=True))
def test_bounds_of_a_shift_are_where_the_test_turns(shifts):
    """Just beyond a bound the shift is refuted, just within it is not."""
    values = np.array(shifts)
    low, high = exact.shift_bounds(values, 0.05)
    assert exact.more_shifted(values - (low - 1e-6)) <= 0.05
    assert exact.more_shifted(values - (low + 1e-6)) > 0.05 or low == high
    assert exact.more_shifted(-(values - (high + 1e-6))) <= 0.05


def test_four_pairs_bound_nothing_and_five_do():
    assert exact.shift_bounds(np.ones(4), 0.05) == (-np.inf, np.inf)
    assert exact.shift_bounds(np.ones(5), 0.05) == (1.0, 1.0)
    assert exact.shift_bounds(np.array([]), 0.05) == (-np.inf, np.inf)
    assert exact.more_shifted(np.array([])) == 1.0
    assert exact.more_shifted(np.zeros(8)) == 1.0


def test_the_test_of_rates_is_barnards_and_surer_than_fishers():
    for failed in (4, 5, 7):
        table = [[failed, 12 - failed], [0, 12]]
        ours = exact.more_failures(0, 12, failed, 12)
        assert ours <= stats.fisher_exact(table, alternative="greater").pvalue
        columns = [[0, failed], [12, 12 - failed]]
        barnard = stats.barnard_exact(columns, alternative="less").pvalue
        assert ours == pytest.approx(barnard, rel=0.03)


def test_no_failures_bound_the_rate_as_the_textbook_says():
    """With none of n, the difference is below 1 - level**(1/n)."""
    low, high = exact.rate_difference(0, 10, 0, 10, 0.05)
    assert high == pytest.approx(1 - 0.05**0.1, abs=0.002)
    assert low == pytest.approx(-high)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.data())
def test_bounds_of_a_difference_hold_what_was_seen_and_mirror_when_arms_are_swapped(runs, data):
    b, c = data.draw(st.integers(0, runs)), data.draw(st.integers(0, runs))
    low, high = exact.rate_difference(b, runs, c, runs, 0.05)
    assert -1 <= low <= (c - b) / runs <= high <= 1
    assert exact.rate_difference(c, runs, b, runs, 0.05) == pytest.approx((-high, -low))


def test_runs_that_never_were_say_nothing():
    assert exact.more_failures(0, 0, 0, 0) == 1.0
    assert exact.rate_difference(0, 0, 0, 5, 0.05) == (-1.0, 1.0)
