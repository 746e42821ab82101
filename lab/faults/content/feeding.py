"""Mutations handed to the running agent, one after the other, each with its marks in the recording.

The agent may refuse one or take it; whatever it does, it must stay well, and the good content must still
be what works. Raises `AgentFailure` for the first that it could not cope with; a guest that dies is a
ChannelError, and the mutation that was on it stands in the marks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lab.agents.content import ContentFormat, follows
from lab.agents.outcomes import AgentFailure, Health, Offered
from lab.faults.content.mutation import Mutation
from lab.model import FaultMark, FaultPhase, Observation

FAULT = "content"
EVERY = 25
"""Mutations after which health is asked for, though all were refused."""


class AgentLike(Protocol):
    """What of `lab.agents.operations.AgentUnderTest` is needed."""

    def offer(self, name: str, data: bytes, *, like: str) -> Offered: ...

    def health(self) -> Health: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """One mutation and what the agent made of it."""

    mutation: Mutation
    taken: bool
    message: str


def feed(
    agent: AgentLike,
    good: tuple[str, bytes],
    mutations: Iterable[Mutation],
    record: Callable[[Observation], None],
    now: Callable[[], float],
) -> tuple[Fed, ...]:
    """Offer each mutation; after one that was taken, put the good content back.

    :param good: name and bytes of the content that the mutations are of.
    :param now: seconds since the recording began.
    :raise AgentFailure: the agent neither took nor refused one, or was not well afterwards.
    """
    found = []
    for number, mutation in enumerate(mutations, start=1):
        fed = _offer(agent, good, mutation, record, now)
        found.append(fed)
        if number % EVERY == 0 and not fed.taken:
            _must_be_well(agent, mutation, "refused")
    return tuple(found)


def _offer(
    agent: AgentLike,
    good: tuple[str, bytes],
    mutation: Mutation,
    record: Callable[[Observation], None],
    now: Callable[[], float],
) -> Fed:
    def mark(phase: FaultPhase, evidence: str = "") -> None:
        parameters = {"mutation": mutation.name, "of": good[0], "sha256": mutation.sha256}
        record(
            FaultMark(
                t_s=now(),
                fault=FAULT,
                phase=phase,
                id=f"{FAULT}-{mutation.name}",
                parameters=parameters,
                evidence=evidence,
            )
        )

    mark(FaultPhase.INJECTED, mutation.sentence)
    offered = agent.offer(mutation.name, mutation.data, like=good[0])
    if not offered.taken:
        mark(FaultPhase.PROVEN, f"refused: {offered.message}")
        mark(FaultPhase.UNDONE, "what was in force stays")
        return Fed(mutation=mutation, taken=False, message=offered.message)
    mark(FaultPhase.PROVEN, "taken into force")
    _must_be_well(agent, mutation, "taken")
    back = agent.offer(good[0], good[1], like=good[0])
    if not back.taken:
        raise AgentFailure(f"after mutation {mutation.name!r} content {good[0]} is refused: {back.message}")
    mark(FaultPhase.UNDONE, f"content {good[0]} is in force again")
    return Fed(mutation=mutation, taken=True, message="")


def unsound(form: ContentFormat, fed: Sequence[Fed]) -> list[Fed]:
    """What was taken into force although it does not follow the declared format.

    A value where there was a wildcard follows it, and so may a flipped bit of a value: agents take those.
    """
    return [one for one in fed if one.taken and not follows(form, one.mutation.data)]


def _must_be_well(agent: AgentLike, mutation: Mutation, done: str) -> None:
    health = agent.health()
    if not health.ok:
        raise AgentFailure(
            f"agent is not healthy after mutation {mutation.name!r} ({mutation.sentence}) was {done}: "
            f"{health.message or 'no reason given'}"
        )
