"""What a bad line does to packets, as far as it can be told without any packet."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.faults.network.impairment import BACKLOG_S, Impairment, Line

PACKETS = st.lists(st.tuples(st.integers(40, 1500), st.floats(0, 0.05)), max_size=80)


def deliveries(line: Line, packets: list[tuple[int, float]]) -> list[float | None]:
    now_s, due = 0.0, []
    for size, gap_s in packets:
        now_s += gap_s
        due.append(line.take(size, now_s))
    return due


def line(seed: int = 1, **bad: float) -> Line:
    return Line(Impairment(**bad), random.Random(seed))


@settings(max_examples=50)
@given(packets=PACKETS)
def test_a_good_line_delivers_everything_at_once(packets: list[tuple[int, float]]) -> None:
    good, now_s = line(), 0.0
    for size, gap_s in packets:
        now_s += gap_s
        assert good.take(size, now_s) == now_s
    assert good.counts.lost == good.counts.held == 0


@settings(max_examples=50)
@given(
    packets=PACKETS,
    loss=st.floats(0, 1),
    delay_s=st.floats(0, 1),
    reorder=st.floats(0, 1),
    speed=st.sampled_from([0.0, 64000.0]),
)
def test_the_same_seed_gives_every_packet_the_same_fate(
    packets: list[tuple[int, float]], loss: float, delay_s: float, reorder: float, speed: float
) -> None:
    bad = {"loss": loss, "delay_s": delay_s, "reorder": reorder, "bits_per_s": speed}
    first, again = line(7, **bad), line(7, **bad)
    due = deliveries(first, packets)
    assert deliveries(again, packets) == due
    assert first.counts.seen == len(packets)
    assert first.counts.lost == due.count(None)


@settings(max_examples=50)
@given(packets=PACKETS, delay_s=st.floats(0.001, 1), jitter_s=st.floats(0, 1))
def test_delay_and_jitter_keep_the_order(
    packets: list[tuple[int, float]], delay_s: float, jitter_s: float
) -> None:
    due = [at_s for at_s in deliveries(line(delay_s=delay_s, jitter_s=jitter_s), packets) if at_s is not None]
    assert due == sorted(due)
    assert len(due) == len(packets)


def test_a_rate_of_loss_is_met_over_many_packets() -> None:
    bad = line(loss=0.2)
    deliveries(bad, [(100, 0.001)] * 5000)
    assert 850 < bad.counts.lost < 1150


def test_a_packet_that_is_held_back_is_overtaken_by_the_next() -> None:
    bad = line(reorder=0.5)
    due = deliveries(bad, [(100, 0.001)] * 200)
    assert bad.counts.overtaken > 50
    assert due != sorted(at_s for at_s in due if at_s is not None)


def test_a_limited_line_takes_as_long_as_its_bytes_do_and_drops_what_it_cannot_keep() -> None:
    slow = line(bits_per_s=80_000.0)  # 10 kB a second
    due = deliveries(slow, [(1000, 0.0)] * 30)
    kept = [at_s for at_s in due if at_s is not None]
    assert abs(kept[9] - 1.0) < 1e-9
    assert slow.counts.lost == len(due) - len(kept) > 0
    assert slow.counts.longest_s <= BACKLOG_S + 0.1 + 1e-9
