"""The default matrix of `make run` with clones and without: how long each takes, and the same verdicts.

Both run the checkout's own lab.yaml, whole, in turns. Missing templates are made in the first run with
clones, which is a figure of its own. Another verdict of one cell fails the bench, whatever the speed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from benchmarks import guests
from benchmarks.core.figures import Figure, Wanted, interleaved
from benchmarks.core.settings import ROOT, Settings
from benchmarks.laboratory import Laboratory
from lab.errors import InfraError

MOST_S = 45 * 60.0
HARMLESS = {"build": "1.1", "content": "292"}
FASTER = Wanted(limit=3, at_least=True, of_ratio=True)


def run(settings: Settings) -> Iterator[Figure]:
    lab = Laboratory.make(settings, "matrices")
    given = shipped(settings)
    seen: dict[str, dict[str, str]] = {}
    clones: list[int] = []

    def once(*, use: bool) -> float:
        lab.write({**given, "clones": {"use": use}})
        _, seconds = lab("run", most_s=MOST_S)
        report = lab.report()
        seen["with" if use else "without"] = verdicts(report)
        if use:
            clones.append(sum(1 for one in lab.latest().path.glob("cells/*/a1/attempt.json") if _clone(one)))
        return seconds

    what = f"lab.yaml{' on tiny' if settings.quick else ''}"
    if not settings.quick:
        note = "templates made in it, where there were none"
        yield Figure(
            name="with clones, first run", subject=what, unit="s", samples=(once(use=True),), note=note
        )
    taken = interleaved(
        {"with": lambda: once(use=True), "without": lambda: once(use=False)}, settings.times(2)
    )
    differ = different(seen["with"], seen["without"])
    if differ:
        raise InfraError(f"verdicts differ with and without clones: {'; '.join(differ[:3])}")
    cells = len(seen["with"])
    without = Figure(
        name="without clones", subject=what, unit="s", samples=taken["without"], note=f"{cells} cells"
    )
    yield without
    yield Figure(
        name="with clones",
        subject=what,
        unit="s",
        samples=taken["with"],
        wanted=None if settings.quick else FASTER,
        note=f"{clones[-1]} of {cells} cells are clones; same verdicts",
    ).beside(without, "without / with")


def shipped(settings: Settings) -> dict[str, Any]:
    """The checkout's lab.yaml; when quick, on `tiny` with a candidate that does not crash for a minute."""
    given: dict[str, Any] = yaml.safe_load((ROOT / "lab.yaml").read_text(encoding="utf-8"))
    given.pop("places", None)
    if settings.quick or settings.images:
        images = list(settings.images) or [guests.TINY]
        given["matrix"] = {**given["matrix"], "images": images}
        given["census"] = dict.fromkeys(images, 1)
    if settings.quick:
        given["matrix"]["scenarios"] = given["matrix"]["scenarios"][:2]
        given["arms"]["candidate"] = dict(HARMLESS)
    return given


def verdicts(report: Mapping[str, Any]) -> dict[str, str]:
    """Cell to outcome and blame, of report.json."""
    return {str(cell["id"]): f"{cell['outcome']}/{cell['blame']}" for cell in report["cells"]}


def different(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Cells whose verdicts are not the same, in words."""
    return [
        f"{cell}: {one.get(cell, 'not there')} with, {other.get(cell, 'not there')} without"
        for cell in sorted({*one, *other})
        if one.get(cell) != other.get(cell)
    ]


def _clone(facts: Path) -> bool:
    return '"clone": true' in facts.read_text(encoding="utf-8")
