"""Simulated arms with known answers: false verdicts stay below the level, and power is what is stated."""

from __future__ import annotations

import numpy as np
import pytest
import verdict_simulations as sim

from lab.model import Compared, TestPlan
from lab.verdict.compare import betting, crash_rates, exact, figures
from lab.verdict.compare.correction import holm

PLANS = [sim.FIXED, sim.BUDGETED, sim.ENDLESS]
NAMES = ["one look", "budget", "endless"]
LUCK = 0.012
"""Two and a half standard deviations of a share of 5 % in 2,000."""


@pytest.mark.parametrize("name", sim.NOISES)
@pytest.mark.parametrize("plan", PLANS, ids=NAMES)
def test_false_regressions_stay_below_the_level_whatever_the_noise(name, plan):
    """At the very edge of what is tolerated, the worst case, and with all the looks that the plan allows."""
    rng = np.random.default_rng(2024)
    shifts = sim.NOISES[name](rng, (sim.MANY, sim.BUDGET if plan.most else sim.PAIRS + 10))
    assert sim.regressions(shifts, plan).mean() <= sim.LEVEL + LUCK


def test_two_thousand_comparisons_as_they_are_really_made_keep_the_level():
    """Both questions at once, at the margin itself: neither answer may be given more often than stated."""
    rng = np.random.default_rng(7)
    verdicts = []
    for _ in range(sim.MANY):
        baseline = rng.lognormal(3, 0.1, 10)
        made = figures(baseline, baseline * 1.1 * rng.lognormal(0, 0.1, 10), margin=0.1, plan=sim.FIXED)
        verdicts.append(made.verdict)
    assert verdicts.count(Compared.REGRESSION) / sim.MANY <= sim.LEVEL + LUCK
    assert verdicts.count(Compared.NO_WORSE) / sim.MANY <= sim.LEVEL + LUCK


def test_looking_after_every_pair_with_the_exact_test_would_break_the_level():
    """The reason for the bets: the same looks with a fixed-sample test go wrong four times as often."""
    rng = np.random.default_rng(3)
    shifts = rng.standard_normal((500, sim.BUDGET))
    naive = [
        any(exact.more_shifted(row[:pairs]) <= sim.LEVEL for pairs in range(5, sim.BUDGET + 1))
        for row in shifts
    ]
    assert np.mean(naive) > 2 * sim.LEVEL
    assert sim.regressions(shifts, sim.BUDGETED).mean() <= sim.LEVEL


def test_a_whole_run_of_good_comparisons_raises_one_false_alarm_in_twenty_at_most():
    """2,000 runs of eight comparisons each: Holm keeps the chance of any false regression below the level."""
    rng = np.random.default_rng(4)
    shifts = rng.standard_normal((sim.MANY, 8, 12))
    p_values = np.array([[exact.more_shifted(row) for row in run] for run in shifts])
    alone = (p_values <= sim.LEVEL).any(axis=1).mean()
    together = np.mean([min(holm(list(row))) <= sim.LEVEL for row in p_values])
    assert alone > 0.25
    assert together <= sim.LEVEL + LUCK


@pytest.mark.parametrize(("effect", "power"), [(1.0, 0.92), (1.5, 0.99)])
def test_power_with_fifteen_pairs_is_what_the_page_states(effect, power):
    """Beyond the margin by so many spreads of a pair; stopping early costs little."""
    rng = np.random.default_rng(5)
    shifts = rng.standard_normal((sim.MANY, sim.BUDGET)) + effect
    assert sim.regressions(shifts, sim.BUDGETED).mean() >= power


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.3, 0.5])
@pytest.mark.parametrize("plan", PLANS, ids=NAMES)
def test_arms_that_fail_equally_often_are_no_regression(rate, plan):
    rng = np.random.default_rng(6)
    p_values = sim.crash_p(*(sim.failures(rng, rate, sim.BUDGET) for _ in range(2)), plan)
    assert (p_values <= sim.LEVEL).mean() <= sim.LEVEL + LUCK


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("plan", [sim.FIXED, sim.BUDGETED], ids=["one look", "budget"])
def test_a_candidate_that_fails_more_often_by_the_margin_is_not_called_no_worse(rate, plan):
    rng = np.random.default_rng(8)
    baseline, candidate = (sim.failures(rng, rate + more, 20) for more in (0.0, 0.2))
    assert sim.falsely_no_worse(baseline, candidate, 0.2, plan).mean() <= sim.LEVEL + LUCK


