"""After a scenario's last proof the guest is watched on, and an agent that was well must stay well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from running_factories import order

from lab.agents.outcomes import Health
from lab.model import AgentVersion, FaultMark, FaultPhase, MachineEvent, Observation, Proof, Step
from lab.pytest_plugin import ATTEMPT, pytest_pyfunc_call
from lab.running.attempt import Attempt
from lab.running.closing import Closing

WELL, ILL = Health(ok=True, message=""), Health(ok=False, message="the service is gone")
UPDATED = Step(t_s=4.0, name="update", phase="end")
HEALTHY = Proof(t_s=5.0, what="healthy", values={"ok": True})


class Agent:
    """Says what it was told to say of its health."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self.asked = 0

    def read(self) -> tuple[AgentVersion, Health]:
        self.asked += 1
        return AgentVersion(build="1.0", content="291"), self._health


def after(*seen: Observation) -> Closing:
    closing = Closing()
    for one in seen:
        closing.observe(one)
    return closing


def test_an_agent_that_dies_after_its_last_proof_fails_the_scenario() -> None:
    waited: list[float] = []
    with pytest.raises(pytest.fail.Exception, match="is not 2 s later: the service is gone"):
        after(UPDATED, HEALTHY).watch(Agent(ILL), waited.append, 2.0, now_s=5.0)
    assert waited == [1.0], "it was 1 s since the update"


def test_an_agent_that_stays_well_is_looked_at_once() -> None:
    agent = Agent(WELL)
    after(UPDATED, HEALTHY).watch(agent, lambda _: None, 2.0, now_s=5.0)
    assert agent.asked == 1


@pytest.mark.parametrize(
    "later",
    [
        Step(t_s=6.0, name="uninstall", phase="start"),
        Step(t_s=6.0, name="stop", phase="start"),
        Step(t_s=6.0, name="reboot", phase="start"),
        MachineEvent(t_s=6.0, name="reset"),
        MachineEvent(t_s=6.0, name="shutdown"),
        FaultMark(t_s=6.0, fault="nic-down", phase=FaultPhase.INJECTED, id="nic-down-1"),
        Proof(t_s=6.0, what="healthy", values={"ok": False}),
    ],
)
def test_an_agent_that_was_not_well_last_is_watched_and_not_asked(later: Observation) -> None:
    agent, waited = Agent(ILL), []
    after(UPDATED, HEALTHY, later).watch(agent, waited.append, 2.0, now_s=7.0)
    assert agent.asked == 0
    assert waited == ([] if isinstance(later, Proof) else [1.0])


def test_a_scenario_that_has_watched_long_enough_itself_costs_no_time() -> None:
    proven = Proof(t_s=6.5, what="healthy", values={"ok": True})
    agent = Agent(ILL)
    after(UPDATED, HEALTHY, proven).watch(agent, pytest.fail, 2.0, now_s=7.0)
    assert agent.asked == 0


def test_an_old_proof_is_not_enough_however_long_was_watched() -> None:
    with pytest.raises(pytest.fail.Exception, match="the service is gone"):
        after(UPDATED, HEALTHY).watch(Agent(ILL), pytest.fail, 2.0, now_s=60.0)


def test_a_guest_to_which_nothing_was_done_is_not_watched() -> None:
    begun = MachineEvent(t_s=0.2, name="started")
    after(begun).watch(Agent(ILL), pytest.fail, 2.0, now_s=0.5)


def test_a_fault_that_was_taken_away_hinders_no_question() -> None:
    marks = [
        FaultMark(t_s=t_s, fault="nic-down", phase=phase, id="nic-down-1")
        for t_s, phase in ((4.2, FaultPhase.INJECTED), (4.4, FaultPhase.UNDONE))
    ]
    agent = Agent(WELL)
    after(UPDATED, *marks, HEALTHY).watch(agent, lambda _: None, 2.0, now_s=5.0)
    assert agent.asked == 1


def test_no_time_to_close_is_no_look() -> None:
    agent = Agent(ILL)
    after(UPDATED, HEALTHY).watch(agent, pytest.fail, 0.0, now_s=5.0)
    assert agent.asked == 0


class Item:
    """Stands for pytest's item of a scenario that runs."""

    def __init__(self, attempt: object) -> None:
        self.stash = pytest.Stash()
        self.stash[ATTEMPT] = attempt  # type: ignore[misc]


def called(attempt: Attempt, error: Exception | None = None) -> Any:
    """What the hook makes of a test function that ended so."""
    hook = pytest_pyfunc_call(Item(attempt))  # type: ignore[arg-type]
    next(hook)
    return hook.throw(error) if error is not None else hook.send(None)


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    """Its agent has been proven healthy, and is not well now; it has no machine."""
    made = Attempt(order(tmp_path / "cells/one/a1"))
    made._open_recording()
    made.agent = Agent(ILL)  # type: ignore[assignment]
    made.watch.quiet = lambda _: None  # type: ignore[method-assign]
    made.record(UPDATED)
    made.record(HEALTHY)
    return made


def test_a_scenario_that_returned_is_closed_before_its_end_is_told(attempt: Attempt) -> None:
    with pytest.raises(pytest.fail.Exception, match="the agent was healthy at the end"):
        called(attempt)


def test_a_scenario_that_failed_keeps_its_own_failure(attempt: Attempt) -> None:
    with pytest.raises(AssertionError, match="1 != 2"):
        called(attempt, AssertionError("1 != 2"))
