"""Synthetic runs with numbers: figures, samples, loads and faults of both arms, for the report's tests."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import report_factories as make

from lab.model import (
    Arm,
    AttemptRecord,
    Cell,
    CellId,
    Comparison,
    FaultMark,
    FaultPhase,
    Heartbeat,
    LoadMark,
    Observation,
    Sample,
    Step,
    TestPlan,
)
from lab.report import document
from lab.verdict.compare.deciding import compare_all
from lab.verdict.compare.reading import results

KIB_PER_H = 9000.0
KNOWN_FAULTS = ("clock-forward", "disk-error", "dns-failure", "nmi", "power-cut")


def repeated(image: str, scenario: str, arm: Arm, repetition: int) -> Cell:
    version = make.RELEASED if arm is Arm.BASELINE else make.BAD
    one = make.cell(image, scenario, arm, version, repetition=repetition)
    return replace(one, id=CellId(f"{one.id}_r{repetition}"))


def numbers(one: Cell, draw: random.Random, slow: float, fat: float) -> list[Observation]:
    """A reboot, a load and answers after the update: everything that figures are read from."""
    worse = one.arm is Arm.CANDIDATE
    busy = draw.lognormvariate(0, 0.03)
    rate = 420 / busy / (slow if worse else 1.0)
    return [
        Step(t_s=32.0 + 2 * busy, name="update", phase="end", outcome="completed"),
        Step(t_s=60.0, name="reboot", phase="end", outcome="completed", detail={"boot_s": 23.4 * busy}),
        LoadMark(t_s=61.0, workload="files-small", phase="start", id="l1", intensity=0.5),
        LoadMark(
            t_s=63.0, workload="files-small", phase="end", id="l1", intensity=0.5, ops=840, ops_per_s=rate,
            latency_ms={"p50": 900 / rate, "p99": 4000 / rate},
        ),
        *(Heartbeat(t_s=34 + n, channel="ssh", ok=True, latency_s=0.04 * busy) for n in range(8)),
        *(
            Sample(t_s=40.0 + n, guest_s=60.0 + n, values={
                "agent_rss_kib": 5200 * (fat if worse else 1.0) * draw.lognormvariate(0, 0.004),
                "memory_total_kib": 508_000.0,
            })
            for n in range(4)
        ),
    ]  # fmt: skip


def samples(one: Cell, draw: random.Random, hours: float = 1.0, count: int = 120) -> list[Observation]:
    """A soak: the candidate's slab grows, and everything wanders a little."""
    grows = KIB_PER_H if one.arm is Arm.CANDIDATE else 0.0
    wander = 0.0
    made: list[Observation] = []
    for n in range(count):
        hour = hours * n / count
        wander = 0.8 * wander + draw.gauss(0, 60)
        values = {
            "slab_kib": 31_000 + grows * hour + wander,
            "agent_handles": 14.0 + draw.randrange(2),
            "memory_available_kib": 380_000 - grows * hour - wander,
            "memory_total_kib": 508_000.0,
            "kernel_lines": 40.0 + n,
            "cpu_share": 0.04 + draw.random() / 100,
        }
        made.append(Sample(t_s=40 + n / 5, guest_s=60 + hour * 3600, values=values))
    return made


def faulted(one: Cell) -> list[Observation]:
    """A disk that errs with proof, a power cut that the guest comes back from, one fault without effect."""
    cut = one.arm is Arm.CANDIDATE
    return [
        FaultMark(t_s=34, fault="disk-error", phase=FaultPhase.PLANNED, id="f1", parameters={"rate": 0.1}),
        FaultMark(t_s=36, fault="disk-error", phase=FaultPhase.INJECTED, id="f1"),
        FaultMark(t_s=37, fault="disk-error", phase=FaultPhase.PROVEN, id="f1", evidence="3 write errors"),
        FaultMark(t_s=42, fault="disk-error", phase=FaultPhase.UNDONE, id="f1"),
        FaultMark(t_s=44, fault="nmi", phase=FaultPhase.INJECTED, id="f2"),
        FaultMark(
            t_s=45, fault="nmi", phase=FaultPhase.FAILED, id="f2", evidence="the console <said> nothing"
        ),
        *([Heartbeat(t_s=46, channel="agent", ok=False, error="no answer")] if cut else []),
        Heartbeat(t_s=61, channel="agent", ok=True),
    ]


def measured(repetitions: int = 10) -> make.Run:
    """Figures on three OS builds, a leak in a soak, faults in a third scenario."""
    run = make.empty(faults=KNOWN_FAULTS)
    run.run["scenarios"] = {
        "content-update": {"summary": "the update works", "level": "product"},
        "soak": {"summary": "a long run", "level": "production"},
        "power-sweep": {"summary": "a cut at every step", "level": "feature"},
        "fuzz-content": {"summary": "content in every shape", "level": "component"},
    }
    draw = random.Random(7)
    for repetition in range(1, repetitions + 1):
        for image in ("debian-11", "debian-12", "debian-13"):
            for arm in Arm:
                add(run, repeated(image, "content-update", arm, repetition), "product", draw)
    for arm in Arm:
        add(run, repeated("debian-12", "soak", arm, 1), "production", draw)
        add(run, repeated("debian-12", "power-sweep", arm, 1), "feature", draw)
    return run


def add(run: make.Run, one: Cell, level: Any, draw: random.Random) -> None:
    make.passed(run, one, 10.0 * len(run.cells))
    old = run.attempts[-1]
    match one.scenario:
        case "soak":
            more = samples(one, draw)
        case "power-sweep":
            more = faulted(one)
        case _:
            more = numbers(one, draw, slow=1.02 if one.image == "debian-12" else 1.4, fat=1.12)
    cell = replace(one, level=type(one.level)(level))
    seen = sorted([*old.observations, *more], key=lambda item: item.t_s)
    run.cells[-1] = cell
    run.attempts[-1] = replace(old, observations=seen, cell=cell)
    run.verdicts[-1] = replace(run.verdicts[-1], cell=cell)


def compared(run: make.Run, plan: TestPlan | None = None) -> tuple[Comparison, ...]:
    return compare_all(results(run.verdicts, run.attempts), plan or TestPlan())


def doc(run: make.Run, plan: TestPlan | None = None) -> dict[str, Any]:
    return document.build(
        run.run, run.plan, run.verdicts, run.decision, run.attempts, comparisons=compared(run, plan)
    )


__all__ = ["AttemptRecord", "compared", "doc", "measured"]
