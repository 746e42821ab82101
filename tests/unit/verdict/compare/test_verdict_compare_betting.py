"""A bettor against a true hypothesis gains nothing on average: checked over every possible history."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.verdict.compare import betting

SIZES = st.lists(st.floats(0.001, 1000), min_size=1, max_size=9)


@settings(max_examples=30, deadline=None)
@given(SIZES)
def test_fair_signs_leave_the_fortune_where_it_was(sizes):
    """Whatever the sizes of the shifts are, the mean over all signs is 1 after every pair."""
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(sizes))))
    fortunes = betting.fortune(betting.sign_steps(signs * np.array(sizes)))
    assert fortunes.mean(axis=0) == pytest.approx(np.ones(len(sizes)))


@settings(max_examples=30, deadline=None)
@given(SIZES)
def test_no_order_of_fair_signs_ruins_the_level(sizes):
    """Ville: over all signs, at most one history in twenty ever reaches twenty."""
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(sizes))))
    assert (betting.against_no_more(signs * np.array(sizes)) >= 20).mean() <= 0.05


@pytest.mark.parametrize("mean", [-0.4, 0.0, 0.3])
def test_bets_against_a_mean_gain_nothing_when_it_is_the_mean(mean):
    """Differences of -1, 0 and 1, each history weighed by its chance."""
    up = 0.5 * (1 + mean) * 0.6 + max(0, mean) * 0.4
    chances = {1.0: up, -1.0: up - mean, 0.0: 1 - 2 * up + mean}
    histories = np.array(list(itertools.product(chances, repeat=6)))
    weights = np.array([np.prod([chances[step] for step in history]) for history in histories])
    evidence = betting.fortune(histories - mean, 1 / (1 + mean))
    assert (weights @ evidence) == pytest.approx(np.ones(6))


def test_five_pairs_of_one_mind_reach_the_usual_level_and_four_do_not():
    assert betting.p_value(betting.against_no_more(np.ones(5))) <= 0.05
    assert betting.p_value(betting.against_no_more(np.ones(4))) > 0.05


def test_without_pairs_there_is_no_evidence():
    assert betting.against_no_more(np.array([])) == 1.0
    assert betting.p_value(betting.against_no_more(np.zeros(7))) == 1.0


def test_what_was_once_shown_stays_shown():
    """The best fortune counts: later pairs take nothing back, so that stopping or going on are equal."""
    shifts = np.array([1.0] * 6 + [-1.0] * 10)
    assert betting.against_no_more(shifts) == betting.against_no_more(shifts[:6])


def test_one_wild_pair_counts_as_one():
    calm, wild = np.array([0.1, 0.2, -0.1, 0.1]), np.array([0.1, 0.2, -0.1, 1e9])
    assert betting.sign_steps(wild)[-1] == 1.0
    assert abs(betting.sign_steps(calm)).max() <= 1.0
