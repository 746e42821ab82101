"""The scenario `growth` passes on what it saw, and on nothing else."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lab.clock import Stopwatch
from lab.errors import InfraError
from lab.model import Figure, Observation

FILE = Path(__file__).parents[3] / "scenarios/feature/test_growth.py"


@pytest.fixture(scope="module")
def growth() -> Callable[..., None]:
    spec = importlib.util.spec_from_file_location("scenario_growth", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    scenario: Callable[..., None] = module.test_growth
    return scenario


class Agent:
    """Sees `per_round` events a round and keeps `leaks` objects of each."""

    counts_events = "agent_events"

    def __init__(self, per_round: int, leaks: float = 0.0, **limits: float) -> None:
        self.limits = {"agent_objects": 512.0, **limits}
        self._per_round, self._leaks = per_round, leaks
        self._events = 0

    def keep_busy(self, _seconds: float, rate: float) -> None:
        assert rate > 0
        self._events += self._per_round

    def sample(self) -> dict[str, float]:
        return {"agent_events": float(self._events), "agent_objects": 50 + self._leaks * self._events}


def run(growth: Callable[..., None], agent: Agent) -> list[Observation]:
    seen: list[Observation] = []
    attempt: Any = SimpleNamespace(record=seen.append, clock=Stopwatch())
    update: Any = SimpleNamespace(install_before=str, apply=str, prove=str)
    growth(attempt, agent, update)
    return seen


def test_an_agent_that_keeps_nothing_passes_with_its_figures(growth: Callable[..., None]) -> None:
    figures = [one for one in run(growth, Agent(600)) if isinstance(one, Figure)]
    assert [(one.name, one.value) for one in figures] == [("agent_objects.growth", 0.0)]


def test_a_leak_beyond_its_limit_fails(growth: Callable[..., None]) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"agent_objects is 1850 after 1200 events, it was 650"):
        run(growth, Agent(600, leaks=1.0))


def test_events_that_nobody_sees_fail(growth: Callable[..., None]) -> None:
    with pytest.raises(pytest.fail.Exception, match="none of the events was seen"):
        run(growth, Agent(0))


def test_too_few_events_to_reach_a_limit_are_no_pass(growth: Callable[..., None]) -> None:
    """A leak of one object per event is far from 512 after a hundred of them."""
    with pytest.raises(
        InfraError, match=r"events that the agent saw: 120 in 12 rounds of 10 s \(wanted 1000\)"
    ):
        run(growth, Agent(10, leaks=1.0))


def test_a_limit_of_what_the_agent_does_not_tell_is_no_pass(growth: Callable[..., None]) -> None:
    with pytest.raises(pytest.fail.Exception, match="the agent does not tell agent_handles"):
        run(growth, Agent(600, agent_handles=128.0))
