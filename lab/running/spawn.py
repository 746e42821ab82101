"""The parent's side of one attempt: start its process, hold it to its deadline, clean up after it.

Runs on whichever machine the scheduler chose; what it returns is small and plain. Whether a
second attempt is due is decided here and only for the lab's own faults.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab import codec
from lab.detect import detect
from lab.errors import ArtefactError
from lab.machine.leases import LeaseBook
from lab.machine.leftovers import drop_roots, end
from lab.model import DetectSettings, Finding, MachineEvent, Observation, Step
from lab.recording.layout import Layout
from lab.recording.look import fetcher, looker
from lab.recording.reader import Recorded, read
from lab.running import boot_times, taking_over
from lab.running.child import Child, forget
from lab.running.falling_back import after_fault, sound
from lab.running.forkserver_client import spawner
from lab.running.order import CellOrder
from lab.verdict.trial import UNWOKEN, asleep

MOST_ATTEMPTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """What the live table and the retry rule need; verdicts are made from the recording."""

    cell: str
    attempt: int
    recording: str
    scenario: str
    """`completed`, `failed`, `stopped`, `error`, or "" when the process was killed."""
    title: str
    """Of the first fatal finding, else of the first finding, or ""."""
    fatal: bool
    lab_fault: str
    """Why this was the lab's fault, or ""."""
    seconds: float
    boot_s: float = 0.0
    """Of the first start, where the guest was started cold and answered; else 0."""
    private_mib: int = 0
    """What a clone and its process had for themselves at the end; 0 for other guests, or unknown."""


def execute(
    order: CellOrder,
    *,
    on_start: Callable[[int], None] | None = None,
    on_event: Callable[[str], None] = forget,
    again: Callable[[CellOrder], bool] = lambda _order: True,
) -> list[AttemptResult]:
    """Run a cell to its result: one attempt, and a second one only after a lab fault.

    :param again: waits for room for a second attempt; False when there is to be none.

    Of a resumed run: what is done is only read, what still goes on is followed, the rest begins anew.
    """
    results = []
    if before := taking_over.attempts(order):
        result = _taken_over(order, before[-1])
        if result is not None:
            return [result]
        order = taking_over.rest_of(order, before)
    last = order.attempt + MOST_ATTEMPTS - 1
    for number in range(order.attempt, last + 1):
        this = sound(order.again(order.recording.parent / f"a{number}", number, keep_hours=order.keep_hours))
        result = attempt(this, on_start=on_start, on_event=on_event)
        results.append(result)
        if not result.lab_fault or "cancelled" in result.lab_fault:
            break
        order = after_fault(this, number, result.lab_fault)
        if number == last or not again(order):
            break
    return results


def _taken_over(order: CellOrder, recording: Path) -> AttemptResult | None:
    """The result of an attempt that began in an earlier session of the run, or None when it has none."""
    this = order.again(recording, int(recording.name[1:]))
    taking_over.follow(this, recording)
    clean_up(this)  # whoever had the guest is gone by now
    if not taking_over.finished(recording):
        return None
    result = summarise(this, killed="", seconds=0.0)
    return None if result.lab_fault else result


def attempt(
    order: CellOrder,
    *,
    on_start: Callable[[int], None] | None = None,
    on_event: Callable[[str], None] = forget,
) -> AttemptResult:
    """Run one attempt in a process of its own, and make sure nothing of it is left.

    :param on_start: gets the process's pid.
    :param on_event: gets what the process tells (`lab.running.owner`), in this thread.
    """
    from lab.clock import Stopwatch

    watch, path = Stopwatch(), order.recording / "order.json"
    try:
        order.recording.mkdir(parents=True, exist_ok=True)
        codec.write(order, path)
    except OSError as error:
        return _unbegun(order, f"{error.filename or path}: {(error.strerror or str(error)).lower()}")
    killed = _run_process(order, path, on_start, on_event)
    clean_up(order)
    return summarise(order, killed=killed, seconds=watch.t_s)


def _run_process(
    order: CellOrder, path: Path, on_start: Callable[[int], None] | None, on_event: Callable[[str], None]
) -> str:
    """ "" when the process ended by itself, else why it had to be killed."""
    with (
        (order.recording / "pytest.log").open("wb") as out,
        spawner.start("cell", path, out.fileno(), on_event=on_event) as process,
    ):
        if on_start is not None:
            on_start(process.pid)
        if not process.ended(order.deadline_s):
            process.end()
            return f"the cell's process was ended at its deadline of {order.deadline_s:.0f} s"
    return _end_of(process, order.recording)


