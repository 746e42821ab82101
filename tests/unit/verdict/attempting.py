"""Attempts and verdicts written down shortly, for the tests of verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lab.model import (
    AgentVersion,
    Arm,
    AttemptRecord,
    Blame,
    Cell,
    CellId,
    CellVerdict,
    Finding,
    FindingKind,
    Heartbeat,
    Observation,
    Outcome,
    Proof,
    Signature,
    Step,
)

INSTALLED = AgentVersion(build="1.0", content="289")
RELEASED = AgentVersion(build="1.0", content="290")
BAD = AgentVersion(build="1.0", content="291")
TITLE = "BUG: unable to handle kernel paging request in demo_sensor_match"
TODAY = "2026-11-23"


def cell(
    arm: Arm = Arm.CANDIDATE, image: str = "debian-12", scenario: str = "content-update", repetition: int = 1
) -> Cell:
    return Cell(
        id=CellId(f"{image}_{scenario}_{arm}_{repetition}"),
        image=image,
        profile="bios-1cpu",
        scenario=scenario,
        arm=arm,
        agent="demo-sensor",
        version=BAD if arm is Arm.CANDIDATE else RELEASED,
        installed=INSTALLED,
        repetition=repetition,
    )


def crash(title: str = TITLE, t_s: float = 30.0, **changes: object) -> Finding:
    finding = Finding(
        kind=FindingKind.PANIC,
        signature=Signature(title=title),
        fatal=True,
        t_s=t_s,
        channels=("serial",),
        module="demo_sensor",
    )
    return replace(finding, **changes)  # type: ignore[arg-type]


def version(t_s: float, told: AgentVersion) -> Proof:
    return Proof(t_s=t_s, what="version", values={"build": told.build, "content": told.content})


def healthy(t_s: float, *, ok: bool = True) -> Proof:
    return Proof(t_s=t_s, what="healthy", values={"ok": ok, "message": ""})


def exercised(t_s: float, before: object = 1, after: object = 2) -> Proof:
    return Proof(t_s=t_s, what="exercised", values={"before": before, "after": after, "trigger": "open"})


def step(t_s: float, name: str, phase: str, outcome: str = "", **detail: object) -> Step:
    return Step(t_s=t_s, name=name, phase=phase, outcome=outcome, detail=detail)


def beats(start: int = 5, stop: int = 60) -> list[Heartbeat]:
    return [Heartbeat(t_s=float(second), channel="agent", ok=True) for second in range(start, stop)]


def proven(of: Cell) -> list[Observation]:
    """A whole good attempt, one observation per proof."""
    return [
        step(1, "scenario", "start", ends_with="candidate"),
        *beats(),
        version(8, of.installed),
        step(10, "update", "start"),
        step(12, "update", "end", "completed"),
        version(13, of.version),
        healthy(14),
        exercised(15),
        step(58, "scenario", "end", "completed"),
    ]


def attempt(
    of: Cell | None = None,
    observations: Iterable[Observation] | None = None,
    *findings: Finding,
    number: int = 1,
    complete: bool = True,
) -> AttemptRecord:
    which = of or cell()
    seen = proven(which) if observations is None else list(observations)
    return AttemptRecord(
        cell=which,
        attempt=number,
        path=f"cells/{which.id}/a{number}",
        observations=tuple(sorted(seen, key=lambda item: item.t_s)),
        findings=findings,
        complete=complete,
    )


def crashed(of: Cell | None = None, *findings: Finding, number: int = 1) -> AttemptRecord:
    """Stopped by the watcher at a fatal finding."""
    seen = [step(1, "scenario", "start"), *beats(5, 30), step(31, "scenario", "end", "stopped", text=TITLE)]
    return attempt(of, seen, *(findings or (crash(),)), number=number)


def failed(of: Cell | None = None, text: str = "1 != 2") -> AttemptRecord:
    """Failed by the scenario's own assertion."""
    seen = [item for item in proven(of or cell()) if not (isinstance(item, Step) and item.phase == "end")]
    return attempt(of, [*seen, step(58, "scenario", "end", "failed", text=text)])


def faulted(of: Cell | None = None, error: str = "MachineError: no", number: int = 1) -> AttemptRecord:
    """A fault of the lab."""
    seen = [step(1, "scenario", "start"), *beats(5, 30), step(30, "lab-fault", "note", error=error)]
    return attempt(of, [*seen, step(31, "scenario", "end", "error", text=error)], number=number)


def verdict(
    of: Cell, outcome: Outcome = Outcome.PASSED, *findings: Finding, reason: str = "a reason"
) -> CellVerdict:
    blame = Blame.NOBODY if outcome is Outcome.PASSED else Blame.UNKNOWN
    return CellVerdict(cell=of, outcome=outcome, blame=blame, reasons=(reason,), findings=findings)
