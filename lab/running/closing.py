"""The last seconds of a scenario that went well: whether the guest, and the agent in it, stay so.

A proof is of the moment in which it was given. What an update set going may take the guest down a second
later, when nobody would look any more. Refuses to look after a scenario that failed: evidence is next then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import pytest

from lab.agents.outcomes import Health
from lab.model import AgentVersion, FaultMark, FaultPhase, MachineEvent, Observation, Proof, Step
from lab.verdict.proof import BOOTS, CHANGES, SWITCHES

GONE = frozenset({"shutdown", "stopped", "destroyed"})
"""What the hypervisor says of a guest that does not answer, and need not."""


class AgentLike(Protocol):
    """What of `lab.agents.operations.AgentUnderTest` is needed."""

    def read(self) -> tuple[AgentVersion, Health]: ...


class Closing:
    """Follows what the recording says of the agent (a subscriber), and takes the last look."""

    def __init__(self) -> None:
        self._well = False
        """Whether the last that is known of the agent is that it is healthy."""
        self._faults: set[str] = set()
        """What the scenario has put on the guest and not taken away."""

    def observe(self, observation: Observation) -> None:
        match observation:
            case Proof(what="healthy", values=values):
                self._well = values.get("ok") is True
            case Step(phase="start", name=name) if name in CHANGES | SWITCHES:
                self._well = False
            case MachineEvent(name=name) if name in BOOTS or name in GONE:
                self._well = False
            case FaultMark(phase=FaultPhase.INJECTED):
                self._faults.add(observation.id)
            case FaultMark(phase=FaultPhase.UNDONE):
                self._faults.discard(observation.id)
            case _:
                pass

    def watch(self, agent: AgentLike, quiet: Callable[[float], object], seconds: float) -> None:
        """Let the guest run on under the eyes of the detectors; an agent that was well must be well still.

        :param quiet: waits so many seconds; a fatal finding ends that, and the scenario.
        :raise pytest.fail.Exception: the agent is not healthy any more.
        :raise ChannelError: the guest does not answer.
        """
        if seconds <= 0:
            return
        quiet(seconds)
        if not self._well or self._faults:
            return
        _, health = agent.read()
        if not health.ok:
            words = health.message or "no reason given"
            pytest.fail(
                f"the agent was healthy at the end and is not {seconds:g} s later: {words}", pytrace=False
            )
