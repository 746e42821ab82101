"""How many guests a host holds: arithmetic over measured figures. Pure.

    guests by memory = (memory - spare - templates) / private memory of a guest
    guests by cores  = cores * utilisation / cores a guest needs on average

Figures come from one run's record; what is missing there is missing here, and named.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.core.figures import Figure
from benchmarks.core.record import Run
from benchmarks.core.table import number

GIB = 1024.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one guest costs its host."""

    what: str
    private_mib: float
    """QEMU and the lab's process for it."""
    shared_mib: float = 0.0
    """Once per template."""
    cores: float = 0.0
    """Host CPU of one idle, watched guest."""

    def per_gib(self) -> float:
        """Guests per GiB, many of one template."""
        return GIB / self.private_mib

    def per_core(self) -> float | None:
        """Idle guests per core; None when it was not measured."""
        return 1 / self.cores if self.cores else None


def guests(cost: Cost, *, memory_mib: float, cores: float, busy_cores: float, spare_mib: float = 1024) -> int:
    """Guests at a time on a host.

    :param busy_cores: cores that a guest keeps busy on average while its cell runs.
    """
    by_memory = (memory_mib - spare_mib - cost.shared_mib) / cost.private_mib
    by_cores = cores / busy_cores if busy_cores else by_memory
    return max(0, int(min(by_memory, by_cores)))


def figure(run: Run, bench: str, name: str) -> Figure | None:
    """A figure by the names of its bench and itself, the first subject that is there."""
    for one in run.benches:
        if one.name == bench:
            return next((found for found in one.figures if found.name == name and found.samples), None)
    return None


def costs(run: Run) -> list[Cost]:
    """Clone and cold guest, from the benches `memory` and `watching`."""
    watched = figure(run, "watching", "watched: QEMU and the lab")
    process = figure(run, "watching", "memory of a cell's process")
    cores = (watched.median or 0.0) / 100 if watched else 0.0
    own = (process.median or 0.0) if process else 0.0
    found = []
    for what, private, shared in (
        ("clone", "private memory of a clone", "shared memory of all clones"),
        ("cold guest", "private memory of a cold guest", ""),
    ):
        measured = figure(run, "memory", private)
        if measured is None or measured.median is None:
            continue
        both = figure(run, "memory", shared) if shared else None
        found.append(
            Cost(
                what=f"{what} ({measured.subject})",
                private_mib=measured.median + own,
                shared_mib=(both.median or 0.0) if both else 0.0,
                cores=cores,
            )
        )
    return found


def page(run: Run) -> str:
    """The measured part of docs/sizing.md."""
    found = costs(run)
    if not found:
        return "The run had no figures of `memory`."
    lines = [
        "| guest | private memory | shared, once per template | guests per GiB | idle guests per core |",
        "|---|---|---|---|---|",
    ]
    for cost in found:
        per_core = cost.per_core()
        lines.append(
            f"| {cost.what} | {number(cost.private_mib)} MiB | {number(cost.shared_mib)} MiB "
            f"| {number(cost.per_gib())} | {number(per_core) if per_core else 'not measured'} |"
        )
    return "\n".join(lines)
