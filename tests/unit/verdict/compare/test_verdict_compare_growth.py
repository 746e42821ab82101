"""Slopes of both arms: a leak is what the released agent does not have."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lab.model import Compared, TestPlan
from lab.verdict.compare import Series, slopes

PLAN = TestPlan()
HOURS = list(np.linspace(0, 1, 120))


def run(per_hour: float, seed: int, level: float = 20_000.0, noise: float = 50.0) -> Series:
    draw = np.random.default_rng(seed)
    return Series(HOURS, list(level + per_hour * np.array(HOURS) + draw.normal(0, noise, len(HOURS))))


def test_growth_of_the_candidate_alone_is_a_leak_and_says_when_memory_ends():
    made = slopes([run(0, 1)], [run(2000, 2)], plan=PLAN, name="slab_kib", unit="KiB", limit=500_000)
    assert made.verdict is Compared.REGRESSION
    assert made.effect == pytest.approx(2000, rel=0.1)
    assert made.exhausted_h is not None
    typical, earliest = made.exhausted_h
    assert earliest < typical
    assert typical == pytest.approx((500_000 - 22_000) / 2000, rel=0.1)


def test_growth_of_both_arms_is_no_leak_of_the_candidate():
    made = slopes([run(2000, 1)], [run(2000, 2)], plan=PLAN)
    assert made.verdict is Compared.NO_WORSE


def test_memory_that_shrinks_is_read_the_other_way_round():
    shrinking = slopes([run(0, 1)], [run(-2000, 2)], plan=PLAN, better="higher", name="memory_available_kib")
    assert shrinking.verdict is Compared.REGRESSION
    assert shrinking.candidate == pytest.approx(-2000, rel=0.1)
    assert shrinking.exhausted_h is not None
    assert shrinking.exhausted_h[0] == pytest.approx(9.0, rel=0.1)
    assert slopes([run(0, 1)], [run(-2000, 2)], plan=PLAN).verdict is Compared.NO_WORSE


def test_a_slope_within_what_is_tolerated_is_no_leak():
    assert slopes([run(0, 1)], [run(100, 2)], plan=PLAN).verdict is Compared.NO_WORSE
    assert slopes([run(0, 1)], [run(100, 2)], plan=PLAN, margin=20.0).verdict is Compared.REGRESSION


def test_runs_of_an_arm_that_differ_among_themselves_prove_less():
    """Three soaks that go their own ways: the mean slope is no surer than they agree."""
    baseline = [run(slope, seed) for seed, slope in enumerate((-3000, 0, 3000))]
    candidate = [run(slope + 2000, seed + 9) for seed, slope in enumerate((-3000, 0, 3000))]
    made = slopes(baseline, candidate, plan=PLAN)
    assert made.verdict is Compared.NOT_ENOUGH
    assert made.pairs == 3


@pytest.mark.parametrize(("candidate", "verdict"), [(0.0, Compared.NO_WORSE), (1.0, Compared.REGRESSION)])
def test_values_without_any_noise_have_exact_slopes(candidate, verdict):
    flat, line = Series(HOURS, [7.0] * 120), Series(HOURS, [7.0 + candidate * hour for hour in HOURS])
    assert slopes([flat], [line], plan=PLAN).verdict is verdict


@pytest.mark.parametrize(
    "short",
    [Series([], []), Series([0.0], [1.0]), Series([1.0] * 30, [2.0] * 30), Series(HOURS[:10], HOURS[:10])],
)
def test_a_run_too_short_for_a_slope_gives_none(short):
    made = slopes([short], [run(0, 1)], plan=PLAN)
    assert (made.verdict, made.effect, made.lost) == (Compared.NOT_ENOUGH, None, 1)


def test_samples_that_are_no_numbers_are_left_out():
    values = [float("nan") if n % 5 == 0 else 100.0 + n % 3 for n in range(120)]
    made = slopes([Series(HOURS, values)], [Series(HOURS, [*values[:-1], math.inf])], plan=PLAN)
    assert made.verdict is Compared.NO_WORSE


def test_the_start_of_a_run_does_not_count():
    """A cache that fills in the first tenth of the candidate's run only."""
    filled = [30_000.0 - 9000 * max(0.0, 0.1 - hour) * 10 for hour in HOURS]
    assert slopes([run(0, 1, 30_000)], [Series(HOURS, filled)], plan=PLAN).verdict is Compared.NO_WORSE


def test_times_and_values_must_be_as_many():
    with pytest.raises(ValueError, match="2 times and 1 values"):
        Series([0.0, 1.0], [1.0])


def test_lines_and_bands_are_kept_for_the_charts():
    made = slopes([run(0, 1)], [run(2000, 2)], plan=PLAN)
    assert [arm for arm, _ in made.lines] == ["baseline", "candidate"]
    assert all(len(line) <= 40 for _, line in made.lines)
    assert [low < slope < high for _, slope, low, high in made.bands] == [True, True]
