"""A run of the benches as one JSON document: every sample, what it is compared with, and on what machine.

Owns the document's shape, in both directions. Refuses to draw it: `table` does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.core.figures import Figure, Ratio, Wanted
from benchmarks.core.machine import Load, Machine

SCHEMA = 1
DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One bench of a run."""

    name: str
    state: str
    """`done`, `failed`, `skipped`."""
    reason: str = ""
    seconds: float = 0.0
    busy: tuple[str, ...] = ()
    """What was in the way when it began; empty on a quiet machine."""
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All benches of one command."""

    started: str
    commit: str
    quick: bool
    machine: Machine
    busy: tuple[str, ...] = ()
    """Why the machine was not quiet at the start."""
    benches: tuple[Bench, ...] = field(default=())

    @property
    def missed(self) -> list[tuple[str, Figure]]:
        """Figures that are not as wanted, with the names of their benches."""
        return [(one.name, figure) for one in self.benches for figure in one.figures if figure.met is False]


def to_json(run: Run) -> str:
    """The document."""
    document = {
        "schema": SCHEMA,
        "started": run.started,
        "commit": run.commit,
        "quick": run.quick,
        "busy": list(run.busy),
        "machine": asdict(run.machine),
        "benches": [
            {
                **{key: getattr(one, key) for key in ("name", "state", "reason")},
                "seconds": round(one.seconds, 1),
                "busy": list(one.busy),
                "figures": [figure_to_dict(figure) for figure in one.figures],
            }
            for one in run.benches
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def figure_to_dict(figure: Figure) -> dict[str, Any]:
    """A figure with what follows from its samples, so that a reader needs no arithmetic."""
    return {
        "figure": figure.name,
        "subject": figure.subject,
        "unit": figure.unit,
        "n": len(figure.samples),
        "median": _rounded(figure.median),
        "spread": _both(figure.spread),
        "samples": [_rounded(sample) for sample in figure.samples],
        "ratio": None if figure.ratio is None else _ratio(figure.ratio),
        "wanted": None if figure.wanted is None else asdict(figure.wanted),
        "met": figure.met,
        "note": figure.note,
    }


def figure_from_dict(given: Mapping[str, Any]) -> Figure:
    """The other way round; medians are taken afresh."""
    wanted, ratio = given["wanted"], given["ratio"]
    return Figure(
        name=given["figure"],
        subject=given["subject"],
        unit=given["unit"],
        samples=tuple(given["samples"]),
        ratio=None if ratio is None else Ratio(what=ratio["what"], samples=tuple(ratio["samples"])),
        wanted=None if wanted is None else Wanted(**wanted),
        note=given["note"],
    )


def from_json(text: str) -> Run:
    """:raise ValueError: it is not a document of this version."""
    document = json.loads(text)
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ValueError(f"not a record of benches (wanted schema {SCHEMA})")
    machine = dict(document["machine"])
    machine["load"] = Load(**machine["load"])
    return Run(
        started=document["started"],
        commit=document["commit"],
        quick=document["quick"],
        busy=tuple(document["busy"]),
        machine=Machine(**machine),
        benches=tuple(_bench(one) for one in document["benches"]),
    )


def read(path: Path) -> Run:
    """:raise ValueError: as `from_json`."""
    return from_json(path.read_text(encoding="utf-8"))


def _bench(given: Mapping[str, Any]) -> Bench:
    return Bench(
        name=given["name"],
        state=given["state"],
        reason=given["reason"],
        seconds=given["seconds"],
        busy=tuple(given["busy"]),
        figures=tuple(figure_from_dict(one) for one in given["figures"]),
    )


def _ratio(ratio: Ratio) -> dict[str, Any]:
    return {
        "what": ratio.what,
        "n": len(ratio.samples),
        "median": _rounded(ratio.median),
        "spread": _both(ratio.spread),
        "samples": [_rounded(sample) for sample in ratio.samples],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _both(pair: Sequence[float] | None) -> list[float | None] | None:
    return None if pair is None else [_rounded(value) for value in pair]
