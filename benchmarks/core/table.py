"""Figures as one table, for a terminal and for a page. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.core.figures import Figure
from benchmarks.core.record import Bench, Run

COLUMNS = ("figure", "on", "median", "middle half", "n", "ratio", "wanted", "")
RIGHT = {"median", "middle half", "n"}


def number(value: float) -> str:
    """Three digits that count: 26.5, 1.23, 0.045, 12346."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 1 else f"{value:.3f}"


def row(figure: Figure) -> tuple[str, ...]:
    """The cells of one figure, in the order of `COLUMNS`."""
    if figure.median is None or figure.spread is None:
        return (figure.name, figure.subject, "-", "", "0", "", "", figure.note)
    low, high = figure.spread
    return (
        figure.name,
        figure.subject,
        f"{number(figure.median)} {figure.unit}".strip(),
        f"{number(low)} .. {number(high)}" if len(figure.samples) > 1 else "",
        str(len(figure.samples)),
        _ratio(figure),
        _wanted(figure),
        figure.note,
    )


def text(run: Run) -> str:
    """All benches, for a terminal: a heading per bench, aligned columns over all of them."""
    rows = {one.name: [row(figure) for figure in one.figures] for one in run.benches}
    widths = _widths([COLUMNS, *(cells for own in rows.values() for cells in own)])
    lines = [machine(run), "", _line(COLUMNS, widths)]
    for one in run.benches:
        lines += ["", heading(one)]
        lines += [_line(cells, widths) for cells in rows[one.name]]
    return "\n".join(lines) + "\n"


def markdown(bench: Bench) -> str:
    """One bench as a table of a page."""
    columns = (*COLUMNS[:-1], "note")
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    lines += [f"| {' | '.join(_escaped(cell) for cell in row(figure))} |" for figure in bench.figures]
    return "\n".join(lines) + "\n"


def machine(run: Run) -> str:
    """One line about where the figures come from."""
    of = run.machine
    how = f"{of.accelerator}, factor {of.factor:g}" if of.accelerator else "no guests"
    parts = [
        f"{of.cores} cores ({of.cpu}), {of.memory_mib / 1024:.0f} GiB",
        f"QEMU {of.qemu or '?'}, libvirt {of.libvirt or '?'}, {how}",
        f"load {of.load.load1:g}",
        run.started[:16].replace("T", " "),
        *(["quick: one repetition, small sizes"] if run.quick else []),
        *(["NOT QUIET: " + "; ".join(run.busy)] if run.busy else []),
    ]
    return " · ".join(parts)


def heading(bench: Bench) -> str:
    """A bench's name, how it went and how long it took."""
    state = "" if bench.state == "done" else f" {bench.state.upper()}: {bench.reason}"
    quiet = f" (not quiet: {'; '.join(bench.busy)})" if bench.busy else ""
    return f"{bench.name}  [{bench.seconds:.0f} s]{state}{quiet}"


def verdicts(run: Run) -> Iterator[str]:
    """A line for each figure that is not as wanted, and for each bench that gave none."""
    for name, figure in run.missed:
        cells = row(figure)
        yield f"{name}: {figure.name} ({figure.subject}): {cells[2]} {cells[5]}, wanted {figure.wanted}"
    for one in run.benches:
        if one.state != "done":
            yield f"{one.name}: {one.state}: {one.reason}"


def _ratio(figure: Figure) -> str:
    ratio = figure.ratio
    if ratio is None:
        return ""
    low, high = ratio.spread
    between = f" ({number(low)} .. {number(high)})" if len(ratio.samples) > 1 else ""
    return f"{number(ratio.median)}x {ratio.what}{between}"


def _wanted(figure: Figure) -> str:
    if figure.wanted is None:
        return ""
    return f"{figure.wanted}{'' if figure.met is None else ' met' if figure.met else ' MISSED'}"


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(cells[column]) for cells in rows) for column in range(len(COLUMNS))]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.rjust(width) if name in RIGHT else cell.ljust(width)
        for cell, width, name in zip(cells, widths, COLUMNS, strict=True)
    )
    return "  ".join(padded).rstrip()


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
