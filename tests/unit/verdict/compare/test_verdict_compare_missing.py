"""What the candidate alone does not measure is never shown to be no worse: too slow to be timed is worse."""

from __future__ import annotations

import random

import pytest

from lab.model import Compared, Comparison, TestPlan
from lab.verdict.compare import Series, figures
from lab.verdict.compare.deciding import compare_all
from lab.verdict.compare.results import Growing, Measured, PairResult, PlaceResults, RunResult

LOOKED = TestPlan(sequential=True, most=20)
PLANS = [TestPlan(), LOOKED, TestPlan(sequential=True)]


def run(**values: float) -> RunResult:
    return RunResult(failed=False, figures={name: Measured(value=value) for name, value in values.items()})


def pairs(count: int, *, timed: int) -> list[PairResult]:
    """The candidate is as fast as its twin, in those runs in which it was timed at all."""
    made = []
    for number in range(count):
        draw = random.Random(number)
        own, twin = (20 * draw.lognormvariate(0, 0.01) for _ in range(2))
        candidate = run(update_s=2.0, p99_ms=own) if number < timed else run(update_s=2.0)
        baseline = run(update_s=2.0, p99_ms=twin)
        made.append(PairResult(seed=1, repetition=number, baseline=baseline, candidate=candidate))
    return made


def compared(made: list[PairResult], name: str = "p99_ms", plan: TestPlan | None = None) -> Comparison:
    place = PlaceResults(image="a", profile="b", scenario="c", pairs=tuple(made))
    return next(one for one in compare_all([place], plan or TestPlan()) if one.name == name)


@pytest.mark.parametrize("plan", PLANS)
def test_pairs_in_which_both_were_measured_do_not_speak_for_the_others(plan: TestPlan) -> None:
    assert compared(pairs(20, timed=20), plan=plan).verdict is Compared.NO_WORSE
    made = compared(pairs(20, timed=10), plan=plan)
    assert made.verdict is Compared.NOT_ENOUGH
    assert (made.pairs, made.lost, made.missing) == (10, 10, 10)
    assert "in 10 pairs only the released agent gave this figure" in made.sentence


def test_one_miss_among_many_is_told_and_outvoted() -> None:
    made = compared(pairs(20, timed=19))
    assert made.verdict is Compared.NO_WORSE
    assert "in 1 pair only the released agent gave this figure" in made.sentence


def test_a_figure_that_the_candidate_never_gives_is_decided_by_no_number_of_runs() -> None:
    made = compared(pairs(10, timed=0))
    assert made.verdict is Compared.NOT_ENOUGH
    assert made.more is None
    assert "no number of them would decide" in made.sentence


def test_what_is_missing_makes_no_regression_by_itself() -> None:
    assert figures([1.0] * 10, [1.0] * 10, margin=0.1, plan=TestPlan(), lost=40, missing=40).p_value == 1.0


def test_a_run_that_gave_nothing_at_all_is_lost_and_not_missing() -> None:
    """Its host was another one than its twin's, or it proves nothing."""
    lost = [
        PairResult(seed=1, repetition=n, baseline=run(p99_ms=1.0), candidate=RunResult(failed=None))
        for n in range(3)
    ]
    made = compared([*pairs(10, timed=10), *lost])
    assert (made.lost, made.missing, made.verdict) == (3, 0, Compared.NO_WORSE)


def test_growth_that_the_candidate_does_not_tell_is_not_shown_to_be_none() -> None:
    flat = Growing(series=Series([n / 60 for n in range(60)], [100.0] * 60))

    def soaked(*, told: bool) -> RunResult:
        return RunResult(
            failed=False, figures=run(update_s=2.0).figures, growing={"slab_kib": flat} if told else {}
        )

    made = [
        PairResult(seed=1, repetition=n, baseline=soaked(told=True), candidate=soaked(told=n < 2))
        for n in range(3)
    ]
    assert compared(made[:2], "slab_kib").verdict is Compared.NO_WORSE
    assert compared(made, "slab_kib").verdict is Compared.NOT_ENOUGH
