"""From nothing to the first command: a clone of a template against a boot from power-off, image by image.

Both sides go through the lab's own machine and guest, without sensors; `cell` adds those. The template is
there before the clock starts: what making one costs is in its own row.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks import guests
from benchmarks.core.figures import Figure, Wanted, interleaved
from benchmarks.core.settings import Settings

FASTER = Wanted(limit=15, at_least=True, of_ratio=True)
"""Asked for the Debian guests; `tiny` boots in seconds, so there is less to gain."""


def run(settings: Settings) -> Iterator[Figure]:
    for subject in guests.subjects(settings):
        yield from _image(subject, settings)


def _image(subject: guests.Subject, settings: Settings) -> Iterator[Figure]:
    template, room = subject.template(), Path(settings.root) / "cloning"
    steps: list[guests.Steps] = []

    def clone() -> float:
        steps.append(guests.first_command(subject, room, template))
        return steps[-1].commanded

    def cold() -> float:
        return guests.first_command(subject, room).commanded

    taken = interleaved({"clone": clone, "cold": cold}, settings.times(5))
    what = str(subject)
    booted = Figure(name="cold boot to first command", subject=what, unit="s", samples=taken["cold"])
    wanted = FASTER if subject.name != guests.TINY else None
    yield booted
    yield Figure(
        name="clone to first command", subject=what, unit="s", samples=taken["clone"], wanted=wanted
    ).beside(booted, "cold / clone")
    for name, samples in (
        ("domain created, state loaded", [one.created for one in steps]),
        ("guest answers after that", [one.answered - one.created for one in steps]),
        ("first command after that", [one.commanded - one.answered for one in steps]),
    ):
        yield Figure(name=f"  {name}", subject=what, unit="s", samples=tuple(samples))
    making = f"boot {template.boot_s:.1f} s, settled {template.settled_s:.1f} s, once per key"
    yield Figure(name="template made", subject=what, unit="s", samples=(template.settled_s,), note=making)
