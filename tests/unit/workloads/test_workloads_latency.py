"""Percentiles of counted latencies, and rounds added up."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.workloads.latency import Latency, together

TIMES = st.lists(st.integers(1, 10**9), min_size=1, max_size=60)


def of(times: list[int]) -> Latency:
    return Latency(bins={time: times.count(time) for time in times}, worst_ns=max(times))


def test_percentiles_are_the_times_at_their_rank() -> None:
    found = of([n * 1_000_000 for n in range(1, 101)]).percentiles_ms()
    assert found == {"p50": 50.0, "p90": 90.0, "p99": 99.0, "max": 100.0}


def test_no_operation_has_no_percentile_rather_than_zero() -> None:
    assert Latency().percentiles_ms() == {}


def test_no_percentile_is_above_the_longest_though_its_step_ends_there() -> None:
    found = Latency(bins={2_000_000: 3}, worst_ns=1_995_000).percentiles_ms()
    assert found["p99"] == found["max"] == 1.995


@settings(max_examples=40)
@given(TIMES, TIMES)
def test_two_rounds_together_are_one_round_of_both(first: list[int], second: list[int]) -> None:
    assert together([of(first), of(second)]) == of(first + second)


@settings(max_examples=40)
@given(TIMES)
def test_percentiles_only_grow(times: list[int]) -> None:
    values = list(of(times).percentiles_ms().values())
    assert values == sorted(values)
