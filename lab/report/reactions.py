"""What was done to guests beside what they did: the time lines of faults, boots and silences.

Shows a few attempts that stand for the others: those that went wrong first, then every fault once.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.model import Arm, AttemptRecord, FaultMark, FaultPhase, Heartbeat, LoadMark, Observation
from lab.report import story
from lab.report.cases import FAILURES, Case, length_s
from lab.report.coverage import injections
from lab.report.shape_measured import FaultSpan, Reaction, Stretch
from lab.report.wording import plain

MOST = 12
"""Time lines in one report."""
MOST_SPANS = 40
"""Injections on one time line."""
SILENT_S = 5.0
"""Answers further apart than this, with a failed one between, are a silence."""


def build(cases: Sequence[Case]) -> tuple[Reaction, ...]:
    """The attempts to show, the candidate's and the failed ones first."""
    told = [
        (case, record)
        for case in cases
        for record in case.attempts
        if any(isinstance(item, FaultMark) for item in record.observations)
    ]
    told.sort(key=lambda one: (one[0].outcome not in FAILURES, one[0].cell.arm is not Arm.CANDIDATE))
    return tuple(_reaction(case, record) for case, record in _standing_for_all(told))


def _standing_for_all(told: Sequence[tuple[Case, AttemptRecord]]) -> list[tuple[Case, AttemptRecord]]:
    """Those that show a fault, in a scenario and with an outcome, that none before them did."""
    shown: set[tuple[str, str, bool]] = set()
    chosen: list[tuple[Case, AttemptRecord]] = []
    for case, record in told:
        bad = case.outcome in FAILURES
        new = {(marks[0].fault, case.cell.scenario, bad) for marks in injections(record).values()}
        if not new <= shown and len(chosen) < MOST:
            shown |= new
            chosen.append((case, record))
    return chosen


def _reaction(case: Case, record: AttemptRecord) -> Reaction:
    seen = record.observations
    spans = [_span(marks) for marks in injections(record).values()]
    return Reaction(
        cell=record.cell.id,
        attempt=record.attempt,
        path=record.path,
        outcome=case.outcome,
        end_s=length_s(record),
        faults=tuple(spans[:MOST_SPANS]),
        loads=_loads(seen),
        silences=silences(seen),
        boots=story.boots(seen, record.findings, story.expected_boots(record.facts)),
        marks=story.marks(seen, record.findings),
    )


def _span(marks: Sequence[FaultMark]) -> FaultSpan:
    at = {mark.phase: mark.t_s for mark in reversed(marks)}
    told = [mark.evidence for mark in marks if mark.evidence]
    parameters = next((mark.parameters for mark in marks if mark.parameters), {})
    return FaultSpan(
        fault=marks[0].fault,
        parameters=plain(", ".join(f"{name} {value}" for name, value in parameters.items()), 200),
        planned_s=at.get(FaultPhase.PLANNED),
        injected_s=at.get(FaultPhase.INJECTED),
        proven_s=at.get(FaultPhase.PROVEN),
        undone_s=at.get(FaultPhase.UNDONE),
        failed_s=at.get(FaultPhase.FAILED),
        evidence=plain("; ".join(dict.fromkeys(told)), 400),
    )


def _loads(seen: Sequence[Observation]) -> tuple[Stretch, ...]:
    began: dict[str, LoadMark] = {}
    made = []
    last_s = max((item.t_s for item in seen), default=0.0)
    for item in seen:
        if not isinstance(item, LoadMark):
            continue
        key = item.id or item.workload
        if item.phase == "start":
            began[key] = item
        elif item.phase == "end" and key in began:
            start = began.pop(key)
            made.append(Stretch(what=item.workload, start_s=start.t_s, end_s=item.t_s))
    made += [Stretch(what=one.workload, start_s=one.t_s, end_s=last_s) for one in began.values()]
    return tuple(sorted(made, key=lambda one: one.start_s))


def silences(seen: Sequence[Observation]) -> tuple[Stretch, ...]:
    """When no channel answered: between two answers, or until the end. Before the first answer is none."""
    made: list[Stretch] = []
    answered_s: float | None = None
    failed = False
    last_s = 0.0
    for item in seen:
        last_s = max(last_s, item.t_s)
        if not isinstance(item, Heartbeat):
            continue
        if not item.ok:
            failed = True
            continue
        if answered_s is not None and failed and item.t_s - answered_s > SILENT_S:
            made.append(Stretch(what="silence", start_s=answered_s, end_s=item.t_s))
        answered_s, failed = item.t_s, False
    if answered_s is not None and failed and last_s - answered_s > SILENT_S:
        made.append(Stretch(what="silence", start_s=answered_s, end_s=last_s))
    return tuple(made)
