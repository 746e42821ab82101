"""Figures of runs into the pages that show them: between two marks, and nowhere else.

`docs/benchmarks.md` gets every table, `docs/sizing.md` what follows from a few of them. A page without
marks is refused, so that no figure is ever written by hand beside these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.core import sizing, table
from benchmarks.core.record import Run

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
BETWEEN = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)


def write(runs: Sequence[Run], docs: Path) -> None:
    """Put the figures of runs into both pages; of a bench in several of them, those of the last.

    :raise ValueError: a run was quick or the machine busy, or a page has no marks.
    """
    for run in runs:
        if run.quick or run.busy:
            why = "it was a quick run" if run.quick else f"the machine was busy: {'; '.join(run.busy)}"
            raise ValueError(f"figures are not for publishing: {why}")
    shown = latest(runs)
    together = replace(runs[-1], benches=tuple(one for run in shown for one in run.benches))
    parts = {"benchmarks.md": "\n\n".join(map(tables, shown)), "sizing.md": sizing.page(together)}
    for name, text in parts.items():
        path = docs / name
        path.write_text(replaced(path.read_text(encoding="utf-8"), text, name), encoding="utf-8")


def latest(runs: Sequence[Run]) -> list[Run]:
    """Each run with the benches that no later one has; none without any."""
    last = {one.name: run for run in runs for one in run.benches}
    kept = [replace(run, benches=tuple(one for one in run.benches if last[one.name] is run)) for run in runs]
    return [run for run in kept if run.benches]


def replaced(page: str, text: str, name: str) -> str:
    """The page with `text` between its marks.

    :raise ValueError: there are none.
    """
    if not BETWEEN.search(page):
        raise ValueError(f"{name}: no place for figures (wanted {BEGIN} and {END})")
    return BETWEEN.sub(lambda _old: f"{BEGIN}\n\n{text.strip()}\n\n{END}", page)


def tables(run: Run) -> str:
    """All benches of a run."""
    parts = [f"Measured at commit {run.commit or 'unknown'}: {table.machine(run)}.\n"]
    for one in run.benches:
        parts.append(f"### {one.name}\n")
        if one.state != "done":
            parts.append(f"{one.state}: {one.reason}\n")
        if one.busy:
            parts.append(f"The machine was not quiet: {'; '.join(one.busy)}\n")
        if one.figures:
            parts.append(table.markdown(one))
    return "\n".join(parts)