def _end_of(process: Child, recording: Path) -> str:
    """Why a process that ended was not at its end, or ""."""
    if process.code is None:
        closed = Layout(recording).closed.exists()
        return "" if closed else "the cell's process ended, and so did the fork server that saw how"
    if process.code < 0:
        return f"the cell's process died of {signal.Signals(-process.code).name}"
    if process.code > 0:
        return f"the cell's process exited with {process.code}; see {recording / 'pytest.log'}"
    return ""


def clean_up(order: CellOrder) -> None:
    """End whatever machine of this attempt is left, unless it is kept for a person."""
    book = LeaseBook(order.places)
    for lease in book.all():
        if lease.recording == str(order.recording) and not lease.keep_until:
            end(lease, book, "its attempt is over")
    for part in order.recording.glob("*.part"):
        part.unlink(missing_ok=True)  # a dump that was cut short
    drop_roots(order.places, book)


def summarise(order: CellOrder, *, killed: str, seconds: float) -> AttemptResult:
    """Read the recording back, also one that was cut short or never begun."""
    try:
        recorded = read(order.recording)
    except ArtefactError as error:
        return _unbegun(order, killed or str(error), seconds=seconds)
    findings = _detect(order.recording, recorded, order.detect)
    worst = next((finding for finding in findings if finding.fatal), None)
    if worst is not None and asleep(recorded.observations):
        killed, worst = killed or f"{UNWOKEN}: {worst.title}", None
    shown = worst or (findings[0] if findings else None)
    outcome = next(
        (
            step.outcome
            for step in _steps(recorded.observations)
            if step.name == "scenario" and step.phase == "end"
        ),
        "",
    )
    return AttemptResult(
        cell=order.cell.id,
        attempt=order.attempt,
        recording=str(order.recording),
        scenario=outcome,
        title=shown.title if shown else "",
        fatal=worst is not None,
        lab_fault="" if worst is not None else killed or lab_fault(recorded.observations) or _open(recorded),
        seconds=seconds,
        boot_s=0.0 if recorded.facts.get("clone") else boot_times.first_boot_s(recorded.observations),
        private_mib=_weight(recorded.observations) if recorded.facts.get("clone") else 0,
    )


def _unbegun(order: CellOrder, why: str, *, seconds: float = 0.0) -> AttemptResult:
    """An attempt without a recording."""
    return AttemptResult(
        cell=order.cell.id,
        attempt=order.attempt,
        recording=str(order.recording),
        scenario="",
        title="",
        fatal=False,
        lab_fault=why,
        seconds=seconds,
    )


def _open(recorded: Recorded) -> str:
    """A process that ended well and did not close its recording could not write everything down."""
    return "" if recorded.complete else "the recording was not closed; is the disk full?"


def _weight(observations: tuple[Observation, ...] | list[Observation]) -> int:
    """MiB that the machine and the cell's process had for themselves; 0 when the machine was gone."""
    for step in _steps(observations):
        if step.name == "memory" and step.detail.get("private_mib"):
            return sum(int(step.detail.get(part, 0)) for part in ("private_mib", "process_mib"))
    return 0


def _steps(observations: tuple[Observation, ...] | list[Observation]) -> list[Step]:
    return [item for item in observations if isinstance(item, Step)]


def lab_fault(observations: tuple[Observation, ...] | list[Observation]) -> str:
    """The lab's own fault as recorded, or ""."""
    for item in observations:
        if isinstance(item, Step) and item.name == "lab-fault":
            return str(item.detail.get("error", "lab fault"))
        if isinstance(item, MachineEvent) and item.name == "process-gone":
            return "QEMU ended by itself"
    return ""


def findings_of(recording: Path, settings: DetectSettings) -> tuple[Finding, ...]:
    """What the detectors say about a recording on disk."""
    return _detect(recording, read(recording), settings)


def _detect(recording: Path, recorded: Recorded, settings: DetectSettings) -> tuple[Finding, ...]:
    return detect(recorded.observations, settings, look=looker(recording), fetch=fetcher(recording))
