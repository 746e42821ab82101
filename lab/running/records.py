"""The attempts of a run, read back from disk and detected afresh: what `lab judge` judges.

Many are shared out to processes, since detecting is work for a processor. What a verdict and a report never
look at is not kept, so that a run of thousands of cells is judged in the memory of a few hundred.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lab import codec, log
from lab.detect import detected
from lab.errors import ArtefactError
from lab.model import AttemptRecord, Capture, Cell, DetectSettings, MachineSample, Observation, SerialChunk
from lab.recording.layout import Layout
from lab.recording.look import fetcher, looker
from lab.recording.reader import Recorded, read

FEW = 100
"""Attempts that one process reads in less time than others need to start (8 ms each)."""
MOST_PROCESSES = 8
BUNDLE = 8
READ = frozenset({"guest-dump", "kernel-log", "event-log"})
"""Captures that are searched for crashes."""


def _named(value: object) -> bool:
    return isinstance(value, Mapping) and {"name", "sha256"} <= value.keys()


SHAPES: Mapping[str, Callable[[Any], bool]] = {
    "image": lambda value: isinstance(value, Mapping),
    "host": lambda value: isinstance(value, Mapping) and isinstance(value.get("factor", 1.0), int | float),
    "artefacts": lambda value: isinstance(value, list) and all(map(_named, value)),
    "clone": lambda value: isinstance(value, bool),
    "cold": lambda value: isinstance(value, str),
}
"""What attempt.json is read for, and what that must be; it may say more."""

Job = tuple[Path, Cell, Path]
"""Directory of the run, cell, directory of the recording."""


def records(jobs: Sequence[Job]) -> list[AttemptRecord]:
    """Every attempt, in order."""
    processes = min(MOST_PROCESSES, len(os.sched_getaffinity(0)))
    if len(jobs) <= FEW or processes == 1:
        return [record(*job) for job in jobs]
    try:
        # `spawn`, because a process that has threads must not fork
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            return list(pool.map(_record, jobs, chunksize=BUNDLE))
    except BrokenProcessPool as error:
        log.get("running").warning("attempts are read by one process", reason=str(error))
        return [record(*job) for job in jobs]


def _record(job: Job) -> AttemptRecord:
    return record(*job)


def record(run: Path, cell: Cell, recording: Path) -> AttemptRecord:
    """One attempt; a recording that cannot be read at all is an incomplete one."""
    where = str(recording.relative_to(run))
    number = int(recording.name[1:])
    try:
        recorded = read(recording)
    except ArtefactError as error:
        # whoever closed it had events in it: they were lost afterwards
        closed = Layout(recording).closed.exists()
        lost = {"problems": [str(error)]} if closed else {}
        return AttemptRecord(
            cell=cell, attempt=number, path=where, observations=(), findings=(), complete=closed, facts=lost
        )
    facts, unread = _sound(recorded.facts)
    settings, unset = _settings(facts)
    look = looker(recording)
    found = detected(recorded.observations, settings, look=look, fetch=fetcher(recording))
    problems = (*recorded.problems, *unread, *unset, *look.problems, *_lost_captures(recorded, recording))
    quiet = recorded.complete and not found.findings
    return AttemptRecord(
        cell=cell,
        attempt=number,
        path=where,
        observations=_thinned(recorded.observations) if quiet else recorded.observations,
        findings=found.findings,
        complete=recorded.complete,
        facts={**facts, "problems": list(problems)} if problems else facts,
        boots=found.boots.count,
        unexpected_resets=len(found.boots.unexpected),
        suppressed=found.suppressed,
    )


def _thinned(observations: tuple[Observation, ...]) -> tuple[Observation, ...]:
    """Without what is shown beside a finding only; the last one stays, for it says how long it took."""
    return tuple(
        item
        for number, item in enumerate(observations, start=1)
        if number == len(observations) or not isinstance(item, SerialChunk | MachineSample)
    )


def _sound(facts: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """attempt.json without what is not of its shape, and what that was."""
    wrong = [key for key, fits in SHAPES.items() if key in facts and not fits(facts[key])]
    if not wrong:
        return facts, []
    kept = {key: value for key, value in facts.items() if key not in wrong}
    return kept, [f"attempt.json: {', '.join(wrong)} cannot be read"]


def _settings(facts: Mapping[str, Any]) -> tuple[DetectSettings, list[str]]:
    """What the attempt was watched by, and what of it cannot be read."""
    raw = facts.get("detect")
    if not raw:
        return DetectSettings(), []
    try:
        return codec.from_dict(DetectSettings, raw), []
    except ValidationError as error:
        return DetectSettings(), [f"attempt.json: detect: {str(error).splitlines()[0]}"]


def _lost_captures(recorded: Recorded, recording: Path) -> list[str]:
    """Evidence that was taken off the guest, in which a crash may be told that nothing else shows, and that
    is not there any more. Memory dumps are not among it: they are large, and people delete them."""
    problems = []
    for item in recorded.observations:
        if not isinstance(item, Capture) or not (item.ok and item.path and item.what in READ):
            continue
        try:
            left = (recording / item.path).stat().st_size
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or str(error)
            problems.append(f"{item.path}: {said.lower()}")
            continue
        if left != item.bytes:
            problems.append(f"{item.path}: {left} bytes are left of {item.bytes} that were taken")
    return problems
