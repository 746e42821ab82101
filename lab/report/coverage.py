"""What was covered, by level, by kind of fault and by workload, and what was not. Nothing is left out.

A fault counts as covered when its effect was seen, not when it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lab.model import Arm, AttemptRecord, FaultMark, FaultPhase, Level, LoadMark
from lab.report.cases import FAILURES, Case
from lab.report.shape_measured import (
    Coverage,
    CoveredFault,
    CoveredLevel,
    CoveredLoad,
    CoveredScenario,
    CutStep,
    CutSweep,
)
from lab.verdict.sweeps import swept


def build(
    cases: Sequence[Case], scenarios: Mapping[str, Mapping[str, Any]], faults: Iterable[str]
) -> Coverage:
    """:param scenarios: every scenario of the checkout, as run.json told.
    :param faults: every kind of fault that the lab knows.
    """
    records = [record for case in cases for record in case.attempts]
    injected = _faults(records)
    tried = {one.fault for one in injected if one.injections}
    return Coverage(
        levels=_levels(cases, scenarios),
        faults=injected,
        untried=tuple(sorted(set(faults) - tried)),
        loads=_loads(records),
        cuts=tuple(_cuts(records)),
    )


def _levels(cases: Sequence[Case], scenarios: Mapping[str, Mapping[str, Any]]) -> tuple[CoveredLevel, ...]:
    own: dict[str, list[Case]] = {name: [] for name in scenarios}
    level_of = {name: str(told.get("level") or "") for name, told in scenarios.items()}
    for case in cases:
        own.setdefault(case.cell.scenario, []).append(case)
        level_of[case.cell.scenario] = level_of.get(case.cell.scenario) or case.cell.level.value
    return tuple(
        CoveredLevel(
            level=level.value,
            scenarios=tuple(
                _scenario(name, own[name], str(scenarios.get(name, {}).get("summary") or ""))
                for name in own
                if level_of[name] == level.value
            ),
        )
        for level in Level
    )


def _scenario(name: str, cases: Sequence[Case], summary: str) -> CoveredScenario:
    tested = [case for case in cases if case.cell.arm is Arm.CANDIDATE]
    passed = [case for case in tested if case.outcome == "passed"]
    return CoveredScenario(
        name=name,
        summary=summary,
        state=_state([case.outcome for case in tested]),
        cells=len(tested),
        passed=len(passed),
        images=len({case.cell.image for case in passed}),
    )


def _state(outcomes: Sequence[str]) -> str:
    if not outcomes:
        return "not-planned"
    if any(outcome in FAILURES for outcome in outcomes):
        return "failed"
    if all(outcome == "passed" for outcome in outcomes):
        return "proven"
    return "not-run" if all(outcome == "not-run" for outcome in outcomes) else "unproven"


def _faults(records: Sequence[AttemptRecord]) -> tuple[CoveredFault, ...]:
    found: dict[str, list[tuple[AttemptRecord, list[FaultMark]]]] = {}
    for record in records:
        for marks in injections(record).values():
            found.setdefault(marks[0].fault, []).append((record, marks))
    return tuple(_fault(name, found[name]) for name in sorted(found))


def injections(record: AttemptRecord) -> dict[str, list[FaultMark]]:
    """The marks of every injection of an attempt, by its id, in order."""
    found: dict[str, list[FaultMark]] = {}
    for item in record.observations:
        if isinstance(item, FaultMark):
            found.setdefault(item.id or item.fault, []).append(item)
    return found


def _fault(name: str, told: Sequence[tuple[AttemptRecord, Sequence[FaultMark]]]) -> CoveredFault:
    done = [(record, marks) for record, marks in told if _has(marks, FaultPhase.INJECTED, FaultPhase.PROVEN)]
    failed = [marks for _, marks in told if _has(marks, FaultPhase.FAILED)]
    first = next((mark for marks in failed for mark in marks if mark.phase is FaultPhase.FAILED), None)
    return CoveredFault(
        fault=name,
        injections=len(done),
        proven=sum(_has(marks, FaultPhase.PROVEN) for _, marks in done),
        failed=len(failed),
        left=sum(not _has(marks, FaultPhase.UNDONE, FaultPhase.FAILED) for _, marks in done),
        cells=len({record.cell.id for record, _ in done}),
        images=tuple(dict.fromkeys(record.cell.image for record, _ in done)),
        scenarios=tuple(dict.fromkeys(record.cell.scenario for record, _ in done)),
        problem=(first.evidence or "no reason was given") if first else "",
    )


def _cuts(records: Sequence[AttemptRecord]) -> Iterator[CutSweep]:
    for record in records:
        found = swept(record.observations)
        if found is not None:
            yield CutSweep(
                cell=record.cell.id,
                attempt=record.attempt,
                arm=record.cell.arm.value,
                planned=found.planned,
                steps=tuple(CutStep(step=one.step, cuts=one.cuts, unsafe=one.unsafe) for one in found.steps),
            )


def _has(marks: Iterable[FaultMark], *phases: FaultPhase) -> bool:
    return any(mark.phase in phases for mark in marks)


def _loads(records: Sequence[AttemptRecord]) -> tuple[CoveredLoad, ...]:
    found: dict[str, list[tuple[AttemptRecord, LoadMark]]] = {}
    for record in records:
        for item in record.observations:
            if isinstance(item, LoadMark):
                found.setdefault(item.workload, []).append((record, item))
    return tuple(_load(name, found[name]) for name in sorted(found))


def _load(name: str, told: Sequence[tuple[AttemptRecord, LoadMark]]) -> CoveredLoad:
    starts = [mark for _, mark in told if mark.phase == "start"]
    ends = [mark for _, mark in told if mark.phase == "end"]
    return CoveredLoad(
        workload=name,
        runs=max(len(starts), len(ends)),
        ended=len(ends),
        errors=sum(mark.errors for mark in ends),
        cells=len({record.cell.id for record, _ in told}),
        images=tuple(dict.fromkeys(record.cell.image for record, _ in told)),
        hardest=max(mark.intensity for _, mark in told),
    )
