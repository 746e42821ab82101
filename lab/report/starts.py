"""Which cells started as clones of a booted guest, which from power-off, and why those did.

A clone cannot show a fault of booting, and a fall-back is the lab's failure even where the cell passed:
both are to be seen by whoever reads the report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lab.model import AttemptRecord
from lab.report.cases import Case
from lab.report.shape import ColdStarts, Starts


def build(cases: Sequence[Case]) -> Starts:
    """Cells by how their last attempt started; those without one, or from before this was recorded, are
    not counted."""
    clones: list[str] = []
    cold: dict[tuple[bool, str], list[str]] = {}
    for case in cases:
        known = [record for record in case.attempts if "clone" in record.facts]
        if not known:
            continue
        if cloned(known[-1]):
            clones.append(case.cell.id)
        else:
            reason = cold_reason(known[-1])
            cold.setdefault((reason == case.cell.cold, reason), []).append(case.cell.id)
    reasons = [
        ColdStarts(reason=reason, planned=planned, cells=tuple(cells))
        for (planned, reason), cells in cold.items()
    ]
    return Starts(
        clones=len(clones),
        cold=sum(len(one.cells) for one in reasons),
        reasons=tuple(sorted(reasons, key=lambda one: (one.planned, -len(one.cells)))),
    )


def cloned(record: AttemptRecord) -> bool:
    return bool(record.facts.get("clone"))


def cold_reason(record: AttemptRecord) -> str:
    """Why an attempt booted from power-off, or "" for a clone."""
    return "" if cloned(record) else str(record.facts.get("cold") or "")


def sentences(starts: Mapping[str, Any]) -> list[str]:
    """For people: the counts, then one line per reason, what the lab could not do first."""
    total = starts["clones"] + starts["cold"]
    if not total:
        return []
    lines = [f"{starts['clones']} of {_cells(total)} started as clones of a booted guest"]
    for one in starts["reasons"]:
        why = one["reason"] or "no reason is on record"
        because = f": {why}" if one["planned"] else f" instead of as clones, because {why}"
        lines.append(f"{_cells(len(one['cells']))} booted from power-off{because}")
    return lines


def _cells(number: int) -> str:
    return f"{number} cell{'' if number == 1 else 's'}"
