"""Agents are killed: by the kernel when memory is short, by people, by other products."""

from __future__ import annotations

import pytest

from lab.faults import Faults
from lab.running.update import Update


@pytest.mark.scenario(level="component", starts_with="installed")
def test_agent_killed(update: Update, faults: Faults) -> None:
    """Killed while it works, the agent can be started again, is healthy and sees events."""
    update.install_before()
    update.apply()
    with faults.injected("agent-kill"):
        pass
    update.prove()
    with faults.injected("agent-suspend"):
        pass
    update.prove()
