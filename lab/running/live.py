"""What a person sees while a run goes on: a table on a terminal, plain lines elsewhere. On stderr."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lab.clock import Stopwatch
from lab.model import Cell, Plan
from lab.running.spawn import AttemptResult

STYLES = {
    "running": "cyan", "completed": "green", "CRASHED": "bold red", "failed": "red",
    "lab fault": "yellow", "not run": "yellow",
}  # fmt: skip


@dataclass(slots=True)
class _Row:
    cell: Cell
    state: str = "waiting"
    since: Stopwatch = field(default_factory=Stopwatch)
    seconds: float = 0.0
    note: str = ""


class Progress:
    """An `Observer`: one line per change, or one table that is redrawn."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._console = console
        self._rows = {cell.id: _Row(cell) for cell in plan.cells}
        self._images: dict[str, str] = {}
        self._watch = Stopwatch()
        self._estimate_s = plan.bill.wall_seconds if plan.bill else 0.0
        self._lock = threading.Lock()
        self._live = Live(get_renderable=self._table, console=console, refresh_per_second=2, transient=True)

    # -- Observer ------------------------------------------------------------

    def image(self, name: str, state: str, detail: str = "") -> None:
        with self._lock:
            self._images[name] = f"{state} {detail}".strip()
        if state != "making" or detail:
            self._say(f"image {name}: {state}{': ' + detail if detail else ''}")

    def host(self, name: str, changed: str) -> None:
        self._say(f"host {name}: {changed}")

    def cell(self, cell: Cell, state: str, results: Sequence[AttemptResult] = ()) -> None:
        with self._lock:
            row = self._rows.setdefault(cell.id, _Row(cell))
            if state == "running":
                row.since = Stopwatch()
            if state == "done":
                state, row.note = _ended(results)
                row.seconds = sum(result.seconds for result in results)
            row.state = state
            counted = sum(1 for other in self._rows.values() if other.state not in _OPEN)
        if state not in _OPEN:
            note = f": {row.note}" if row.note else ""
            place = f"[{counted}/{len(self._rows)}]"
            took = f" in {row.seconds:.0f} s" if row.seconds else ""
            self._say(f"{place} {cell.id}: {state}{took}{note}", STYLES.get(state, ""))

    # -- drawing -------------------------------------------------------------

    def _say(self, line: str, style: str = "") -> None:
        stamp = f"{_clock(self._watch.t_s)} "
        self._console.print(Text(stamp, "dim") + Text(line, style), soft_wrap=True, highlight=False)

    def _table(self) -> Group:
        with self._lock:
            rows = list(self._rows.values())
            images = dict(self._images)
        table = Table(box=None, pad_edge=False, padding=(0, 2))
        for title in ("guest", "state", "for"):
            table.add_column(title, style="" if title != "for" else "dim", no_wrap=True)
        for row in rows:
            if row.state == "running":
                table.add_row(row.cell.id, Text(row.state, STYLES["running"]), f"{row.since.t_s:.0f} s")
        making = [f"{name}: {state}" for name, state in images.items() if state.startswith("making")]
        return Group(table, Text("  ".join(making), "magenta"), Text(self._summary(rows), "bold"))

    def _summary(self, rows: Sequence[_Row]) -> str:
        counts = Counter(row.state for row in rows)
        done = sum(count for state, count in counts.items() if state not in _OPEN)
        parts = [f"{done}/{len(rows)} cells"]
        parts += [f"{count} {state}" for state, count in counts.most_common() if state not in _OPEN]
        return f"{_clock(self._watch.t_s)}  {', '.join(parts)}  {self._eta(rows, done)}"

    def _eta(self, rows: Sequence[_Row], done: int) -> str:
        """From the pace so far once a quarter is done, from the plan's estimate before."""
        if done == len(rows):
            return ""
        elapsed = self._watch.t_s
        left = elapsed / done * (len(rows) - done) if done * 4 >= len(rows) else self._estimate_s - elapsed
        return f"about {_clock(max(left, 0.0))} left"

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()


_OPEN = ("waiting", "queued", "running")


def _ended(results: Sequence[AttemptResult]) -> tuple[str, str]:
    """(state, note) for a person; the verdict is made later, from the recording."""
    last = results[-1]
    again = f" (attempt {last.attempt})" if len(results) > 1 else ""
    if last.fatal:
        return "CRASHED", last.title + again
    if last.lab_fault:
        return "lab fault", last.lab_fault + again
    if last.scenario == "completed":
        return "completed", last.title + again
    return "failed", (last.title or "the scenario's own assertion") + again


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:d}:{rest:02d}"
