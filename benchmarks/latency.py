"""Seconds from the trigger of a crash to the recorded finding, per channel, on real guests.

Boots the `tiny` image once per repetition and crash: a panic that event and serial console see, an oops only
the serial console sees, a panic only the screen shows. The trigger is the moment its command is sent to the
guest agent, so the time in which the guest gets to it is in the figures.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks import guests
from benchmarks.core.figures import Figure, Wanted
from benchmarks.core.settings import Settings
from lab.selftest import bench
from lab.selftest.canaries import CANARIES

WANTED = (
    ("panic", "event", 0.3),
    ("oops", "serial", 1.0),
    ("panic-only-on-screen", "screen", 3.0),
    ("panic-on-screen", "screen", 3.0),
)
"""Canary, channel, and the latency in seconds that is wanted."""


def run(settings: Settings) -> Iterator[Figure]:
    order = guests.named(settings, (guests.TINY,))[0].order
    seen: dict[tuple[str, str], list[float]] = defaultdict(list)
    missed: dict[tuple[str, str], int] = defaultdict(int)
    by_name = {canary.name: canary for canary in CANARIES}
    times = settings.times(5)
    for _ in range(times):
        for name, channel, _wanted in WANTED[: 1 if settings.quick else None]:
            directory = Path(tempfile.mkdtemp(prefix="latency-", dir=settings.root))
            watched = bench.run(by_name[name], order.image, order.host, order.places, directory / "a1")
            shutil.rmtree(directory)
            if channel not in watched.seen:
                missed[name, channel] += 1
            for other, seconds in watched.seen.items():
                seen[name, other].append(seconds)
    wanted = {(name, channel): Wanted(limit=limit, at_least=False) for name, channel, limit in WANTED}
    for (name, channel), values in sorted(seen.items()):
        yield Figure(
            name=f"{name}, seen by {channel}",
            subject=guests.TINY,
            unit="s",
            samples=tuple(values),
            wanted=wanted.get((name, channel)),
            note=f"slowest {max(values):.2f} s",
        )
    yield Figure(
        name="not seen by the channel that should",
        subject=f"{guests.TINY}, {times} of each",
        unit="",
        samples=(float(sum(missed.values())),),
        wanted=Wanted(limit=0, at_least=False),
        note=", ".join(f"{name} by {channel}" for name, channel in missed),
    )
