"""Host CPU of an idle guest: watched by the lab against the same guest under QEMU alone.

Both are clones of one template, idle for the same time, in turns. Watched are two processes: the guest's
QEMU, which also draws the screen and answers heartbeats, and the cell's own. The cell's memory is here too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import guests
from benchmarks.bare import bare
from benchmarks.core.figures import Figure, ratio
from benchmarks.core.settings import Settings
from benchmarks.laboratory import Laboratory, end, one_image
from benchmarks.processes import cores, memory
from lab.clock import Stopwatch
from lab.errors import InfraError
from lab.machine.leases import Lease, LeaseBook, qemu_process

WINDOW_S, QUICK_WINDOW_S = 30.0, 5.0
SETTLE_S = 5.0


def run(settings: Settings) -> Iterator[Figure]:
    for subject in guests.subjects(settings, most=1):
        yield from _image(subject, settings)


def _image(subject: guests.Subject, settings: Settings) -> Iterator[Figure]:
    window = QUICK_WINDOW_S if settings.quick else WINDOW_S
    lab, what = Laboratory.make(settings, "watching"), str(subject)
    lab.write(one_image(subject.name, subject.order.profile, ["true", "idle"]))
    script = bare(subject, Path(settings.root) / "b", subject.template())
    alone: list[float] = []
    watched: list[tuple[float, float]] = []
    private: list[float] = []
    for _ in range(settings.times(3)):
        with script.held() as said:
            time.sleep(SETTLE_S)
            alone += cores([said["pid"]], window)
        qemu, process, mib = _watched(lab, window)
        watched.append((qemu, process))
        private.append(mib)
    yield Figure(name="unwatched: QEMU", subject=what, unit="% of a core", samples=tuple(alone))
    total = [qemu + process for qemu, process in watched]
    yield Figure(
        name="watched: QEMU and the lab",
        subject=what,
        unit="% of a core",
        samples=tuple(total),
        ratio=ratio("watched / unwatched", total, alone),
    )
    for name, number in (("QEMU", 0), ("the lab", 1)):
        samples = tuple(pair[number] for pair in watched)
        yield Figure(name=f"  watched: {name}", subject=what, unit="% of a core", samples=samples)
    yield Figure(name="memory of a cell's process", subject=what, unit="MiB", samples=tuple(private))


def _watched(lab: Laboratory, window: float) -> tuple[float, float, float]:
    """Percent of a core of a clone's QEMU and of its cell's process, and private MiB of the latter.

    The cells that run `true` are there because the first of each arm boots from power-off.
    """
    process = lab.start("run", "-k", "*true* or *idle*candidate")
    try:
        lease = _idle(lab, most_s=240)
        qemu = qemu_process(lease)
        if qemu is None:
            raise InfraError(f"machine {lease.machine} has no QEMU")
        time.sleep(SETTLE_S)
        mine, its = cores([qemu.pid, lease.owner_pid], window)
        return mine, its, memory(lease.owner_pid).private
    finally:
        end(process)


def _idle(lab: Laboratory, most_s: float) -> Lease:
    """The machine of the cell that has run its command and idles.

    :raise InfraError: none came to that.
    """
    watch = Stopwatch()
    while watch.t_s < most_s:
        for lease in LeaseBook(lab.places).all():
            events = Path(lease.recording) / "events.jsonl"
            if "idle" in lease.cell and events.exists() and '"true"' in events.read_text(errors="replace"):
                return lease
        time.sleep(0.1)
    raise InfraError(f"no cell idled in {most_s:.0f} s: {lab.said()}")
