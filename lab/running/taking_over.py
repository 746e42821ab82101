"""A cell of a run that is being resumed: done already, still going on without us, or cut short.

What was finished is not run again. A soak goes on when its orchestrator is killed, and is followed to its
end. What was cut short begins anew as a further attempt, for the time that was left, and its recording says
how long nobody looked.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from lab.clock import Deadline
from lab.errors import ArtefactError
from lab.machine.leases import Lease, LeaseBook, owner_alive
from lab.model import Sample
from lab.recording.layout import Layout
from lab.recording.reader import Recorded, read
from lab.running.order import CellOrder, Resumed

AGAIN_S = 1.0


def attempts(order: CellOrder) -> list[Path]:
    """Recordings of the cell that began before, oldest first."""
    found = [path for path in order.recording.parent.glob("a*") if path.name[1:].isdigit()]
    return sorted((path for path in found if Layout(path).events.exists()), key=_number)


def finished(recording: Path) -> bool:
    """Whether its own process closed it."""
    return Layout(recording).closed.exists()


def follow(order: CellOrder, recording: Path) -> None:
    """Wait for a cell process that outlived its orchestrator, if there is one.

    It ends itself at its deadline, and is no longer waited for at its lease's.
    """
    lease = _lease(order, recording)
    if lease is None:
        return
    try:
        pidfd = os.pidfd_open(lease.owner_pid)
    except ProcessLookupError:
        return  # it has ended since
    try:
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        deadline = Deadline.after(_seconds_until(lease.deadline))
        while not poller.poll(AGAIN_S * 1000):
            if deadline.passed or not owner_alive(lease):
                break
    finally:
        os.close(pidfd)


def rest_of(order: CellOrder, before: list[Path]) -> CellOrder:
    """The attempt after those that were cut short: what is left to do, and what was missed."""
    number = _number(before[-1]) + 1
    sampled_s = sum(_sampled_s(recorded) for recorded in _readable(before))
    soak = order.soak
    if order.scenario.soak and not order.scenario.time_warp:
        soak = replace(soak, for_s=max(soak.interval_s, soak.for_s - sampled_s))
    resumed = Resumed(after=number - 1, gap_s=_gap_s(before[-1]), sampled_s=sampled_s)
    again = order.again(order.recording.parent / f"a{number}", number, keep_hours=order.keep_hours)
    return replace(again, soak=soak, resumed=resumed)


def _number(recording: Path) -> int:
    return int(recording.name[1:])


def _lease(order: CellOrder, recording: Path) -> Lease | None:
    own = (lease for lease in LeaseBook(order.places).all() if lease.recording == str(recording))
    return next((lease for lease in own if owner_alive(lease)), None)


def _readable(recordings: list[Path]) -> Iterator[Recorded]:
    for path in recordings:
        try:
            yield read(path)
        except ArtefactError:
            continue


def _sampled_s(recorded: Recorded) -> float:
    """How long a soak had been looked at."""
    times = [item.t_s for item in recorded.observations if isinstance(item, Sample)]
    return times[-1] - times[0] if times else 0.0


def _gap_s(recording: Path) -> float:
    """From the last observation of a recording to now: the file was last written with it."""
    then = Layout(recording).events.stat().st_mtime
    return max(0.0, datetime.now(tz=UTC).timestamp() - then)


def _seconds_until(wall: str) -> float:
    return (datetime.fromisoformat(wall) - datetime.now(tz=UTC)).total_seconds()
