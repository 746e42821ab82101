"""Pair by pair until decided: with paper results in the fleet's loop, and with recordings on disk."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from running_factories import cell, ended, fault, plan, record, result, started
from test_running_fleet import Bench, Client

from lab import codec
from lab.errors import BuildError
from lab.images.built import BuiltImage
from lab.model import (
    AgentVersion,
    Arm,
    Cell,
    CellId,
    Figure,
    GatePolicy,
    Heartbeat,
    KnownIssue,
    MachineEvent,
    Observation,
    Omitted,
    Plan,
    Proof,
    Step,
    TestPlan,
)
from lab.running.repeating import Looking, Repeating
from lab.running.rundir import RunDirectory
from lab.running.spawn import AttemptResult
from lab.verdict.gate import decide
from lab.verdict.judge import judge

RELEASED = AgentVersion(build="1.0", content="290")


def place(name: str = "one", pairs: int = 4, least: int = 1, **changes: object) -> list[Cell]:
    """The cells of one place, as the plan orders them."""
    cells = []
    for number in range(1, pairs + 1):
        twins = [
            cell(
                name,
                id=CellId(f"tiny_small_{name}_{arm}_r{number}"),
                arm=arm,
                repetition=number,
                spare=number > least,
                **changes,
            )
            for arm in (Arm.CANDIDATE, Arm.BASELINE)
        ]
        cells += [replace(one, version=RELEASED) if one.arm is Arm.BASELINE else one for one in twins]
    return cells


def after(pairs: int) -> Callable[[Sequence[Cell]], str]:
    """Decided as soon as so many pairs are there."""
    return lambda cells: f"enough after {pairs} pairs" if len(cells) >= 2 * pairs else ""


def told(client: Client) -> list[str]:
    return [name.removeprefix("tiny_small_") for name, _ in client.submitted]


# -- in the fleet


def test_pairs_go_on_until_there_is_an_answer_and_the_others_are_listed_with_it() -> None:
    client = Client()
    bench = Bench(plan(*place()), client, enough=after(2))
    left = bench.run()
    assert told(client) == ["one_candidate_r1", "one_baseline_r1", "one_candidate_r2", "one_baseline_r2"]
    assert [one.id for one in left] == [one.id for one in place()[4:]]
    assert {(one.kind, one.reason) for one in left} == {("decided", "enough after 2 pairs")}
    assert bench.states(place()[4]) == ["not needed"]


def test_a_spare_pair_begins_when_both_twins_of_the_one_before_have_ended() -> None:
    cells = place(pairs=2)
    client = Client(hold=(cells[1].id,))
    looked = threading.Event()

    def look(_cells: Sequence[Cell]) -> str:
        looked.set()
        return ""

    bench = Bench(plan(*cells), client, enough=look)
    runner = bench.in_background()
    assert not looked.wait(0.2)
    assert told(client) == ["one_candidate_r1", "one_baseline_r1"]
    client.end(cells[1], client.held[cells[1].id])
    runner.join(10)
    assert looked.is_set()
    assert len(client.submitted) == 4


def test_one_place_that_is_decided_ends_no_other() -> None:
    client = Client()
    cells = [*place("one"), *place("two")]

    def enough(of: Sequence[Cell]) -> str:
        return "decided" if of[0].scenario == "one" else ""

    left = Bench(plan(*cells), client, enough=enough).run()
    assert sum(name.startswith("one") for name in told(client)) == 2
    assert sum(name.startswith("two") for name in told(client)) == 8
    assert len(left) == 6


def test_without_anybody_to_ask_and_where_looking_fails_all_pairs_are_run() -> None:
    def fails(_cells: Sequence[Cell]) -> str:
        raise ValueError("not to be read")

    for enough in (None, fails):
        client = Client()
        assert Bench(plan(*place()), client, enough=enough).run() == []
        assert len(client.submitted) == 8


def test_a_pair_that_the_lab_could_not_run_is_followed_by_the_next() -> None:
    client = Client(lambda of: RuntimeError("no") if of.repetition == 1 else [result(of)])
    left = Bench(plan(*place(pairs=2)), client, enough=lambda _cells: "").run()
    assert len(client.submitted) == 4
    assert {one.kind for one in left} == {"not-run"}


def test_a_stop_leaves_spare_pairs_out_as_not_run_for_nothing_was_decided() -> None:
    client = Client()
    bench = Bench(plan(*place()), client, enough=lambda _cells: "")

    def stop(name: str, state: str) -> None:
        if name.endswith("baseline_r2") and state == "done":
            bench.stopping.set()
            bench.events.put(("stop", None, None))

    bench.told._on_cell = stop
    left = bench.run()
    assert {one.kind for one in left} == {"not-run"}
    assert len(client.submitted) + len(left) == 8


def test_an_image_that_cannot_be_made_takes_its_spare_pairs_with_it() -> None:
    def images(_name: str) -> BuiltImage:
        raise BuildError("no room")

    left = Bench(plan(*place()), Client(), images=images, enough=after(1)).run()
    assert len(left) == 8
    assert {one.kind for one in left} == {"not-run"}


def test_a_ring_ends_when_its_places_are_decided() -> None:
    client = Client()
    cells = [*place("one", ring=0), *place("two", ring=1)]
    left = Bench(plan(*cells), client, enough=after(2), stop_after_ring={0: "canary"}).run()
    assert told(client)[:4] == [one.removeprefix("tiny_small_") for one in (c.id for c in cells[:4])]
    assert len(client.submitted) == 8
    assert {one.kind for one in left} == {"decided"}


def test_a_place_whose_other_pairs_ran_in_an_earlier_ring_counts_these_too() -> None:
    asked: list[int] = []

    def look(cells: Sequence[Cell]) -> str:
        asked.append(len(cells))
        return ""

    one = Repeating(look, lambda _place, _reason: None)
    cells = place(pairs=3)
    for first in one.begin(cells[:2]):
        one.ended(first)
    (second, twin) = one.begin(cells[2:])
    one.ended(second)
    one.ended(twin)
    one._thread.shutdown(wait=True)
    assert asked == [4]


# -- what recordings say


class Paper:
    """A run's directory with recordings that no guest made."""

    def __init__(self, tmp_path: Path, most: int = 20, **policy: object) -> None:
        self.directory = RunDirectory(tmp_path / "run")
        self.cells = place(pairs=most)
        facts = {
            "gate": codec.to_dict(GatePolicy(**policy)),  # type: ignore[arg-type]
            "compare": codec.to_dict(TestPlan(sequential=True, most=most)),
        }
        self.directory.path.mkdir()
        (self.directory.path / "run.json").write_text(json.dumps(facts))
        self.looking = Looking(self.directory, plan(*self.cells))

    def pair(self, number: int, *, factor: float = 1.0, **extra: tuple[Observation, ...]) -> None:
        """Record the twins; `candidate=(...)` or `baseline=(...)` instead of a pass."""
        draw = random.Random(number)
        base, noise = 20 * draw.lognormvariate(0, 0.05), draw.lognormvariate(0, 0.02)
        for one in self.cells[2 * number - 2 : 2 * number]:
            value = base if one.arm is Arm.BASELINE else base * noise * factor
            record(self.directory.recording(one.id), *extra.get(one.arm, passed(one, value)))

    def enough(self, pairs: int) -> str:
        return self.looking.enough(self.cells[: 2 * pairs])


