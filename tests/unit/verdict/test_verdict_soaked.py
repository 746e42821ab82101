"""What a soak did not show is said beside its verdict."""

from __future__ import annotations

from dataclasses import replace

from attempting import TODAY, attempt, cell, proven, step

from lab.model import GatePolicy, Sample
from lab.verdict import judge
from lab.verdict.soaked import remarks


def soaked(number: int, count: int, *, gap_s: float = 0.0, every_s: float = 60.0, complete: bool = True):
    one = cell(scenario="soak")
    note = [step(0.5, "resumed", "note", after=number - 1, gap_s=gap_s)] if gap_s else []
    taken = [Sample(t_s=20.0 + n, guest_s=60 + n * every_s, values={"slab_kib": 1.0}) for n in range(count)]
    end = [step(57, "soak", "end")] if complete else []
    return attempt(one, [*note, *proven(one), *taken, *end], number=number, complete=complete)


def test_a_soak_in_one_piece_needs_no_words():
    assert remarks([soaked(1, 20)]) == []


def test_what_was_no_soak_needs_none_either():
    assert remarks([attempt()]) == []


def test_a_resumed_soak_says_what_was_not_seen_and_how_long_each_guest_lived():
    first, second = soaked(1, 31, complete=False), soaked(2, 21, gap_s=12.0)
    (verdict,) = judge([first, second], GatePolicy(), TODAY)
    words = "; ".join(verdict.reasons)
    assert "resumed after attempt 1 was cut short: 12 s between them were not seen" in words
    assert "the soak is of 2 guests' lives, 30 min and 20 min: growth is read from the longest" in words


def test_a_soak_of_few_samples_says_that_growth_was_not_compared():
    (verdict,) = judge([soaked(1, 7)], GatePolicy(), TODAY)
    assert "growth was not compared: 7 samples of one life of the guest (wanted 15)" in verdict.reasons


def test_looks_that_were_not_answered_are_counted():
    record = soaked(1, 20)
    note = step(30, "soak-missed", "note", error="no answer")
    assert remarks([replace(record, observations=(*record.observations, note, note))]) == [
        "2 of the soak's looks were not answered"
    ]


def test_a_long_soak_is_told_in_hours():
    first, second = soaked(1, 40, every_s=3600, complete=False), soaked(2, 20, gap_s=12.0)
    assert any("39.0 h and 19 min" in words for words in remarks([first, second]))
