"""Figures of one run into the pages that show them: between two marks, and nowhere else.

`docs/benchmarks.md` gets every table, `docs/sizing.md` what follows from a few of them. A page without
marks is refused, so that no figure is ever written by hand beside these.
"""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.core import sizing, table
from benchmarks.core.record import Run

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
BETWEEN = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)


def write(run: Run, docs: Path) -> None:
    """Put a run's figures into both pages.

    :raise ValueError: the run was quick or the machine busy, or a page has no marks.
    """
    if run.quick or run.busy:
        why = "it was a quick run" if run.quick else f"the machine was busy: {'; '.join(run.busy)}"
        raise ValueError(f"figures are not for publishing: {why}")
    for name, text in (("benchmarks.md", tables(run)), ("sizing.md", sizing.page(run))):
        path = docs / name
        path.write_text(replaced(path.read_text(encoding="utf-8"), text, name), encoding="utf-8")


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