def passed(of: Cell, value: float) -> tuple[Observation, ...]:
    version = {"build": of.version.build, "content": of.version.content}
    return (
        started(),
        *(Heartbeat(t_s=float(second), channel="agent", ok=True) for second in range(1, 8)),
        Step(t_s=1.0, name="update", phase="start"),
        Step(t_s=2.0, name="update", phase="end"),
        Proof(t_s=3.0, what="version", values=version),
        Proof(t_s=4.0, what="healthy", values={"ok": True, "message": ""}),
        Proof(t_s=5.0, what="exercised", values={"before": 1, "after": 2, "trigger": "open"}),
        Figure(t_s=6.0, name="files_s", value=value, unit="s", better="lower"),
        ended("completed"),
        *(Heartbeat(t_s=float(second), channel="agent", ok=True) for second in range(10, 12)),
    )


CRASHED: tuple[Observation, ...] = (
    started(),
    MachineEvent(t_s=5.0, name="panicked", details={"action": "run"}),
    ended("stopped"),
)
LAB_FAULT: tuple[Observation, ...] = (started(), fault("no room"))


@pytest.mark.parametrize(("factor", "word"), [(1.5, "a regression is shown: files_s"), (1.0, "decided")])
def test_figures_on_disk_decide_after_some_pairs_and_not_before(
    tmp_path: Path, factor: float, word: str
) -> None:
    paper = Paper(tmp_path)
    reason = ""
    for number in range(1, 21):
        paper.pair(number, factor=factor)
        if reason := paper.enough(number):
            break
    assert 5 < number <= 20
    assert reason.startswith(f"enough after {number} pairs: ")
    assert word in reason
    assert "allowed" not in reason


