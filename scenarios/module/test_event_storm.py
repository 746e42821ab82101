"""Events come one by one in a test, and all at once when a machine is busy."""

from __future__ import annotations

import pytest

from lab.agents.operations import AgentUnderTest
from lab.running.update import Update

STORMS = 2
STORM_S = 10


@pytest.mark.scenario(level="module", starts_with="installed")
def test_event_storm(agent: AgentUnderTest, update: Update) -> None:
    """The agent lives through more events at a time than it can follow, and works afterwards."""
    update.install_before()
    update.apply()
    update.prove()
    for _ in range(STORMS):
        agent.keep_busy(STORM_S, rate=0)
        update.prove()
