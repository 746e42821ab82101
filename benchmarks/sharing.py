"""Memory of N clones of one template against that of N guests that were booted, all idle.

Clones and cold guests are never there at the same time. Each guest has run one command and has then been
left alone for a while. The RAM file of a template is page cache that clones map: it is counted once, in
proportional memory, as far as any clone has touched it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import guests
from benchmarks.core.figures import Figure, Wanted, ratio
from benchmarks.core.settings import Settings
from benchmarks.processes import Memory, memory
from lab.templates import Template

GUESTS = 4
IDLE_S = 20.0
PRIVATE = Wanted(limit=40, at_least=False)


def run(settings: Settings) -> Iterator[Figure]:
    for subject in guests.subjects(settings, most=1):
        yield from _image(subject, settings)


def _image(subject: guests.Subject, settings: Settings) -> Iterator[Figure]:
    number, what = (2 if settings.quick else GUESTS), str(subject)
    room = Path(settings.root) / "sharing"
    idle_s = 2.0 if settings.quick else IDLE_S
    template = subject.template()
    clones: list[Memory] = []
    cold: list[Memory] = []
    both: list[tuple[float, float]] = []
    for _ in range(settings.times(3)):
        here, there = (_together(subject, room, number, idle_s, one) for one in (template, None))
        clones += here
        cold += there
        both.append((sum(one.pss for one in here), sum(one.pss for one in there)))
    yield from _each(what, subject.memory_mib, clones, cold)
    yield Figure(
        name=f"{number} clones together",
        subject=what,
        unit="MiB",
        samples=tuple(pss for pss, _ in both),
        ratio=ratio("cold / clones", [pss for _, pss in both], [pss for pss, _ in both]),
    )
    yield Figure(
        name=f"{number} cold guests together",
        subject=what,
        unit="MiB",
        samples=tuple(pss for _, pss in both),
    )


def _each(what: str, ram_mib: int, clones: list[Memory], cold: list[Memory]) -> Iterator[Figure]:
    private = tuple(one.private for one in clones)
    usual = tuple(one.private for one in cold)
    yield Figure(
        name="private memory of a clone",
        subject=what,
        unit="MiB",
        samples=private,
        ratio=ratio("cold / clone", usual, private),
    )
    yield Figure(name="private memory of a cold guest", subject=what, unit="MiB", samples=usual)
    share = tuple(mib / ram_mib * 100 for mib in private)
    yield Figure(name="that of a clone, of its RAM", subject=what, unit="%", samples=share, wanted=PRIVATE)
    shared = tuple(one.rss - one.private for one in clones)
    yield Figure(
        name="shared memory of all clones",
        subject=what,
        unit="MiB",
        samples=shared,
        note="template RAM and QEMU's own code, there once for all",
    )


def _together(
    subject: guests.Subject, room: Path, number: int, idle_s: float, template: Template | None
) -> list[Memory]:
    """So many guests at a time, then left alone; the memory of each."""
    with ExitStack() as stack:
        running = [
            stack.enter_context(guests.running(subject, room / str(one), template)) for one in range(number)
        ]
        time.sleep(idle_s)
        return [memory(one.pid) for one in running]