def test_failure_rates_that_differ_from_pair_to_pair_do_not_mislead_the_bets():
    """Half of the seeds nearly always fail, on both arms."""
    rng = np.random.default_rng(9)
    rates = np.where(np.arange(20) % 2, 0.9, 0.02)
    failed = [(rng.random((sim.MANY, 20)) < rates).astype(float) for _ in range(2)]
    evidence = betting.against_mean_at_most(failed[1] - failed[0], np.zeros(sim.MANY))
    assert (betting.p_value(evidence) <= sim.LEVEL).mean() <= sim.LEVEL


@pytest.mark.parametrize("pairs", [3, 5, 8, 12, 15])
def test_the_exact_test_of_rates_keeps_its_level_at_every_rate(pairs):
    """No simulation: the chance of a false regression is summed over all outcomes, for 199 rates."""
    counts = range(pairs + 1)
    called = np.array(
        [[exact.more_failures(b, pairs, c, pairs) <= sim.LEVEL for c in counts] for b in counts]
    )
    rates = np.linspace(0.005, 0.995, 199)
    chances = exact._binomial(pairs, rates)
    size = np.einsum("rb,bc,rc->r", chances, called.astype(float), chances)
    assert size.max() <= sim.LEVEL


@pytest.mark.parametrize(("kind", "many"), [("leaning 0.9", 2000), ("heavy tails", 400), ("steps", 400)])
def test_soaks_without_a_leak_are_not_called_one(kind, many):
    """Samples that lean on each other are the rule; taken for independent, most soaks would be leaks."""
    assert sim.leaks_called(kind, many) <= sim.LEVEL + LUCK


def test_caches_that_fill_in_both_arms_are_no_leak():
    assert sim.leaks_called("filling caches", 300) <= sim.LEVEL + LUCK


def test_a_leak_of_some_spreads_an_hour_is_found():
    """Ten spreads of a sample in an hour of 120 samples, each with half of the one before."""
    assert sim.leaks_called("leaning 0.5", 100, slope=10.0) >= 0.95


def test_soaks_on_a_walk_at_random_are_not_called_leaks_of_the_candidate():
    """Nothing tells such a walk from a leak in one arm alone; the comparison must not fall for it."""
    assert sim.leaks_called("wandering", 400) <= sim.LEVEL + LUCK


def test_more_looks_at_a_soak_share_the_level():
    plan = TestPlan(sequential=True, look=4)
    rng = np.random.default_rng(1)
    runs = [sim.soak(rng, "independent", 60, slope) for slope in (0.0, 3.0)]
    once, fourth = (sim.slopes([runs[0]], [runs[1]], plan=one, margin=0.0) for one in (sim.FIXED, plan))
    assert fourth.p_value == pytest.approx(once.p_value * (np.pi * 4) ** 2 / 6)
    assert fourth.interval[0] < once.interval[0]


@pytest.mark.parametrize("plan", PLANS, ids=NAMES)
def test_what_is_simulated_is_what_comparisons_do(plan):
    """The fast rules of the simulations and the comparisons themselves, on the same histories."""
    rng = np.random.default_rng(10)
    shifts = rng.standard_normal((150, sim.BUDGET)) + 0.8
    made = [figures([1.0] * sim.BUDGET, list(np.exp(row)), margin=0.0, plan=plan) for row in shifts]
    called = [one.verdict is Compared.REGRESSION for one in made]
    assert called == sim.regressions(shifts, plan).tolist()
    assert 20 < sum(called) < 150
    failed = sim.failures(rng, 0.1, sim.BUDGET, 100), sim.failures(rng, 0.4, sim.BUDGET, 100)
    p_values = [crash_rates(b.tolist(), c.tolist(), plan).p_value for b, c in zip(*failed, strict=True)]
    assert p_values == pytest.approx(np.minimum(1.0, sim.crash_p(*failed, plan)).tolist())


def test_the_last_look_is_taken_at_the_budget_and_not_before():
    """It has half of the level, once: asked earlier, too, it would be spent twice."""
    shifts = list(np.exp(np.random.default_rng(2).normal(0.6, 1, 15)))
    early, late = (
        figures([1.0] * pairs, shifts[:pairs], margin=0.0, plan=sim.BUDGETED).p_value for pairs in (14, 15)
    )
    bets = 2 * betting.p_value(betting.against_no_more(np.log(shifts[:14])))
    assert early == pytest.approx(min(1.0, float(bets)))
    assert late == pytest.approx(2 * exact.more_shifted(np.log(shifts)))
