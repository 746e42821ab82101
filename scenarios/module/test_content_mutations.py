"""Content is the part of the agent that nobody compiles, and it reaches the fleet many times a day."""

from __future__ import annotations

import pytest

from lab.agents.operations import AgentUnderTest
from lab.faults.content import mutations
from lab.faults.content.feeding import feed, unsound
from lab.model import Step
from lab.running.attempt import Attempt
from lab.running.update import Update


@pytest.mark.scenario(level="module", starts_with="installed")
def test_content_mutations(attempt: Attempt, agent: AgentUnderTest, update: Update, seed: int) -> None:
    """The agent refuses or takes each damaged content without harm, and the good one still works."""
    form = agent.content_format
    if form is None:
        pytest.skip("agent.yaml has no content_format")
    update.install_before()
    update.apply()
    update.prove()
    good = update.version.content, agent.content(update.version.content)
    fed = feed(agent, good, mutations(form, good[1], seed=seed), attempt.record, lambda: attempt.clock.t_s)
    taken = [one.mutation.name for one in fed if one.taken]
    detail = {"offered": len(fed), "refused": len(fed) - len(taken), "taken": taken}
    attempt.record(Step(t_s=attempt.clock.t_s, name="mutations", phase="note", detail=detail))
    wrong = unsound(form, fed)
    if wrong:
        words = "; ".join(f"{one.mutation.name} ({one.mutation.sentence})" for one in wrong[:5])
        pytest.fail(f"{len(wrong)} damaged contents were taken into force: {words}", pytrace=False)
    update.apply()
    update.prove()
