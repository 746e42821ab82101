"""The attempts of a run, read back from disk and detected afresh: what `lab judge` judges.

Many are shared out to processes, since detecting is work for a processor. What a verdict and a report never
look at is not kept, so that a run of thousands of cells is judged in the memory of a few hundred.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from lab import codec, log
from lab.detect import detected
from lab.errors import ArtefactError
from lab.model import AttemptRecord, Cell, DetectSettings, MachineSample, Observation, SerialChunk
from lab.recording.look import fetcher, looker
from lab.recording.reader import Recorded, read

FEW = 100
"""Attempts that one process reads in less time than others need to start (8 ms each)."""
MOST_PROCESSES = 8
BUNDLE = 8

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
    except ArtefactError:
        return AttemptRecord(
            cell=cell, attempt=number, path=where, observations=(), findings=(), complete=False
        )
    raw = recorded.facts.get("detect")
    settings = codec.from_dict(DetectSettings, raw) if raw else DetectSettings()
    found = detected(recorded.observations, settings, look=looker(recording), fetch=fetcher(recording))
    quiet = recorded.complete and not found.findings
    return AttemptRecord(
        cell=cell,
        attempt=number,
        path=where,
        observations=_thinned(recorded.observations) if quiet else recorded.observations,
        findings=found.findings,
        complete=recorded.complete,
        facts=_facts(recorded),
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


def _facts(recorded: Recorded) -> Mapping[str, Any]:
    """attempt.json, and under `problems` what of the recording could not be read."""
    if not recorded.problems:
        return recorded.facts
    return {**recorded.facts, "problems": list(recorded.problems)}
