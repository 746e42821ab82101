"""Mutations fed to an agent: what is marked, what is put back, what is a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import agents
from lab.agents.content import follows
from lab.agents.outcomes import AgentFailure, Health, Offered
from lab.errors import ChannelError
from lab.faults.content import mutations
from lab.faults.content.feeding import feed, unsound
from lab.model import Family, FaultMark, FaultPhase, Observation
from lab.verdict.faulting import injections

FAMILY = agents.load(Path(__file__).resolve().parents[3] / "agents/demo-sensor").family(Family.LINUX)
FORM = FAMILY.content_format
assert FORM is not None
GOOD = ("292", FAMILY.contents["292"].path.read_bytes())
ALL = mutations(FORM, GOOD[1])


class FakeAgent:
    """Takes what follows the format, or everything; may fall ill or die of one mutation."""

    def __init__(self, *, careless: bool = False, ill_of: str = "", dies_of: str = "") -> None:
        self.careless = careless
        self.ill_of = ill_of
        self.dies_of = dies_of
        self.in_force = GOOD[1]
        self.well = True

    def offer(self, name: str, data: bytes, *, like: str) -> Offered:
        assert like == GOOD[0]
        if name == self.dies_of:
            raise ChannelError("no answer")
        if name == self.ill_of:
            self.well = False
        assert FORM is not None
        if not self.careless and not follows(FORM, data):
            return Offered(taken=False, message="damaged")
        self.in_force = data
        return Offered(taken=True, message="")

    def health(self) -> Health:
        return Health(ok=self.well, message="" if self.well else "the service does not run")


def fed(agent: FakeAgent) -> tuple[list[FaultMark], list[str]]:
    marks: list[Observation] = []
    found = feed(agent, GOOD, ALL, marks.append, lambda: 1.0)
    assert FORM is not None
    wrong = [one.mutation.name for one in unsound(FORM, found)]
    return [one for one in marks if isinstance(one, FaultMark)], wrong


def test_every_mutation_is_marked_with_its_digest_proven_and_undone() -> None:
    agent = FakeAgent()
    marks, wrong = fed(agent)
    told = injections(marks)
    assert [fault.marks[0].parameters["mutation"] for fault in told] == [one.name for one in ALL]
    assert [fault.marks[0].parameters["sha256"] for fault in told] == [one.sha256 for one in ALL]
    assert all(fault.lacks == "" for fault in told)
    assert wrong == []
    assert agent.in_force == GOOD[1], "what was taken is replaced by the good content again"


def test_an_agent_that_takes_damaged_files_is_told_of_each() -> None:
    _, wrong = fed(FakeAgent(careless=True))
    assert "all-zero" in wrong
    assert "checksum-wrong" in wrong
    assert "value-in-uid-mended" not in wrong


def test_an_agent_that_is_ill_after_one_fails_with_its_name() -> None:
    with pytest.raises(AgentFailure, match=r"'value-in-uid-mended' \(field 10 \(uid\).*the service does not"):
        fed(FakeAgent(ill_of="value-in-uid-mended"))


def test_illness_after_a_refusal_is_seen_before_long() -> None:
    with pytest.raises(AgentFailure, match="was refused: the service does not run"):
        fed(FakeAgent(ill_of="empty"))


def test_a_guest_that_dies_leaves_the_mutation_in_the_marks() -> None:
    marks: list[Observation] = []
    with pytest.raises(ChannelError):
        feed(FakeAgent(dies_of="field-more-value-mended"), GOOD, ALL, marks.append, lambda: 1.0)
    last = marks[-1]
    assert isinstance(last, FaultMark)
    assert (last.phase, last.parameters["mutation"]) == (FaultPhase.INJECTED, "field-more-value-mended")
