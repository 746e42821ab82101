"""Plan, verdicts and attempts joined by cell: what every part of the report is made from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from lab.model import (
    AttemptRecord,
    Cell,
    CellVerdict,
    Finding,
    FindingKind,
    Outcome,
    Plan,
    Signature,
    Step,
)

FAILURES = (Outcome.FAILED, Outcome.FLAKY, Outcome.KNOWN_ISSUE)
"""Outcomes that have a bug to show, worst first."""

CONSEQUENCES = frozenset(
    {
        FindingKind.BOOT_LOOP,
        FindingKind.BOOT_FAILURE,
        FindingKind.RECOVERY_SCREEN,
        FindingKind.UNEXPECTED_REBOOT,
        FindingKind.UNEXPECTED_SHUTDOWN,
        FindingKind.NO_OUTPUT,
        FindingKind.NO_PROGRESS,
        FindingKind.LOST_CONNECTION,
        FindingKind.HANG,
        FindingKind.WATCHDOG,
        FindingKind.AGENT_DOWN,
    }
)
"""Kinds that follow from a crash: they name a failure only when nothing nearer to the cause does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One cell of the plan with what became of it."""

    cell: Cell
    verdict: CellVerdict | None
    attempts: tuple[AttemptRecord, ...]

    @property
    def outcome(self) -> str:
        """The verdict's outcome, or `not-run`."""
        return self.verdict.outcome.value if self.verdict else "not-run"

    @property
    def reasons(self) -> tuple[str, ...]:
        if self.verdict:
            return self.verdict.reasons
        return ("the attempt has no verdict",) if self.attempts else ("the run ended before it was started",)

    @property
    def main(self) -> Finding | None:
        """The finding nearest to the cause: fatal or refused, cause before consequence, then by time."""
        if self.verdict is None or self.verdict.outcome not in FAILURES:
            return None
        return min(self.verdict.findings, key=_distance, default=None)

    @property
    def signature(self) -> Signature:
        """The identity of the failure; without a finding, its first reason."""
        if self.main:
            return self.main.signature
        return Signature(title=self.reasons[0] if self.reasons else "failed without a reason")

    def shows(self, signature: Signature) -> tuple[AttemptRecord, Finding] | None:
        """The last attempt in which `signature` was found, with the finding."""
        for record in reversed(self.attempts):
            for finding in sorted(record.findings, key=_distance):
                if finding.signature.same_bug(signature):
                    return record, finding
        return None


def _distance(finding: Finding) -> tuple[bool, bool, float]:
    weighty = finding.fatal or finding.kind is FindingKind.UPDATE_REFUSED
    return (not weighty, finding.kind in CONSEQUENCES, finding.t_s)


def join(plan: Plan, verdicts: Sequence[CellVerdict], attempts: Sequence[AttemptRecord]) -> tuple[Case, ...]:
    """A case for every cell of the plan in its order, then for judged cells that the plan does not have."""
    tried: dict[str, list[AttemptRecord]] = defaultdict(list)
    for record in attempts:
        tried[record.cell.id].append(record)
    judged = {verdict.cell.id: verdict for verdict in verdicts}
    cells = {cell.id: cell for cell in (*plan.cells, *(verdict.cell for verdict in verdicts))}
    return tuple(
        Case(
            cell=cell,
            verdict=judged.get(name),
            attempts=tuple(sorted(tried[name], key=lambda record: record.attempt)),
        )
        for name, cell in cells.items()
    )


def lab_faults(record: AttemptRecord) -> tuple[str, ...]:
    """What the lab itself failed at during an attempt."""
    told = [
        str(item.detail.get("message") or item.detail.get("error") or item.outcome or "no message")
        for item in record.observations
        if isinstance(item, Step) and item.name == "lab-fault"
    ]
    return tuple(told)


def lab_hint(record: AttemptRecord) -> str:
    """What mends the first fault of the lab that says it, or ""."""
    hints = (
        str(item.detail.get("hint") or "")
        for item in record.observations
        if isinstance(item, Step) and item.name == "lab-fault"
    )
    return next((hint for hint in hints if hint), "")


def length_s(record: AttemptRecord) -> float:
    """Seconds from the start of an attempt to its last observation."""
    return max((item.t_s for item in record.observations), default=0.0)
