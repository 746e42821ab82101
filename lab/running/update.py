"""What may ship, as a scenario sees it: from the installed version to the arm's, and back."""

from __future__ import annotations

import pytest

from lab.agents.operations import AgentUnderTest
from lab.agents.outcomes import UpdateResult
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

    def install_fresh(self) -> None:
        """Install the version that may ship on a guest that never had the agent."""
        self._agent.install(self.version)

    def apply(self) -> None:
        """Apply the update; the agent must take it.

        An agent that refuses fails the scenario as *refused*: neither a crash nor a pass.
        """
        self._accept(self._agent.apply(self.version))

    def upgrade_build(self) -> None:
        """Install the arm's build over whatever build there is, even the same; content stays."""
        target = AgentVersion(build=self.version.build, content=self.before.content)
        self._accept(self._agent.apply(target, reinstall=True))

    def prove(self) -> None:
        """Read build and content back, check health, and exercise the update.

        Whether the counter moved is judged from the recording (NOT_EXERCISED), not asserted here.
        """
        self._agent.prove(self.version)

    def prove_before(self) -> None:
        """The same for the starting point, after a roll-back."""
        self._agent.prove(self.before)

    def survived(self, what: str) -> AgentVersion:
        """After `what` went wrong in the middle of `apply`: the old or the new version, whole and healthy.

        An agent that is not healthy is a finding; the new build with the old content is a version too, as
        the build goes first.
        """
        version, health = self._agent.read()
        between = AgentVersion(build=self.version.build, content=self.before.content)
        if version not in (self.before, between, self.version):
            pytest.fail(f"{what} left {version} (wanted {self.before} or {self.version})", pytrace=False)
        if not health.ok:
            pytest.fail(f"{what} left an agent that is not healthy: {health.message}", pytrace=False)
        return version

    def roll_back(self) -> None:
        """Back to the installed version, by the agent's own means."""
        self._accept(self._agent.rollback(self.before))

    def uninstall(self) -> None:
        """Remove the agent; anything that is left of it fails the scenario."""
        leftovers = self._agent.uninstall()
        if leftovers:
            pytest.fail(f"the removal left {', '.join(leftovers)}", pytrace=False)

    def _accept(self, result: UpdateResult) -> None:
        if result.refused:
            pytest.fail(f"update refused: {result.message}", pytrace=False)
        if not result.applied:
            pytest.fail(f"update not applied: {result.message}", pytrace=False)