def test_at_the_most_it_ends_whatever_is_open(tmp_path: Path) -> None:
    paper = Paper(tmp_path, most=2)
    paper.pair(1)
    assert paper.enough(1) == ""
    paper.pair(2)
    assert paper.enough(2).startswith("enough after 2 pairs: 2 pairs, the most that are allowed: ")


def test_a_crash_of_the_candidate_ends_it_at_once(tmp_path: Path) -> None:
    paper = Paper(tmp_path)
    paper.pair(1, candidate=CRASHED)
    assert paper.enough(1).startswith("enough after 1 pair: the candidate failed: ")


def test_a_crash_of_the_released_agent_and_a_fault_of_the_lab_end_nothing(tmp_path: Path) -> None:
    paper = Paper(tmp_path)
    paper.pair(1, baseline=CRASHED)
    paper.pair(2, candidate=LAB_FAULT)
    assert paper.enough(1) == ""
    assert paper.enough(2) == ""


def test_cells_that_never_began_are_no_answer(tmp_path: Path) -> None:
    assert Paper(tmp_path).enough(1) == ""


# -- the loop, the recordings and the plan together


def run_on_paper(paper: Paper, **extra: tuple[Observation, ...]) -> tuple[list[str], Plan]:
    """A run whose cells leave paper recordings: what was submitted, and the plan as it is kept."""

    def records(of: Cell) -> list[AttemptResult]:
        if of.arm is Arm.CANDIDATE and not paper.directory.recordings(of.id):
            paper.pair(of.repetition, factor=1.5, **extra)
        return [result(of)]

    client, whole = Client(records), plan(*paper.cells)
    looking = Looking(paper.directory, whole)
    left = Bench(whole, client, enough=looking.enough).run()
    return told(client), paper.directory.leave_out(whole, left)


def test_a_run_stops_at_its_answer_and_a_resumed_one_comes_to_the_same(tmp_path: Path) -> None:
    paper = Paper(tmp_path)
    ran, kept = run_on_paper(paper)
    assert 10 < len(ran) < 40
    assert [cell.id.removeprefix("tiny_small_") for cell in kept.cells] == ran
    assert {one.kind for one in kept.omitted} == {"decided"}
    again, as_before = run_on_paper(paper)
    assert (again, as_before) == (ran, kept)


def test_a_crash_in_the_second_pair_leaves_the_others_out_with_the_crash_as_reason(tmp_path: Path) -> None:
    paper = Paper(tmp_path, most=4)
    paper.pair(1)
    ran, kept = run_on_paper(paper, candidate=CRASHED)
    assert len(ran) == 4
    (reason,) = {one.reason for one in kept.omitted}
    assert reason.startswith("enough after 2 pairs: the candidate failed: ")


def test_a_tolerated_crash_is_repeated_for_its_rate_is_compared(tmp_path: Path) -> None:
    paper = Paper(tmp_path)
    paper.pair(1, candidate=CRASHED)
    title = paper.enough(1).partition("failed: ")[2]
    issue = KnownIssue(title=title, until="2999-01-01")
    (tmp_path / "b").mkdir()
    tolerant = Paper(tmp_path / "b", known_issues=(issue,))
    tolerant.pair(1, candidate=CRASHED)
    assert tolerant.enough(1) == ""


# -- and what the gate makes of it


@pytest.mark.parametrize(("kind", "ship"), [("decided", True), ("not-run", False)])
def test_the_gate_counts_pairs_that_were_not_needed_as_nothing_missing(
    tmp_path: Path, kind: str, ship: bool
) -> None:
    paper = Paper(tmp_path, most=3)
    paper.pair(1)
    ran: Plan = plan(*paper.cells[:2])
    attempts = paper.directory.attempts(ran)
    left = tuple(Omitted(id=one.id, kind=kind, reason="r", arm=one.arm) for one in paper.cells[2:])
    policy = GatePolicy()
    decision = decide(judge(attempts, policy, "2026-11-23"), replace(ran, omitted=left), policy)
    assert decision.ship is ship, decision.reasons
