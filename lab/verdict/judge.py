"""Verdicts: all attempts of a cell, compared with the same cell on the other arm.

The released agent on the same image is the control: what it shows too is not the candidate's
doing. Refuses to decide whether to ship; that is gate.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lab.model import (
    Arm,
    AttemptRecord,
    Blame,
    Cell,
    CellId,
    CellVerdict,
    Finding,
    GatePolicy,
    Outcome,
)
from lab.verdict import soaked, sweeps, wildcards
from lab.verdict.known import expired, issue_for, same_bug
from lab.verdict.trial import Trial, judge_attempt, sentence

Place = tuple[str, str, str]
"""Image, profile, scenario: where both arms are compared, over all seeds and repetitions."""


@dataclass(frozen=True, slots=True)
class _Ruling:
    outcome: Outcome
    blame: Blame
    reasons: tuple[str, ...]


def judge(attempts: Sequence[AttemptRecord], policy: GatePolicy, today: str) -> tuple[CellVerdict, ...]:
    """One verdict per cell that was attempted, in the order of their first attempt.

    :param today: ISO date, for known issues. The order of `attempts` changes nothing else.
    """
    cells: dict[CellId, Cell] = {record.cell.id: record.cell for record in attempts}
    trials = [judge_attempt(record) for record in sorted(attempts, key=lambda record: record.attempt)]
    by_cell = {cell: [trial for trial in trials if trial.record.cell.id == cell] for cell in cells}
    by_place: dict[tuple[Place, Arm], list[Trial]] = {}
    for trial in trials:
        by_place.setdefault((_place(trial.record.cell), trial.record.cell.arm), []).append(trial)
    return tuple(_verdict(cells[cell], own, by_place, policy, today) for cell, own in by_cell.items())


def _place(cell: Cell) -> Place:
    return (cell.image, cell.profile, cell.scenario)


def _verdict(
    cell: Cell,
    own: Sequence[Trial],
    by_place: Mapping[tuple[Place, Arm], Sequence[Trial]],
    policy: GatePolicy,
    today: str,
) -> CellVerdict:
    other = Arm.BASELINE if cell.arm is Arm.CANDIDATE else Arm.CANDIDATE
    twins = by_place.get((_place(cell), other), ())
    ruling = _rule(cell, own, twins, policy, today)
    records = [trial.record for trial in own]
    return CellVerdict(
        cell=cell,
        outcome=ruling.outcome,
        blame=ruling.blame,
        reasons=tuple(dict.fromkeys((*ruling.reasons, *_remarks(cell, own, twins)))),
        findings=_findings(own),
        attempts=tuple(record.path for record in records),
        boots=max(map(_boots, records)),
        unexpected_resets=max(map(_resets, records)),
        duration_s=sum(max((seen.t_s for seen in record.observations), default=0.0) for record in records),
    )


def _rule(
    cell: Cell, own: Sequence[Trial], twins: Sequence[Trial], policy: GatePolicy, today: str
) -> _Ruling:
    failed = [trial for trial in own if trial.outcome is Outcome.FAILED]
    passed = [trial for trial in own if trial.outcome is Outcome.PASSED]
    if failed:
        ruling = _failed(cell, failed, twins, policy, today)
        if not passed:
            return _with_faults(ruling, own) if ruling.outcome is Outcome.KNOWN_ISSUE else ruling
        note = (
            f"failed {len(failed)} and passed {len(passed)} of {len(own)} attempts: a pass undoes no failure"
        )
        outcome = ruling.outcome if ruling.outcome is Outcome.KNOWN_ISSUE else Outcome.FLAKY
        return _Ruling(outcome, ruling.blame, (note, *ruling.reasons))
    rest = [trial for trial in own if trial.outcome is not Outcome.PASSED]
    if passed and (unknown := _unknown(own)):
        return _Ruling(Outcome.INCONCLUSIVE, Blame.LAB, tuple(unknown))
    if passed and all(trial.lab for trial in rest):
        return _Ruling(
            Outcome.PASSED, Blame.NOBODY, tuple(f"after a new attempt: {_words(trial)}" for trial in rest)
        )
    if passed:
        return _Ruling(Outcome.FLAKY, Blame.UNKNOWN, tuple(map(_words, rest)))
    worst = min(rest, key=lambda trial: (trial.outcome.rank, trial.lab))
    reasons = tuple(reason for trial in rest for reason in trial.reasons)
    alone = worst.outcome is Outcome.INCONCLUSIVE and cell.arm is Arm.CANDIDATE
    if alone and any(twin.outcome is Outcome.PASSED for twin in twins):
        reasons += ("only with the candidate: the released agent passed here",)
    return _Ruling(worst.outcome, worst.blame, reasons)


def _unknown(own: Sequence[Trial]) -> list[str]:
    """Attempts of which nobody can say any more that they did not fail: a pass beside them proves nothing."""
    numbers = {trial.record.attempt for trial in own}
    gone = sorted(set(range(1, max(numbers))) - numbers)
    lost = [f"attempt {number}: its recording is gone" for number in gone]
    return lost + [_words(trial) for trial in own if trial.lost]


def _failed(
    cell: Cell, failed: Sequence[Trial], twins: Sequence[Trial], policy: GatePolicy, today: str
) -> _Ruling:
    """Blame by comparison of the arms."""
    failing = [finding for trial in failed for finding in trial.failing]
    reasons = tuple(dict.fromkeys(reason for trial in failed for reason in trial.reasons))
    if any(trial.asserted for trial in failed) and not failing:
        return _Ruling(Outcome.FAILED, *_blame_assertion(cell, twins, reasons))
    theirs = [finding for twin in twins for finding in twin.failing]
    alone = [finding for finding in failing if not any(same_bug(finding, other) for other in theirs)]
    blame, note = _blame(cell, alone, twins)
    reasons += tuple(expired(failing, cell.image, policy.known_issues, today))
    issues = [issue_for(finding, cell.image, policy.known_issues, today) for finding in failing]
    asserted = any(trial.asserted for trial in failed)
    if not asserted and all(issues):
        links = dict.fromkeys(
            f"known issue until {issue.until}: {issue.link or issue.title}" for issue in issues if issue
        )
        return _Ruling(Outcome.KNOWN_ISSUE, blame, (*reasons, *note, *links))
    return _Ruling(Outcome.FAILED, blame, (*reasons, *note))


def _blame(cell: Cell, alone: Sequence[Finding], twins: Sequence[Trial]) -> tuple[Blame, tuple[str, ...]]:
    """:param alone: failing findings that the other arm did not show."""
    if not alone:
        said = "also on the released agent" if cell.arm is Arm.CANDIDATE else "also on the candidate"
        return Blame.IMAGE, (said,)
    if cell.arm is Arm.BASELINE:
        return Blame.BASELINE, ()
    if any(twin.outcome is Outcome.PASSED for twin in twins):
        return Blame.CANDIDATE, ("not on the released agent, which passed here",)
    if any(twin.outcome is Outcome.FAILED for twin in twins):
        return Blame.CANDIDATE, ("the released agent failed here too, but otherwise",)
    return Blame.CANDIDATE, ("there is no result of the released agent to compare with",)


def _blame_assertion(
    cell: Cell, twins: Sequence[Trial], reasons: tuple[str, ...]
) -> tuple[Blame, tuple[str, ...]]:
    if any(twin.asserted for twin in twins):
        return Blame.SCENARIO, (*reasons, "the other arm failed the same way: look at the scenario first")
    own = Blame.CANDIDATE if cell.arm is Arm.CANDIDATE else Blame.BASELINE
    if any(twin.outcome is Outcome.PASSED for twin in twins):
        return own, (*reasons, "the other arm passed here")
    return Blame.UNKNOWN, (*reasons, "there is no result of the other arm to compare with")


def _with_faults(ruling: _Ruling, own: Sequence[Trial]) -> _Ruling:
    """A known bug excuses the attempts that showed it, and no other."""
    others = [trial for trial in own if trial.outcome is not Outcome.FAILED]
    worst = Outcome.worst((ruling.outcome, *(trial.outcome for trial in others)))
    return _Ruling(worst, ruling.blame, (*ruling.reasons, *map(_words, others)))


def _remarks(cell: Cell, own: Sequence[Trial], twins: Sequence[Trial]) -> list[str]:
    """What did not decide the verdict but must be read."""
    theirs = [found for twin in twins for found in twin.record.findings]
    told = {finding.title for trial in own for finding in trial.failing}
    remarks = [words for trial in own if (words := sweeps.remark(trial.record.observations))]
    remarks += soaked.remarks([trial.record for trial in own])
    for finding in _findings(own):
        if finding.title in told or finding.suppressed:
            continue
        known = any(same_bug(finding, other) for other in theirs)
        new = cell.arm is Arm.CANDIDATE and bool(twins) and not known
        remarks.append(f"also seen: {sentence(finding)}{' (new with the candidate)' if new else ''}")
    if cell.arm is Arm.CANDIDATE:
        remarks += [words for trial in own if (words := wildcards.remark(trial.record))]
    return remarks


def _findings(own: Iterable[Trial]) -> tuple[Finding, ...]:
    """The findings of all attempts, each bug once, the failing ones first."""
    found = [finding for trial in own for finding in trial.failing]
    found += [finding for trial in own for finding in trial.record.findings if not finding.suppressed]
    unique: dict[tuple[str, str], Finding] = {}
    for finding in found:
        unique.setdefault((finding.kind, finding.title), finding)
    return tuple(unique.values())


def _words(trial: Trial) -> str:
    return f"attempt {trial.record.attempt}: {'; '.join(trial.reasons) or trial.outcome}"


def _boots(record: AttemptRecord) -> int:
    """At least as many as the findings speak of."""
    return max([record.boots, *(finding.boot for finding in record.findings), int(bool(record.observations))])


def _resets(record: AttemptRecord) -> int:
    told = [
        finding.count for finding in record.findings if finding.kind in ("boot-loop", "unexpected-reboot")
    ]
    return max([record.unexpected_resets, *told])
