"""One attempt, judged alone: did the product fail, did the lab, is a pass proven?

Refuses to blame: that takes both arms, and is judge.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.model import (
    AttemptRecord,
    Blame,
    Diagnosis,
    Finding,
    FindingKind,
    MachineEvent,
    Observation,
    Outcome,
    Step,
)
from lab.verdict.faulting import injections, under
from lab.verdict.proof import Missing, missing, scenario_end

SILENCES = frozenset(
    {FindingKind.LOST_CONNECTION, FindingKind.HANG, FindingKind.BOOT_FAILURE, FindingKind.NO_OUTPUT}
)
"""What a fault of the lab can look like from outside."""
HOST_CAUSES = frozenset({Diagnosis.STOPPED_BY_HOST, Diagnosis.HOST_OVERLOADED})
"""Silence that was the host's doing: no evidence against a guest, and none for it."""
UNWOKEN = "lab fault: a clone failed before it was woken"
UNREACHED = frozenset({"ChannelError", "ChannelLost", "GuestCommandTimeout", "WaitTimeout", "TimeoutError"})
"""Faults that may be nothing but the guest's own silence, and so excuse none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one attempt shows."""

    record: AttemptRecord
    outcome: Outcome
    reasons: tuple[str, ...]
    failing: tuple[Finding, ...] = ()
    """Findings that fail it; empty with FAILED means that the scenario's own assertion did."""
    lab: bool = False
    """The lab's fault, and no evidence in either direction."""
    lost: bool = False
    """What it had shown is not all there any more. A later attempt does not make up for it: that would be
    another one, and this one may have failed."""

    @property
    def asserted(self) -> bool:
        """Failed by the scenario's assertion alone."""
        return self.outcome is Outcome.FAILED and not self.failing

    @property
    def blame(self) -> Blame:
        """As far as one attempt can say."""
        if self.outcome is Outcome.PASSED:
            return Blame.NOBODY
        return Blame.LAB if self.lab else Blame.UNKNOWN


def judge_attempt(record: AttemptRecord) -> Trial:
    """Evidence against the product first, then the lab's faults, then what the scenario says, then proof."""
    if asleep(record.observations):
        crash = next((finding for finding in record.findings if _fails(finding)), None)
        if crash is not None:
            return _inconclusive(record, f"{UNWOKEN}: {sentence(crash)}")
    fault = _fault(record)
    failing = tuple(
        finding
        for finding in record.findings
        if _fails(finding) and not _excused(finding, fault) and not _by_host(finding)
    )
    if failing:
        reasons = _reasons(record, failing)
        return Trial(record=record, outcome=Outcome.FAILED, reasons=reasons, failing=failing)
    lost = lost_evidence(record)
    if lost:
        return _lost(record, lost)
    if fault is not None:
        return _inconclusive(record, fault.sentence)
    hosts = tuple(finding for finding in record.findings if _by_host(finding))
    if hosts:
        return _inconclusive(record, f"fault of the host: {sentence(hosts[0])}")
    return _by_scenario(record)


def lost_evidence(record: AttemptRecord) -> str:
    """Why the recording shows less than was recorded, or "".

    Damage in a recording that nobody closed is of one piece with what cut it short: a fault of the lab.
    """
    problems = record.facts.get("problems") or ()
    if record.complete and problems:
        return f"the recording is damaged: {problems[0]}"
    live = next(
        (
            item
            for item in record.observations
            if isinstance(item, Step) and item.name == "finding" and item.detail.get("fatal")
        ),
        None,
    )
    if live is None or any(_fails(finding) for finding in record.findings):
        return ""
    return f"the guest was seen to fail ({live.detail.get('title')}), and the recording does not show it"


def _lost(record: AttemptRecord, reason: str) -> Trial:
    """The scenario's own failure stands all the same."""
    said = _by_scenario(record)
    if said.outcome is Outcome.FAILED:
        return said
    return Trial(record=record, outcome=Outcome.INCONCLUSIVE, reasons=(reason,), lab=True, lost=True)


