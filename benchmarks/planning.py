"""`lab plan` of 100,000 cells, and what planning costs in memory at 10, 100 and 1,000 cells.

Boots nothing. The time is the whole command's, as a user waits for it; the ratio is to 10 cells of the same,
taken in turns, so what any command costs shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks import guests
from benchmarks.core.figures import Figure, Wanted, ratio
from benchmarks.core.settings import Settings
from benchmarks.laboratory import Laboratory, one_image
from benchmarks.processes import Ended, to_end
from lab.errors import InfraError
from lab.model import Firmware

MANY, QUICK_MANY = 100_000, 2_000
SIZES = (10, 100, 1_000)
MOST_S = 600.0
WANTED = Wanted(limit=3, at_least=False)
SEEDED = ("true", "idle")


def run(settings: Settings) -> Iterator[Figure]:
    lab = Laboratory.make(settings, "planning")
    many = QUICK_MANY if settings.quick else MANY
    sizes = (*SIZES, many)
    taken: dict[int, list[Ended]] = {size: [] for size in sizes}
    for _ in range(settings.times(5)):
        for size in sizes:
            taken[size].append(_plan(lab, size))
    few = taken[SIZES[0]]
    for size in sizes:
        yield Figure(
            name=f"lab plan --json, {size:,} cells",
            subject=guests.TINY,
            unit="s",
            samples=tuple(one.seconds for one in taken[size]),
            ratio=ratio(
                f"{size:,} / {SIZES[0]} cells",
                [one.seconds for one in taken[size]],
                [one.seconds for one in few],
            )
            if size != SIZES[0]
            else None,
            wanted=WANTED if size == MANY else None,
        )
    for size in sizes:
        yield Figure(
            name=f"peak memory of lab plan, {size:,} cells",
            subject=guests.TINY,
            unit="MiB",
            samples=tuple(one.peak_mib for one in taken[size]),
        )


def of_size(lab: Laboratory, cells: int, **more: object) -> None:
    """A lab.yaml of so many cells on `tiny`: two arms, two scenarios, many seeds."""
    per_seed = 2 * len(SEEDED)
    whole, rest = divmod(cells, per_seed)
    seeds = list(range(1, whole + 1 + bool(rest)))
    matrix: dict[str, object] = {"seeds": seeds}
    if rest:
        matrix["exclude"] = [{"select": f"*idle*_s{seeds[-1]}", "reason": "the number of cells is given"}]
    profile = guests.profile_of(guests.TINY, Firmware.BIOS)
    lab.write(one_image(guests.TINY, profile, list(SEEDED), matrix=matrix, **more))


def _plan(lab: Laboratory, cells: int) -> Ended:
    of_size(lab, cells)
    output = Path(lab.root) / "output.log"
    ended = to_end(lab.start("plan", "--json", output=output), MOST_S)
    if ended.code:
        raise InfraError(f"lab plan of {cells} cells exited with {ended.code}: {lab.said()}")
    return ended
