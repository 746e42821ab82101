"""What may ship, as a scenario sees it: from the installed version to the arm's, and back."""

from __future__ import annotations

import pytest

from lab.agents.operations import AgentUnderTest
from lab.model import AgentVersion, Cell


class Update:
    """The update of one cell.

    Baseline and candidate go the same way: both start at `before` and go to `version`; only the
    version differs between the arms.
    """

    def __init__(self, agent: AgentUnderTest, cell: Cell) -> None:
        self._agent = agent
        self.before: AgentVersion = cell.installed
        self.version: AgentVersion = cell.version

    def install_before(self) -> None:
        """Bring the guest to the starting point and prove that it is healthy there."""
        self._agent.install(self.before)
        self._agent.prove(self.before)

    def apply(self) -> None:
        """Apply the update; the agent must take it.

        An agent that refuses fails the scenario as *refused*: neither a crash nor a pass.
        """
        result = self._agent.apply(self.version)
        if result.refused:
            pytest.fail(f"update refused: {result.message}", pytrace=False)
        if not result.applied:
            pytest.fail(f"update not applied: {result.message}", pytrace=False)

    def prove(self) -> None:
        """Read build and content back, check health, and show that the update was exercised."""
        self._agent.prove(self.version)

    def roll_back(self) -> None:
        """Back to the installed version."""
        self._agent.rollback(self.before)
