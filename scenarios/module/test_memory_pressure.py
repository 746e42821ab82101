"""Memory that was there at start is not there for ever."""

from __future__ import annotations

import pytest

from lab.agents.operations import AgentUnderTest
from lab.faults import Faults
from lab.guest.guest import Guest
from lab.running.update import Update

LEFT = 0.06
"""Share of the memory that the guest keeps: it has to take back whatever anybody will give."""
LEAST_MIB = 12
BUSY_S = 5


@pytest.mark.scenario(level="module", starts_with="installed")
def test_memory_pressure(guest: Guest, agent: AgentUnderTest, update: Update, faults: Faults) -> None:
    """The agent sees events while the guest is out of memory, and when there is enough again."""
    update.install_before()
    update.apply()
    update.prove()
    left = max(LEAST_MIB, round(guest.facts().memory_mib * LEFT))
    with faults.injected("memory-squeeze", leave_mib=left, reclaim=True):
        agent.keep_busy(BUSY_S)
    agent.keep_busy(BUSY_S)
    update.prove()
