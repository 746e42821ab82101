"""A slow disk is told from a busy host by the fastest write before it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lab.faults import disk
from lab.faults.disk import DiskSlow
from lab.model import Family

LIMIT = {"kib_s": 1024.0, "requests_s": 0.0}
LIMITED_S = 2.0
"""What the probe takes under it."""


@pytest.fixture
def throttled(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the limit is on, in the order of the orders."""
    seen: list[bool] = []
    monkeypatch.setattr(
        disk.blockfilter,
        "throttle",
        lambda _domain, bytes_per_s=0, requests_per_s=0: seen.append(bool(bytes_per_s or requests_per_s)),
    )
    return seen


def slow(monkeypatch: pytest.MonkeyPatch, took_s: Iterator[float]) -> DiskSlow:
    """A fault whose writes take so long, one after the other."""
    subject: Any = SimpleNamespace(domain=None, family=Family.LINUX)
    fault = DiskSlow(subject, LIMIT)
    monkeypatch.setattr(fault, "_write", lambda: next(took_s))
    return fault


def test_one_write_that_the_host_held_up_does_not_hide_the_effect(
    monkeypatch: pytest.MonkeyPatch, throttled: list[bool]
) -> None:
    fault = slow(monkeypatch, iter([3.3, 0.2, LIMITED_S]))
    fault.inject()
    assert fault.prove() == "writing 2048 KiB took 2.00 s, 0.20 s before the fault"
    assert throttled == [True]


def test_a_disk_that_was_as_slow_before_proves_nothing(
    monkeypatch: pytest.MonkeyPatch, throttled: list[bool]
) -> None:
    fault = slow(monkeypatch, iter([3.3, 3.1, 3.5, 3.0, 3.4]))
    fault.inject()
    assert fault.prove() == ""
    assert throttled == [True]


def test_a_fast_write_is_believed_at_once(monkeypatch: pytest.MonkeyPatch, throttled: list[bool]) -> None:
    fault = slow(monkeypatch, iter([0.2, LIMITED_S]))
    fault.inject()
    assert fault.prove()
    assert throttled == [True]
