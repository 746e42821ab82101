"""From typing `lab run` to the first running guest: reading, planning, the fleet's start, the first machine.

"Running" is the moment the machine was resumed, as its recording has it. The first guest of a run boots from
power-off by rule (docs/clones.md). Held against a bare script's time to the same moment of the same guest:
that one has nothing to read and nothing to plan.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from benchmarks import guests
from benchmarks.bare import bare
from benchmarks.core.figures import Figure, interleaved, ratio
from benchmarks.core.settings import Settings
from benchmarks.laboratory import Laboratory, completed, one_image


def run(settings: Settings) -> Iterator[Figure]:
    for subject in guests.subjects(settings, most=1):
        yield from _image(subject, settings)


def _image(subject: guests.Subject, settings: Settings) -> Iterator[Figure]:
    lab, what = Laboratory.make(settings, "starting"), str(subject)
    lab.write(one_image(subject.name, subject.order.profile, ["true"]))
    script = bare(subject, Path(settings.root) / "b")
    steps: list[dict[str, float]] = []

    def alone() -> float:
        with script.held() as said:
            return float(said["started"])

    def whole() -> float:
        steps.append(_lab_run(lab))
        return steps[-1]["running"]

    taken = interleaved({"script": alone, "lab": whole}, settings.times(7))
    yield Figure(name="bare QEMU script to guest running", subject=what, unit="s", samples=taken["script"])
    yield Figure(
        name="lab run to first guest running",
        subject=what,
        unit="s",
        samples=taken["lab"],
        ratio=ratio("lab / script", taken["lab"], taken["script"]),
    )
    last = ""
    for name, mark in (
        ("configuration read, hosts looked at, planned", "planned"),
        ("fleet started, first cell's process up", "opened"),
        ("machine made and resumed", "running"),
    ):
        samples = tuple(one[mark] - (one[last] if last else 0.0) for one in steps)
        yield Figure(name=f"  {name}", subject=what, unit="s", samples=samples)
        last = mark


def _lab_run(lab: Laboratory) -> dict[str, float]:
    """One run of one cell; seconds from its start to each step."""
    begun = time.time()
    lab("run", "-k", "*candidate", most_s=300)
    cell = completed(lab.latest())[0]
    planned = json.loads((lab.latest().path / "run.json").read_text())["started"]
    return {
        "planned": datetime.fromisoformat(planned).timestamp() - begun,
        "opened": cell.opened - begun,
        "running": cell.marks["started"] - begun,
    }
