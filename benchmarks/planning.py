"""`lab plan` of 100,000 cells, and what planning costs in memory at 10, 100 and 1,000 cells.

Boots nothing. The time is the whole command's, as a user waits for it; the ratio is to 10 cells of the same,
taken in turns, so what any command costs shows.
"""

from __future__ import annotations

from collections.abc import Iterator

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
REPETITIONS = 10_000
"""The most that lab.yaml allows."""
WANTED = Wanted(limit=3, at_least=False)
FORMS = {"lab plan": ("plan",), "lab plan --json": ("plan", "--json")}


def run(settings: Settings) -> Iterator[Figure]:
    lab = Laboratory.make(settings, "planning")
    sizes = (*SIZES, QUICK_MANY if settings.quick else MANY)
    taken: dict[tuple[str, int], list[Ended]] = {(form, size): [] for form in FORMS for size in sizes}
    for _ in range(settings.times(5)):
        for (form, size), ended in taken.items():
            ended.append(_plan(lab, form, size))
    for (form, size), ended in taken.items():
        seconds = [one.seconds for one in ended]
        few = [one.seconds for one in taken[form, SIZES[0]]]
        yield Figure(
            name=f"{form}, {size:,} cells",
            subject=guests.TINY,
            unit="s",
            samples=tuple(seconds),
            ratio=ratio(f"{size:,} / {SIZES[0]} cells", seconds, few) if size != SIZES[0] else None,
            wanted=WANTED if size == MANY else None,
        )
    for (form, size), ended in taken.items():
        peaks = tuple(one.peak_mib for one in ended)
        yield Figure(
            name=f"peak memory of {form}, {size:,} cells", subject=guests.TINY, unit="MiB", samples=peaks
        )


def of_size(lab: Laboratory, cells: int, **more: object) -> None:
    """A lab.yaml of so many cells on `tiny`: two arms of one scenario, repeated, under several seeds.

    :raise ValueError: they cannot be had that way.
    """
    seeds = -(-cells // (2 * REPETITIONS))
    repetitions, rest = divmod(cells, 2 * seeds)
    if rest:
        raise ValueError(f"{cells} cells: not {2 * seeds} times a whole number")
    matrix = {"seeds": list(range(1, seeds + 1)), "repetitions": repetitions}
    profile = guests.profile_of(guests.TINY, Firmware.BIOS)
    lab.write(one_image(guests.TINY, profile, ["true"], matrix=matrix, **more))


def _plan(lab: Laboratory, form: str, cells: int) -> Ended:
    of_size(lab, cells)
    ended = to_end(lab.start(*FORMS[form]), MOST_S)
    if ended.code:
        raise InfraError(f"{form} of {cells} cells exited with {ended.code}: {lab.said()}")
    return ended
