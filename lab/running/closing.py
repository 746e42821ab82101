"""The last seconds of a scenario that went well: whether the guest, and the agent in it, stay so.

A proof is of the moment in which it was given. What an update set going may take the guest down a second
later, when nobody would look any more. So the guest is watched until some time after the last thing that was
done to it; a scenario that has watched so long itself, or did nothing, costs no time. Refuses to look after a
scenario that failed: evidence is next then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import pytest

from lab.agents.outcomes import Health
from lab.model import AgentVersion, FaultMark, FaultPhase, MachineEvent, Observation, Proof, Step
from lab.verdict.proof import BOOTS, CHANGES, SWITCHES

POWER_ON = "started"
"""Where every attempt begins."""
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
        self._done_s: float | None = None
        """When something was last done to the guest or the agent in it, on the attempt's clock."""
        self._proven_s = 0.0
        """When the agent was last seen to be healthy."""

    def observe(self, observation: Observation) -> None:
        match observation:
            case Proof(what="healthy", values=values):
                self._well, self._proven_s = values.get("ok") is True, observation.t_s
            case Step(phase=phase, name=name) if name in CHANGES | SWITCHES:
                self._well = self._well and phase != "start"
                self._done_s = observation.t_s
            case MachineEvent(name=name) if name in BOOTS or name in GONE:
                self._well = False
                if name != POWER_ON:
                    self._done_s = observation.t_s
            case FaultMark(phase=FaultPhase.INJECTED):
                self._faults.add(observation.id)
                self._done_s = observation.t_s
            case FaultMark(phase=FaultPhase.UNDONE):
                self._faults.discard(observation.id)
                self._done_s = observation.t_s
            case _:
                pass

    def watch(self, agent: AgentLike, quiet: Callable[[float], object], seconds: float, now_s: float) -> None:
        """Let the guest run on under the eyes of the detectors; an agent that was well must be well still.

        :param quiet: waits so many seconds; a fatal finding ends that, and the scenario.
        :param seconds: from the last that was done; 0: no look at all.
        :param now_s: on the attempt's clock.
        :raise pytest.fail.Exception: the agent is not healthy any more.
        :raise ChannelError: the guest does not answer.
        """
        if seconds <= 0 or self._done_s is None:
            return
        until_s = self._done_s + seconds
        if now_s < until_s:
            quiet(until_s - now_s)
        if not self._well or self._faults or self._proven_s >= until_s:
            return
        _, health = agent.read()
        if not health.ok:
            words = health.message or "no reason given"
            pytest.fail(
                f"the agent was healthy at the end and is not {seconds:g} s later: {words}", pytrace=False
            )
