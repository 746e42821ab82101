"""What an agent takes with each event and never gives back adds up to an outage."""

from __future__ import annotations

import pytest

from lab.agents.operations import AgentUnderTest
from lab.errors import InfraError
from lab.model import Figure
from lab.running.attempt import Attempt
from lab.running.update import Update

EVENTS = 1000
RATE = 100
"""Events a second; a slow guest manages fewer and takes longer."""
ROUND_S = 10
ROUNDS = 12


@pytest.mark.scenario(level="feature", starts_with="installed")
def test_growth(attempt: Attempt, agent: AgentUnderTest, update: Update) -> None:
    """After a thousand events the agent uses what it used before, and never more than its limits."""
    update.install_before()
    update.apply()
    update.prove()
    counter = agent.counts_events
    if counter is None:
        pytest.skip("agent.yaml does not say which of its samples counts events")
    agent.keep_busy(1, rate=RATE)
    before = after = agent.sample()
    for _ in range(ROUNDS):
        agent.keep_busy(ROUND_S, rate=RATE)
        after = agent.sample()
        if after[counter] - before[counter] >= EVENTS:
            break
    seen = after[counter] - before[counter]
    if not seen:
        pytest.fail(f"{counter} stayed at {after[counter]:g}: none of the events was seen", pytrace=False)
    untold = sorted(agent.limits.keys() - after.keys())
    if untold:
        pytest.fail(f"the agent does not tell {', '.join(untold)}, which must have a limit", pytrace=False)
    for name in before.keys() & after.keys() - {counter}:
        growth = (after[name] - before[name]) / seen * 1000
        attempt.record(
            Figure(
                t_s=attempt.clock.t_s,
                name=f"{name}.growth",
                value=growth,
                unit="per 1000 events",
            )
        )
    over = [
        f"{name} is {after[name]:g} after {seen:.0f} events, it was {before[name]:g} (limit {limit:g})"
        for name, limit in sorted(agent.limits.items())
        if after[name] > limit
    ]
    if over:
        pytest.fail("; ".join(over), pytrace=False)
    if seen < EVENTS:  # what leaks with each event has not come near its limit
        raise InfraError(
            f"events that the agent saw: {seen:.0f} in {ROUNDS} rounds of {ROUND_S} s (wanted {EVENTS})",
            hint="the host is too busy or too slow for this guest",
        )
    update.prove()
