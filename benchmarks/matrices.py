"""The default matrix of `make run` with clones and without: how long each takes, and the same verdicts.

Both run the checkout's own lab.yaml, whole, in turns: as it is, where every candidate cell crashes and boots
again and again from power-off, and with a candidate that is good. Missing templates are made in a first run,
which is a figure of its own. Another verdict of one cell fails the bench, whatever the speed.
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
    harmless = {**given, "arms": {**given["arms"], "candidate": dict(HARMLESS)}}
    what = f"lab.yaml{' on tiny' if settings.quick else ''}"
    if not settings.quick:
        yield Figure(
            name="with clones, first run",
            subject=f"{what}, with a good candidate",
            unit="s",
            samples=(_Matrix(lab, harmless).seconds(use=True),),
            note="templates made in it, where there were none",
        )
        yield from _compared(_Matrix(lab, given), f"{what}, as shipped", settings.times(2), FASTER)
    yield from _compared(_Matrix(lab, harmless), f"{what}, with a good candidate", settings.times(2), None)


class _Matrix:
    """One lab.yaml, run whole as often as wanted; keeps the verdicts of its last run of each kind."""

    def __init__(self, lab: Laboratory, given: Mapping[str, Any]) -> None:
        self._lab, self._given = lab, given
        self.seen: dict[bool, dict[str, str]] = {}
        self.clones = 0

    def seconds(self, *, use: bool) -> float:
        self._lab.write({**self._given, "clones": {"use": use}})
        _, seconds = self._lab("run", most_s=MOST_S)
        self.seen[use] = verdicts(self._lab.report())
        if use:
            found = self._lab.latest().path.glob("cells/*/a1/attempt.json")
            self.clones = sum(1 for one in found if _clone(one))
        return seconds


def _compared(matrix: _Matrix, what: str, times: int, wanted: Wanted | None) -> Iterator[Figure]:
    """In turns.

    :raise InfraError: a cell has another verdict.
    """
    taken = interleaved(
        {"with": lambda: matrix.seconds(use=True), "without": lambda: matrix.seconds(use=False)}, times
    )
    differ = different(matrix.seen[True], matrix.seen[False])
    if differ:
        raise InfraError(f"verdicts differ with and without clones: {'; '.join(differ[:3])}")
    cells = len(matrix.seen[True])
    without = Figure(
        name="without clones", subject=what, unit="s", samples=taken["without"], note=f"{cells} cells"
    )
    yield without
    yield Figure(
        name="with clones",
        subject=what,
        unit="s",
        samples=taken["with"],
        wanted=wanted,
        note=f"{matrix.clones} of {cells} cells are clones; same verdicts",
    ).beside(without, "without / with")


def shipped(settings: Settings) -> dict[str, Any]:
    """The checkout's lab.yaml; when quick, a part of it on `tiny`."""
    given: dict[str, Any] = yaml.safe_load((ROOT / "lab.yaml").read_text(encoding="utf-8"))
    given.pop("places", None)
    if settings.quick or settings.images:
        images = list(settings.images) or [guests.TINY]
        given["matrix"] = {**given["matrix"], "images": images}
        given["census"] = dict.fromkeys(images, 1)
    if settings.quick:
        given["matrix"]["scenarios"] = given["matrix"]["scenarios"][:2]
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
