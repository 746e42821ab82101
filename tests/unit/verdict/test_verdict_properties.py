"""What must hold for every verdict and every decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attempting import TODAY, attempt, cell, crash, crashed, failed, faulted, proven, version
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.model import (
    Arm,
    AttemptRecord,
    CellVerdict,
    FindingKind,
    GatePolicy,
    Heartbeat,
    Outcome,
    Plan,
    Proof,
    Signature,
    Step,
)
from lab.verdict import decide, judge

CELLS = [cell(arm, image) for arm in Arm for image in ("debian-11", "debian-12")]
FINDINGS = st.builds(
    lambda title, kind, t_s: replace(crash(title, t_s), kind=kind),
    st.sampled_from(["bug one", "bug two"]),
    st.sampled_from([FindingKind.PANIC, FindingKind.OOPS, FindingKind.IO_ERROR, FindingKind.BOOT_LOOP]),
    st.floats(0, 100, allow_nan=False),
)


def records() -> st.SearchStrategy[list[AttemptRecord]]:
    makers = st.sampled_from(
        [attempt, crashed, failed, faulted, lambda of: attempt(of, [], complete=False), idle]
    )
    one = st.tuples(st.sampled_from(CELLS), makers)
    return st.lists(one, max_size=8).map(_numbered)


def idle(of: object) -> AttemptRecord:
    which = next(item for item in CELLS if item == of)
    return attempt(
        which, [item for item in proven(which) if not (isinstance(item, Proof) and item.what == "exercised")]
    )


def _numbered(made: Sequence[tuple[object, object]]) -> list[AttemptRecord]:
    counts: dict[object, int] = {}
    found = []
    for of, make in made:
        record: AttemptRecord = make(of)  # type: ignore[operator]
        counts[record.cell.id] = counts.get(record.cell.id, 0) + 1
        number = counts[record.cell.id]
        found.append(replace(record, attempt=number, path=f"cells/{record.cell.id}/a{number}"))
    return found


def by_cell(verdicts: Sequence[CellVerdict]) -> dict[str, CellVerdict]:
    return {item.cell.id: item for item in verdicts}


def plan_of(verdicts: Sequence[CellVerdict]) -> Plan:
    return Plan(cells=tuple(sorted((item.cell for item in verdicts), key=lambda each: each.id)))


@settings(max_examples=150, deadline=None)
@given(made=records(), where=st.integers(0, 7), finding=FINDINGS)
def test_a_fatal_finding_more_never_makes_a_verdict_better(
    made: list[AttemptRecord], where: int, finding: object
) -> None:
    if not made:
        return
    where %= len(made)
    worse = list(made)
    worse[where] = replace(made[where], findings=(*made[where].findings, finding))  # type: ignore[arg-type]
    before, after = by_cell(judge(made, GatePolicy(), TODAY)), by_cell(judge(worse, GatePolicy(), TODAY))
    touched = made[where].cell.id
    assert after[touched].outcome.rank <= before[touched].outcome.rank
    assert {name: item.outcome for name, item in after.items() if name != touched} == {
        name: item.outcome for name, item in before.items() if name != touched
    }


@settings(max_examples=150, deadline=None)
@given(made=records(), where=st.integers(0, 7), finding=FINDINGS)
def test_a_fatal_finding_of_the_candidate_more_never_opens_the_gate(
    made: list[AttemptRecord], where: int, finding: object
) -> None:
    candidates = [i for i, record in enumerate(made) if record.cell.arm is Arm.CANDIDATE]
    if not candidates:
        return
    worse = list(made)
    index = candidates[where % len(candidates)]
    worse[index] = replace(made[index], findings=(*made[index].findings, finding))  # type: ignore[arg-type]
    after = judge(worse, GatePolicy(), TODAY)
    assert decide(after, plan_of(after), GatePolicy()).exit_code == 1


@settings(max_examples=100, deadline=None)
@given(
    drop=st.sets(
        st.sampled_from(["version", "healthy", "exercised", "heartbeat", "end", "complete"]), min_size=1
    )
)
def test_without_any_one_proof_there_is_no_pass(drop: set[str]) -> None:
    which = cell()
    seen = [
        item
        for item in proven(which)
        if not (
            (isinstance(item, Proof) and item.what in drop)
            or (isinstance(item, Heartbeat) and "heartbeat" in drop)
            or (isinstance(item, Step) and item.name == "scenario" and item.phase in drop)
        )
    ]
    (found,) = judge([attempt(which, seen, complete="complete" not in drop)], GatePolicy(), TODAY)
    assert found.outcome in (Outcome.INCONCLUSIVE, Outcome.NOT_EXERCISED)
    assert found.reasons


@settings(max_examples=100, deadline=None)
@given(index=st.integers(0, 100))
def test_no_observation_of_a_pass_but_a_heartbeat_or_a_note_can_be_spared(index: int) -> None:
    which = cell()
    seen = proven(which)
    gone = seen.pop(index % len(seen))
    (found,) = judge([attempt(which, seen)], GatePolicy(), TODAY)
    spare = isinstance(gone, Heartbeat) or gone == version(8, which.installed)
    spare = spare or (isinstance(gone, Step) and (gone.name != "scenario" or gone.phase == "start"))
    assert (found.outcome is Outcome.PASSED) == spare


@settings(max_examples=150, deadline=None)
@given(made=records(), seed=st.randoms())
def test_the_order_of_attempts_and_cells_does_not_matter(made: list[AttemptRecord], seed: object) -> None:
    shuffled = list(made)
    seed.shuffle(shuffled)  # type: ignore[attr-defined]
    one, two = judge(made, GatePolicy(), TODAY), judge(shuffled, GatePolicy(), TODAY)
    assert by_cell(one) == by_cell(two)
    assert decide(one, plan_of(one), GatePolicy()) == decide(two, plan_of(two), GatePolicy())


POLICIES = st.builds(
    GatePolicy,
    min_cells=st.integers(-1, 3),
    allow_flaky=st.booleans(),
    allow_inconclusive=st.integers(0, 9),
    allow_unrunnable=st.booleans(),
    require_baseline=st.booleans(),
)
VERDICTS = st.lists(
    st.builds(
        lambda of, outcome: CellVerdict(cell=of, outcome=outcome, blame="unknown", reasons=()),  # type: ignore[arg-type]
        st.sampled_from(CELLS),
        st.sampled_from(list(Outcome)),
    ),
    max_size=4,
    unique_by=lambda item: item.cell.id,
)


@settings(max_examples=300, deadline=None)
@given(verdicts=VERDICTS, policy=POLICIES)
def test_the_gate_opens_only_on_proof(verdicts: list[CellVerdict], policy: GatePolicy) -> None:
    decision = decide(verdicts, plan_of(verdicts), policy)
    mine = [item.outcome for item in verdicts if item.cell.arm is Arm.CANDIDATE]
    assert decision.exit_code in (0, 1, 4)
    assert decision.ship == (decision.exit_code == 0)
    if decision.ship:
        assert Outcome.PASSED in mine
        assert Outcome.FAILED not in mine
    if Outcome.FAILED in mine:
        assert decision.exit_code == 1
    assert decision.sentence.split()[0] in ("Ship", "Do", "No")


@given(titles=st.lists(st.text("ab", max_size=3), min_size=1, max_size=3))
def test_same_bug_is_what_blames_the_image(titles: list[str]) -> None:
    one = replace(crash(), signature=Signature(title=titles[0], alt_titles=tuple(titles[1:])))
    two = replace(crash(), signature=Signature(title=titles[-1]))
    verdicts = judge([crashed(cell(Arm.BASELINE), one), crashed(cell(), two)], GatePolicy(), TODAY)
    assert {item.blame for item in verdicts} == {"image"}