def _reasons(record: AttemptRecord, failing: Sequence[Finding]) -> tuple[str, ...]:
    """One sentence per finding, with the fault that the lab had put on the guest then."""
    faults = injections(record.observations)
    told = [(sentence(finding), under(faults, finding.t_s)) for finding in failing]
    return tuple(f"{words}; {fault}" if fault else words for words, fault in told)


def asleep(observations: Iterable[Observation]) -> bool:
    """A clone that never came to the cell's own work: nothing of this arm has run in it, and whatever it did
    is its template's doing."""
    seen = list(observations)
    cloned = any(isinstance(item, MachineEvent) and item.name == "cloned" for item in seen)
    return cloned and not any(isinstance(item, Step) and item.name == "woken" for item in seen)


def sentence(finding: Finding) -> str:
    """One finding in words: title, module, how often, detail."""
    module = f" ({finding.module})" if finding.module else ""
    times = f", {finding.count} times" if finding.count > 1 else ""
    detail = f"; {finding.detail}" if finding.detail else ""
    return f"{finding.title}{module}{times}{detail}"


@dataclass(frozen=True, slots=True)
class _Fault:
    """The lab's own fault: what, since when, and whether it explains a guest's silence."""

    t_s: float
    sentence: str
    explains_silence: bool


def _fails(finding: Finding) -> bool:
    """Text about a crash elsewhere and noise of the infrastructure never do."""
    return not finding.suppressed and (finding.fatal or finding.kind is FindingKind.UPDATE_REFUSED)


def _by_host(finding: Finding) -> bool:
    return finding.kind in SILENCES and finding.diagnosis in HOST_CAUSES


def _excused(finding: Finding, fault: _Fault | None) -> bool:
    """Silence at or after a fault of the lab is the lab's; nothing else ever is."""
    if fault is None or not fault.explains_silence or "serial" in finding.channels:
        return False
    return finding.kind in SILENCES and finding.t_s >= fault.t_s


def _fault(record: AttemptRecord) -> _Fault | None:
    """The first fault on record; a recording nobody closed is one that came at its end."""
    for item in record.observations:
        if isinstance(item, Step) and item.name == "lab-fault":
            error = str(item.detail.get("error") or "unknown")
            kind = error.partition(":")[0]
            return _Fault(item.t_s, f"lab fault: {error}", kind not in UNREACHED)
        if isinstance(item, MachineEvent) and item.name == "process-gone":
            return _Fault(item.t_s, "lab fault: QEMU ended by itself", explains_silence=True)
    if record.complete:
        return None
    last = max((item.t_s for item in record.observations), default=0.0)
    return _Fault(last, f"the recording was cut short at {last:.1f} s", explains_silence=False)


def _by_scenario(record: AttemptRecord) -> Trial:
    end = scenario_end(record)
    outcome = end.outcome if end else ""
    said = str(end.detail.get("text") or "") if end else ""
    match outcome:
        case "completed":
            return _proven(record)
        case "failed":
            return Trial(
                record=record,
                outcome=Outcome.FAILED,
                reasons=(f"the scenario failed: {said or 'no reason'}",),
            )
        case "skipped":
            return Trial(record=record, outcome=Outcome.SKIPPED, reasons=(f"skipped: {said or 'no reason'}",))
        case "stopped":
            return _inconclusive(record, f"the scenario was stopped: {said or 'no reason'}")
        case "":
            return _inconclusive(record, "the scenario never ended")
        case _:
            return _inconclusive(record, f"the scenario could not run: {said or outcome}")


def _inconclusive(record: AttemptRecord, reason: str) -> Trial:
    return Trial(record=record, outcome=Outcome.INCONCLUSIVE, reasons=(reason,), lab=True)


def _proven(record: AttemptRecord) -> Trial:
    lacks = missing(record)
    lacks += [
        Missing(Outcome.INCONCLUSIVE, f"{finding.title}: {finding.detail}")
        for finding in record.findings
        if finding.kind in SILENCES and not finding.suppressed
    ]
    if not lacks:
        return Trial(record=record, outcome=Outcome.PASSED, reasons=())
    outcome = Outcome.worst(lack.outcome for lack in lacks)
    return Trial(record=record, outcome=outcome, reasons=tuple(lack.sentence for lack in lacks))
