"""What the lab costs a cell: clone, `true`, judged, destroyed, against a bare QEMU script of the same guest.

The lab's side is the time from the end of one cell to the end of the next in a `lab run` of many, one
guest at a time, with the share of judging: everything a cell costs is in there, process starts and
clean-up included. The script's side is the whole of `bare_guest.py`. Blocks of both take turns. The
phases say where a cell's time goes.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from benchmarks import guests
from benchmarks.bare import bare
from benchmarks.core.figures import Figure, Wanted, ratio
from benchmarks.core.settings import Settings
from benchmarks.laboratory import CellTimes, Laboratory, completed, one_image
from lab import workflow
from lab.clock import Stopwatch

BLOCK_SEEDS = 5
"""Seeds of a block: twice as many cells, of which two boot from power-off."""
OVERHEAD = Wanted(limit=0.5, at_least=False)
PHASES = (
    ("process up to guest resumed", "opened", "started"),
    ("guest resumed to woken", "started", "woken"),
    ("woken to scenario's end", "woken", "ended"),
    ("scenario's end to recording closed", "ended", "closed"),
)


def run(settings: Settings) -> Iterator[Figure]:
    for subject in guests.subjects(settings, most=1):
        yield from _image(subject, settings)


def _image(subject: guests.Subject, settings: Settings) -> Iterator[Figure]:
    lab = Laboratory.make(settings, "overhead")
    seeds = list(range(1, 1 + (3 if settings.quick else BLOCK_SEEDS)))
    lab.write(one_image(subject.name, subject.order.profile, ["true"], matrix={"seeds": seeds}))
    script = bare(subject, Path(settings.root) / "b", subject.template())
    cells: list[float] = []
    scripts: list[float] = []
    phases: dict[str, list[float]] = {}
    for _ in range(settings.times(4)):
        lab("run", most_s=600)
        watch = Stopwatch()
        workflow.judge(lab.latest())
        found = completed(lab.latest())
        share = watch.t_s / max(1, len(found))
        fresh = [seconds + share for seconds in intervals(found)]
        cells += fresh
        scripts += [script.seconds() for _ in fresh]
        for name, seconds in _phases(found, share):
            phases.setdefault(name, []).append(seconds)
    yield from _figures(str(subject), cells, scripts, phases)


def intervals(found: list[CellTimes]) -> list[float]:
    """From the end of a cell to the end of the next, where that is a clone."""
    return [
        after.marks["closed"] - before.marks["closed"] for before, after in pairwise(found) if after.clone
    ]


def _phases(found: list[CellTimes], judged: float) -> Iterator[tuple[str, float]]:
    for before, after in pairwise(found):
        if not after.clone:
            continue
        yield "closed to the next process up", after.opened - before.marks["closed"]
        for name, first, last in PHASES:
            seconds = after.between(first, last)
            if seconds is not None:
                yield name, seconds
        yield "judged at the run's end", judged


def _figures(
    what: str, cells: list[float], scripts: list[float], phases: dict[str, list[float]]
) -> Iterator[Figure]:
    script = Figure(name="bare QEMU script, clone", subject=what, unit="s", samples=tuple(scripts))
    cell = Figure(name="lab cell, clone", subject=what, unit="s", samples=tuple(cells))
    yield script
    yield replace(cell, ratio=ratio("lab / script", cells, scripts))
    overhead = tuple(mine - statistics.median(scripts) for mine in cells)
    yield Figure(name="overhead of the lab", subject=what, unit="s", samples=overhead, wanted=OVERHEAD)
    for name, samples in phases.items():
        yield Figure(name=f"  {name}", subject=what, unit="s", samples=tuple(samples))
