"""Peak memory of `lab run` at 10, 100 and 1,000 planned cells.

Each run is ended as by Ctrl-C when its first cell has ended: the plan, the fleet, one result and the report
over everything that did not run are in the figure; the guests' and the cells' own memory is not.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import guests
from benchmarks.core.figures import Figure, ratio
from benchmarks.core.settings import Settings
from benchmarks.laboratory import Laboratory, end
from benchmarks.planning import SIZES, of_size
from benchmarks.processes import peak_mib
from lab.errors import InfraError

MOST_S = 420.0
LOOK_S = 0.05


def run(settings: Settings) -> Iterator[Figure]:
    lab = Laboratory.make(settings, "orchestrating")
    guests.named(settings, (guests.TINY,))  # the image is there before the clock starts
    sizes = SIZES[::2] if settings.quick else SIZES
    taken: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(settings.times(3)):
        for size in sizes:
            taken[size].append(_peak(lab, size))
    few = taken[sizes[0]]
    for size in sizes:
        yield Figure(
            name=f"peak memory of lab run, {size:,} cells",
            subject=guests.TINY,
            unit="MiB",
            samples=tuple(taken[size]),
            ratio=ratio(f"{size:,} / {sizes[0]} cells", taken[size], few) if size != sizes[0] else None,
        )


def _peak(lab: Laboratory, cells: int) -> float:
    """MiB of the orchestrator's process at its most."""
    of_size(lab, cells, clones={"use": False})
    before = set((lab.root / "reports").glob("*/run.json"))
    process = lab.start("run")
    most, asked, until = 0.0, False, time.monotonic() + MOST_S
    try:
        while process.poll() is None:
            most = max(most, peak_mib(process.pid))
            if not asked and _one_ended(lab, before):
                process.send_signal(signal.SIGINT)
                asked = True
            if time.monotonic() > until:
                raise InfraError(f"lab run of {cells} cells did not end in {MOST_S:.0f} s: {lab.said()}")
            time.sleep(LOOK_S)
    finally:
        end(process)
    if not asked:
        raise InfraError(f"lab run of {cells} cells ended before its first cell: {_why(lab, process)}")
    return most


def _one_ended(lab: Laboratory, before: set[Path]) -> bool:
    for run in set((lab.root / "reports").glob("*/run.json")) - before:
        if next(run.parent.glob("cells/*/a1/closed.json"), None) is not None:
            return True
    return False


def _why(lab: Laboratory, process: subprocess.Popen[bytes]) -> str:
    return f"exit code {process.returncode}: {lab.said()}"
