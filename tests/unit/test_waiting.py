"""Waiting: deadlines, pauses, and what was seen last."""

from __future__ import annotations

import time

import pytest

from lab.waiting import WaitTimeout, wait_for


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


def test_what_is_there_at_once_costs_no_pause(pauses: list[float]) -> None:
    assert wait_for(lambda: 7, what="seven", timeout_s=5) == 7
    assert pauses == []


def test_pauses_double_from_the_first_up_to_the_interval(pauses: list[float]) -> None:
    wait_for(lambda: len(pauses) == 5, what="five pauses", timeout_s=60, interval_s=0.5, soon_s=0.1)

    assert pauses == [0.1, 0.2, 0.4, 0.5, 0.5]


def test_without_a_first_pause_all_are_alike(pauses: list[float]) -> None:
    wait_for(lambda: len(pauses) == 3, what="three pauses", timeout_s=60, interval_s=0.3)

    assert pauses == [0.3, 0.3, 0.3]


def test_a_timeout_says_what_was_seen_instead() -> None:
    def refuses() -> None:
        raise ConnectionError("port is closed")

    with pytest.raises(WaitTimeout, match=r"a port: not in 0 s; last seen: ConnectionError: port is closed"):
        wait_for(refuses, what="a port", timeout_s=0.0, interval_s=0.001, ignore=(ConnectionError,))


def test_errors_that_are_not_expected_end_the_wait() -> None:
    def broken() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        wait_for(broken, what="anything", timeout_s=5, ignore=(ConnectionError,))
