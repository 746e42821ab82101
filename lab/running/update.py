"""What may ship, as a scenario sees it: from the installed version to the arm's, and back."""

from __future__ import annotations

import pytest

from lab.agents.operations import AgentUnderTest
from lab.model import AgentVersion, Cell


class Update:
    """The update of one cell.

    Baseline and candidate go the same way: both start at `before` and go to `version`; only the
    version differs between the arms. Every method records what it did and read back; the proofs
    in the recording, not the return values, are what a pass rests on.
    """

    def __init__(self, agent: AgentUnderTest, cell: Cell) -> None:
        self._agent = agent
        self.before: AgentVersion = cell.installed
        self.version: AgentVersion = cell.version

    def install_before(self) -> None:
        """Bring the guest to the starting point; it must be healthy there."""
        self._agent.install(self.before)
        self._expect(self.before, "after the installation")

    def install_fresh(self) -> None:
        """Install the version that may ship on a guest that never had the agent."""
        result = self._agent.install(self.version)
        self._accept(result.applied, result.refused, result.message)

    def apply(self) -> None:
        """Apply the update; the agent must take it.

        An agent that refuses fails the scenario as *refused*: neither a crash nor a pass.
        """
        result = self._agent.apply(self.version)
        self._accept(result.applied, result.refused, result.message)

    def upgrade_build(self) -> None:
        """Install the arm's build over whatever build there is, even the same; content stays."""
        result = self._agent.apply(
            AgentVersion(build=self.version.build, content=self.before.content), force_build=True
        )
        self._accept(result.applied, result.refused, result.message)

    def prove(self) -> None:
        """Read build and content back, check health, and show that the update was exercised."""
        self._expect(self.version, "after the update")
        self._exercise()

    def prove_before(self) -> None:
        """The same for the starting point, after a roll-back."""
        self._expect(self.before, "after the roll-back")
        self._exercise()

    def roll_back(self) -> None:
        """Back to the installed version."""
        result = self._agent.rollback(self.before)
        self._accept(result.applied, result.refused, result.message)

    def uninstall(self) -> None:
        """Remove the agent; anything that is left of it fails the scenario."""
        leftovers = self._agent.uninstall()
        if leftovers:
            pytest.fail(f"the removal left {', '.join(leftovers)}", pytrace=False)

    def _accept(self, applied: bool, refused: bool, message: str) -> None:
        if refused:
            pytest.fail(f"update refused: {message}", pytrace=False)
        if not applied:
            pytest.fail(f"update not applied: {message}", pytrace=False)

    def _expect(self, version: AgentVersion, when: str) -> None:
        found = self._agent.version()
        if found != version:
            pytest.fail(f"{when} the guest has {found} (wanted {version})", pytrace=False)
        health = self._agent.health()
        if not health.ok:
            pytest.fail(f"{when} the agent is not healthy: {health.message}", pytrace=False)

    def _exercise(self) -> None:
        """Whether the counter moved is judged from the recording (NOT_EXERCISED), not asserted here."""
        self._agent.exercise()
