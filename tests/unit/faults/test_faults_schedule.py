"""Schedules: the same for the same seed, one fault at a time, all over in time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.errors import InputError
from lab.faults import schedule
from lab.faults.catalogue import KINDS

DRAWABLE = sorted(
    name for name, kind in KINDS.items() if all(one.default is not None for one in kind.parameters)
)
NAMES = st.lists(st.sampled_from(DRAWABLE), min_size=1, max_size=6)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**64), names=NAMES, for_s=st.floats(1, 600))
def test_a_schedule_depends_on_seed_kinds_and_length_only(seed: int, names: list[str], for_s: float) -> None:
    first = schedule(seed, names, for_s)
    assert schedule(seed, [*reversed(names), names[0]], for_s) == first


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), names=NAMES, for_s=st.floats(1, 600))
def test_faults_follow_each_other_and_end_in_time(seed: int, names: list[str], for_s: float) -> None:
    last = 0.0
    for planned in schedule(seed, names, for_s):
        assert last <= planned.at_s < planned.end_s <= for_s + 0.01
        last = planned.end_s


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), names=NAMES)
def test_every_parameter_that_is_drawn_can_be_injected(seed: int, names: list[str]) -> None:
    for planned in schedule(seed, names, 300):
        kind = KINDS[planned.kind]
        assert kind.resolve(planned.parameters) == dict(planned.parameters)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), names=NAMES)
def test_every_kind_comes_once_before_any_comes_twice(seed: int, names: list[str]) -> None:
    wanted = set(names)
    drawn = [planned.kind for planned in schedule(seed, names, 600)][: len(wanted)]
    assert set(drawn) == wanted


def test_a_schedule_that_was_recorded_replays_as_it_was() -> None:
    plan = schedule(42, ["net-loss", "clock-forward"], 20)
    assert [(one.at_s, one.for_s, one.kind, dict(one.parameters)) for one in plan] == [
        (2.74, 3.72, "clock-forward", {"by_s": 69200.0}),
        (8.54, 3.9, "net-loss", {"rate": 0.222}),
        (13.82, 2.08, "clock-forward", {"by_s": 54700.0}),
    ]


@pytest.mark.parametrize(
    ("kinds", "words"), [((), "no kinds of faults"), (("net-los",), "closest is 'net-loss'")]
)
def test_kinds_that_cannot_be_drawn_are_refused(kinds: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        schedule(1, kinds, 10)
