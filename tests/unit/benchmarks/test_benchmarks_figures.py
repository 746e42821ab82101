"""Figures, ratios and what is wanted of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.core.figures import Figure, Ratio, Wanted, interleaved, missing, ratio, spread

positive = st.floats(min_value=1e-3, max_value=1e6)


def test_a_ratio_is_the_median_of_pairs_not_the_ratio_of_medians() -> None:
    # The machine was three times as slow in the last repetition, for both.
    cold, clone = (20.0, 22.0, 66.0), (2.0, 1.0, 6.0)
    found = ratio("cold / clone", cold, clone)
    assert found is not None
    assert found.samples == (10.0, 22.0, 11.0)
    assert found.median == 11.0


def test_samples_that_are_no_pairs_are_compared_by_their_medians() -> None:
    found = ratio("a / b", (4.0, 6.0, 8.0), (2.0,))
    assert found is not None
    assert found.samples == (3.0,)


@pytest.mark.parametrize(("above", "below"), [((), (1.0,)), ((1.0,), ()), ((1.0,), (0.0,))])
def test_there_is_no_ratio_to_nothing(above: tuple[float, ...], below: tuple[float, ...]) -> None:
    assert ratio("a / b", above, below) is None


@settings(max_examples=30)
@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=9), positive)
def test_a_machine_that_is_slower_by_any_factor_has_the_same_ratio(
    pairs: list[tuple[float, float]], factor: float
) -> None:
    above, below = zip(*pairs, strict=True)
    quick = ratio("a / b", above, below)
    slow = ratio("a / b", [one * factor for one in above], [one * factor for one in below])
    assert quick is not None
    assert slow is not None
    assert slow.median == pytest.approx(quick.median)


@settings(max_examples=30)
@given(st.lists(positive, min_size=1, max_size=20))
def test_the_spread_lies_within_the_samples_around_the_median(samples: list[float]) -> None:
    low, high = spread(samples)
    figure = Figure(name="x", unit="s", samples=tuple(samples))
    assert figure.median is not None
    assert min(samples) <= low <= figure.median * (1 + 1e-9)
    assert figure.median * (1 - 1e-9) <= high <= max(samples)


def test_one_late_sample_does_not_widen_the_spread() -> None:
    assert spread((1.0, 1.1, 1.2, 1.3, 60.0))[1] < 2.0


def test_variants_take_turns_and_begin_with_another_one_each_time() -> None:
    order: list[str] = []

    def variant(name: str) -> float:
        order.append(name)
        return float(len(order))

    taken = interleaved({name: lambda name=name: variant(name) for name in "abc"}, 3)
    assert order == list("abcbcacab")
    assert taken["a"] == (1.0, 6.0, 8.0)


def test_a_variant_that_fails_ends_the_comparison() -> None:
    def fail() -> float:
        raise RuntimeError("no guest")

    with pytest.raises(RuntimeError, match="no guest"):
        interleaved({"works": lambda: 1.0, "fails": fail}, 2)


@pytest.mark.parametrize(
    ("wanted", "value", "met"),
    [
        (Wanted(limit=0.5, at_least=False), 0.5, True),
        (Wanted(limit=0.5, at_least=False), 0.51, False),
        (Wanted(limit=15, at_least=True), 14.9, False),
        (Wanted(limit=0, at_least=False), 1.0, False),
    ],
)
def test_a_figure_is_held_against_what_is_wanted(wanted: Wanted, value: float, met: bool) -> None:
    assert Figure(name="x", unit="s", samples=(value,), wanted=wanted).met is met


def test_what_is_wanted_of_a_ratio_is_not_held_against_the_seconds() -> None:
    wanted = Wanted(limit=15, at_least=True, of_ratio=True)
    clone = Figure(name="clone", unit="s", samples=(1.2,), wanted=wanted)
    assert clone.met is None
    fast = clone.beside(Figure(name="cold", unit="s", samples=(26.5,)), "cold / clone")
    assert fast.met is True
    slow = clone.beside(Figure(name="cold", unit="s", samples=(2.4,)), "cold / clone")
    assert slow.ratio == Ratio(what="cold / clone", samples=(2.0,))
    assert slow.met is False


def test_a_figure_that_was_not_measured_says_why_and_is_neither_met_nor_missed() -> None:
    figure = missing("labgrid", "s", "no such package")
    assert figure.median is None
    assert figure.met is None
    with pytest.raises(ValueError, match="no samples and no reason"):
        Figure(name="labgrid", unit="s")
