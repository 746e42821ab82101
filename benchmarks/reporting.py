"""Judging and reporting 2,000 cells: `lab judge` of a run whose recordings are real ones, many times over.

Two guests are run, one per arm; their recordings stand for every cell of the same arm under other ids. The
page without pictures is wanted below 5 MB. The ratio is to the same with 10 cells, taken in turns.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks import guests
from benchmarks.core.figures import Figure, Wanted, ratio
from benchmarks.core.settings import Settings
from benchmarks.laboratory import Laboratory, one_image
from benchmarks.processes import Ended, to_end
from lab.errors import InfraError
from lab.model import Arm, Cell, CellId, Plan
from lab.running.rundir import RunDirectory

MANY, QUICK_MANY, FEW = 2_000, 100, 10
MOST_S = 900.0
SECONDS, MEGABYTES = Wanted(limit=10, at_least=False), Wanted(limit=5, at_least=False)
OWN = {"attempt.json", "order.json"}
"""Files of a recording that hold its cell's id; all others are linked."""


def run(settings: Settings) -> Iterator[Figure]:
    subject = guests.subjects(settings, most=1)[0]
    lab, what = Laboratory.make(settings, "reporting"), str(subject)
    lab.write(one_image(subject.name, subject.order.profile, ["content-update"]))
    lab("run", most_s=600)
    real, many = lab.latest(), QUICK_MANY if settings.quick else MANY
    sizes = {size: multiplied(real, lab.root / "reports" / f"of-{size}", size) for size in (FEW, many)}
    taken: dict[int, list[Ended]] = {size: [] for size in sizes}
    for _ in range(settings.times(3)):
        for size, directory in sizes.items():
            taken[size].append(_judge(lab, directory))
    few, lots = ([one.seconds for one in taken[size]] for size in (FEW, many))
    yield Figure(name=f"lab judge, {FEW} cells", subject=what, unit="s", samples=tuple(few))
    yield Figure(
        name=f"lab judge, {many:,} cells",
        subject=what,
        unit="s",
        samples=tuple(lots),
        ratio=ratio(f"{many:,} / {FEW} cells", lots, few),
        wanted=SECONDS if many == MANY else None,
    )
    yield Figure(
        name=f"peak memory of lab judge, {many:,} cells",
        subject=what,
        unit="MiB",
        samples=tuple(one.peak_mib for one in taken[many]),
    )
    for name in ("report.html", "report.json"):
        megabytes = (sizes[many].path / name).stat().st_size / 1e6
        wanted = MEGABYTES if name == "report.html" else None
        yield Figure(
            name=f"{name}, {many:,} cells", subject=what, unit="MB", samples=(megabytes,), wanted=wanted
        )


def multiplied(run: RunDirectory, path: Path, cells: int) -> RunDirectory:
    """A run of so many cells whose recordings are links to those of `run`, arm by arm."""
    shutil.copytree(run.path, path, ignore=shutil.ignore_patterns("cells", "report.*"))
    models = {cell.arm: cell for cell in run.plan().cells}
    if set(models) != set(Arm):
        raise InfraError(f"run {run.id} has no cell of each arm")
    many: list[Cell] = []
    for number in range(cells):
        model = models[list(Arm)[number % 2]]
        seed = number // 2 + 1
        cell = replace(model, id=CellId(f"{model.id}_s{seed}"), seed=seed)
        many.append(cell)
        _link(run.recording(model.id), path / "cells" / cell.id / "a1", cell)
    made = RunDirectory(path)
    made.write_plan(Plan(cells=tuple(many), omitted=(), bill=run.plan().bill))
    return made


def _link(source: Path, target: Path, cell: Cell) -> None:
    """A recording under another cell's id."""
    for path in source.rglob("*"):
        to = target / path.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            continue
        if path.name not in OWN:
            to.hardlink_to(path)
            continue
        facts = json.loads(path.read_text())
        facts["cell"] = {**facts["cell"], "id": cell.id, "seed": cell.seed}
        to.write_text(json.dumps(facts))


def _judge(lab: Laboratory, run: RunDirectory) -> Ended:
    ended = to_end(lab.start("judge", run.id), MOST_S)
    if ended.code not in (0, 1, 4) or not (run.path / "report.html").exists():
        raise InfraError(f"lab judge of {run.id} exited with {ended.code}: {lab.said()}")
    return ended
