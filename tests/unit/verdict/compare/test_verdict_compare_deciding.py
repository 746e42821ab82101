"""The stop rule, asked after every pair: it stops for an answer, for a regression, and at the budget."""

from __future__ import annotations

import random

import pytest

from lab.model import Compared, TestPlan
from lab.verdict.compare import decided
from lab.verdict.compare.deciding import compare_all, family_of
from lab.verdict.compare.places import margin_of
from lab.verdict.compare.results import Measured, PairResult, PlaceResults, RunResult

PLAN = TestPlan(sequential=True, most=20, family=family_of(places=3, figures=1))


def run(value: float | None, *, failed: bool | None = False) -> RunResult:
    return RunResult(
        failed=failed, figures={} if value is None else {"boot_s": Measured(value=value, unit="s")}
    )


def pair(number: int, factor: float = 1.0, *, failed: bool | None = False, seed: int = 1) -> PairResult:
    draw = random.Random(f"{number} {seed}")
    base, noise = 20 * draw.lognormvariate(0, 0.05), draw.lognormvariate(0, 0.02)
    return PairResult(
        seed=seed, repetition=number, baseline=run(base), candidate=run(base * noise * factor, failed=failed)
    )


def place(*pairs: PairResult, image: str = "debian-12") -> PlaceResults:
    return PlaceResults(image=image, profile="bios-1cpu", scenario="content-update", pairs=pairs)


def stopped_after(factor: float, *, failed: bool = False, plan: TestPlan = PLAN) -> tuple[int, object]:
    for count in range(1, 100):
        decision = decided(place(*(pair(n, factor, failed=failed) for n in range(count))), plan)
        if decision.stop:
            return count, decision
    raise AssertionError("it never stopped")


def test_before_the_first_pair_there_is_something_to_do():
    assert not decided(place(), PLAN).stop
    assert decided((), PLAN).reason == "no pair has been run"


def test_equal_arms_stop_when_everything_is_decided():
    count, decision = stopped_after(1.0)
    assert count < 20
    assert decision.more == 0 or {one.verdict for one in decision.comparisons} == {Compared.NO_WORSE}


def test_a_regression_stops_at_once_and_is_named():
    count, decision = stopped_after(1.5)
    assert 6 <= count <= 12
    assert decision.reason.startswith("a regression is shown: boot_s")


def test_a_candidate_that_always_fails_is_known_after_few_pairs():
    count, decision = stopped_after(1.0, failed=True)
    assert count <= 10
    assert "crashes" in decision.reason


def test_the_budget_ends_what_cannot_be_decided():
    count, decision = stopped_after(1.1)
    assert count == 20
    assert "the most that are allowed" in decision.reason


def test_what_the_stop_rule_says_of_a_regression_still_holds_for_the_whole_run():
    """Bonferroni on the way, Holm at the end: it cannot be taken back."""
    count, _ = stopped_after(1.5)
    others = [place(*(pair(n, seed=9) for n in range(20)), image=f"image-{k}") for k in range(2)]
    worse = place(*(pair(n, 1.5) for n in range(count)))
    found = {
        (one.image, one.name): one.verdict for one in compare_all([worse, *others], PLAN) if one.image != "*"
    }
    assert found["debian-12", "boot_s"] is Compared.REGRESSION
    assert Compared.REGRESSION not in {verdict for key, verdict in found.items() if key[0] != "debian-12"}


def test_what_is_too_small_on_each_image_shows_over_all_of_them():
    places = [place(pair(1, 1.4), pair(2, 1.4), image=f"image-{k}") for k in range(6)]
    made = {(one.image, one.name): one for one in compare_all(places, TestPlan())}
    assert made["image-0", "boot_s"].verdict is Compared.NOT_ENOUGH
    everywhere = made["*", "boot_s"]
    assert everywhere.verdict is Compared.REGRESSION
    assert (everywhere.pairs, everywhere.place) == (12, "content-update over all OS builds")


def test_a_figure_that_only_one_arm_gives_is_no_comparison():
    lonely = PairResult(seed=1, repetition=1, baseline=run(20.0), candidate=run(None))
    (crashes, boot) = compare_all([place(lonely)], TestPlan())
    assert {crashes.name, boot.name} == {"crashes", "boot_s"}
    missing = boot if boot.name == "boot_s" else crashes
    assert (missing.verdict, missing.pairs, missing.lost) == (Compared.NOT_ENOUGH, 0, 1)


def test_runs_that_prove_nothing_are_lost_pairs():
    made = compare_all([place(pair(1, failed=None), pair(2))], TestPlan())
    crashes = next(one for one in made if one.kind == "crashes")
    assert (crashes.pairs, crashes.lost) == (1, 1)


def test_the_first_margin_that_matches_counts():
    margins = {"boot_s": 0.3, "*_s": 0.2, "*": 0.1}
    assert [margin_of(name, margins) for name in ("boot_s", "update_s", "rss")] == [0.3, 0.2, 0.1]
    assert margin_of("anything", {}) == 0.1


@pytest.mark.parametrize(("places", "figures", "family"), [(0, 0, 1), (1, 0, 2), (5, 3, 24)])
def test_the_family_counts_every_comparison(places, figures, family):
    assert family_of(places, figures) == family
