"""What a plan will cost: guest time, wall time, memory. Pure; better with a history of earlier runs."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from lab.matrix.capacity import HostFacts, memory_of
from lab.model import Arm, Bill, Cell, ImageInfo, Level

# Seconds on a host of factor 1: two cores under software emulation (QEMU 7.2, TCG), where a Debian
# guest of 512 MiB answers its first command 26.5 s after power-on.
BOOT_S = 30.0
BUILD_S = 150.0
"""One image, downloads included."""
LOOP_S = 60.0
"""What counting boot loops adds when a guest crashes; the estimate takes it that a candidate does."""
SCENARIO_S: Mapping[Level, float] = {
    Level.MODULE: 10.0,
    Level.COMPONENT: 15.0,
    Level.FEATURE: 30.0,
    Level.PRODUCT: 90.0,
    Level.PRODUCTION: 180.0,
}
LEAST_MEMORY_MIB = 1
NO_LONG_RUNS: Mapping[str, float] = {}


def keys(cell: Cell) -> tuple[str, ...]:
    """What a history may call this cell, the most telling first."""
    return (
        f"{cell.image}/{cell.scenario}/{cell.arm}",
        f"{cell.image}/{cell.scenario}",
        cell.scenario,
    )


def cell_seconds(
    cell: Cell, *, factor: float, history: Mapping[str, float], long_s: Mapping[str, float] = NO_LONG_RUNS
) -> float:
    """How long the attempt will take: as long as before on these hosts, else by level and factor.

    :param long_s: what scenarios run for beside that, by name, in seconds of ours: the duration of a soak, or
        the most that a warped clock is given. Earlier runs may have been told another, and do not count.
    """
    if cell.scenario in long_s:
        return (BOOT_S + SCENARIO_S[cell.level]) * factor + long_s[cell.scenario]
    for key in keys(cell):
        if key in history:
            return history[key]
    loop_s = LOOP_S if cell.count_loops and cell.arm is Arm.CANDIDATE else 0.0
    return (BOOT_S + SCENARIO_S[cell.level] + loop_s) * factor


def bill(
    cells: Sequence[Cell],
    images: Mapping[str, ImageInfo],
    hosts: Sequence[HostFacts],
    history: Mapping[str, float],
    long_s: Mapping[str, float] = NO_LONG_RUNS,
) -> Bill:
    """The bill of the cells, run in this order, rings one after the other.

    :param long_s: see `cell_seconds`.
    """
    factor = min((host.factor for host in hosts), default=1.0)
    takes_mib = [memory_of(cell) for cell in cells]
    largest = (max(takes_mib, default=LEAST_MEMORY_MIB), max((cell.vcpus for cell in cells), default=1))
    slots = sum(host.slots_for(*largest) for host in hosts) or 1
    builds = tuple(dict.fromkeys(cell.image for cell in cells if not images[cell.image].built))
    seconds = _all_seconds(cells, factor, history, long_s)
    least = [(cell, took) for cell, took in zip(cells, seconds, strict=True) if not cell.spare]
    repeats = len(least) < len(cells)
    sure, sure_s = [cell for cell, _ in least], [took for _, took in least]
    return Bill(
        cells=len(cells),
        guest_seconds=sum(seconds),
        wall_seconds=_wall(cells, seconds, slots, _ready(builds, factor)),
        peak_memory_mib=sum(heapq.nlargest(slots, takes_mib)),
        vcpus=sum(heapq.nlargest(slots, (cell.vcpus for cell in cells))),
        slots=slots,
        builds=builds,
        most_slots=sum(host.most_slots for host in hosts),
        starts=sum(host.starts for host in hosts),
        least_cells=len(least) if repeats else 0,
        least_guest_seconds=sum(sure_s) if repeats else 0.0,
        least_wall_seconds=_wall(sure, sure_s, slots, _ready(builds, factor)) if repeats else 0.0,
    )


def _all_seconds(
    cells: Sequence[Cell], factor: float, history: Mapping[str, float], long_s: Mapping[str, float]
) -> list[float]:
    known: dict[tuple[str, str, str, Level, bool], float] = {}
    seconds = []
    for cell in cells:
        kind = (cell.image, cell.scenario, cell.arm, cell.level, cell.count_loops)
        if kind not in known:
            known[kind] = cell_seconds(cell, factor=factor, history=history, long_s=long_s)
        seconds.append(known[kind])
    return seconds


def _ready(builds: Sequence[str], factor: float) -> dict[str, float]:
    """When each image is built, one after the other."""
    return {name: BUILD_S * factor * number for number, name in enumerate(builds, start=1)}


def _wall(cells: Sequence[Cell], seconds: Sequence[float], slots: int, ready_s: Mapping[str, float]) -> float:
    """Each cell in order takes the slot that is free first, once its image is built."""
    free = [0.0] * slots
    ring, barrier, end = None, 0.0, 0.0
    for cell, duration in zip(cells, seconds, strict=True):
        if cell.ring != ring:
            ring, barrier = cell.ring, end
        start = max(heapq.heappop(free), ready_s.get(cell.image, 0.0), barrier)
        heapq.heappush(free, start + duration)
        end = max(end, start + duration)
    return end
