"""Clocks are set: by time servers, by people, by a battery that ran out."""

from __future__ import annotations

import pytest

from lab.agents.operations import AgentUnderTest
from lab.faults import Faults
from lab.running.update import Update
from lab.running.watch import Watch

JUMPS = ("clock-forward", "clock-back")
BY_S = 7200


@pytest.mark.scenario(level="component", starts_with="installed")
def test_clock_jump(agent: AgentUnderTest, update: Update, faults: Faults, watch: Watch) -> None:
    """The agent stays well when the clock is set forward and back, and each time back to where it was."""
    update.install_before()
    update.apply()
    update.prove()
    for jump in JUMPS:
        with faults.injected(jump, by_s=BY_S):
            watch.quiet(agent.notice_s)
            update.prove()
        watch.quiet(agent.notice_s)
        update.prove()
