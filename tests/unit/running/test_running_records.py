"""Attempts read back for judging: in order, by one process or many, and without what nobody looks at."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Self

import pytest
from running_factories import cell, ended, panicked, record, started

from lab.model import AttemptRecord, Frame, MachineSample, SerialChunk, Step
from lab.running import records as reading
from lab.running.records import records

CHUNK = SerialChunk(t_s=1.0, start=0, data=b"Linux version 6.1\n")
SAMPLE = MachineSample(t_s=2.0, state="running")
FRAME = Frame(t_s=3.0, path="frames/1.png", sha256="x", width=8, height=8)


def attempt(tmp_path: Path, *observations: Any, closed: bool = True) -> AttemptRecord:
    place = record(tmp_path / "cells/c/a1", *observations, closed=closed)
    (place / "serial.log").write_bytes(CHUNK.data)
    (made,) = records([(tmp_path, cell(), place)])
    return made


def kinds(made: AttemptRecord) -> list[type]:
    return [type(item) for item in made.observations]


def test_of_an_attempt_without_findings_only_what_is_judged_is_kept(tmp_path: Path) -> None:
    made = attempt(tmp_path, started(), CHUNK, SAMPLE, FRAME, ended("completed"))
    assert made.findings == ()
    assert not {SerialChunk, MachineSample} & set(kinds(made))
    assert {Frame, Step} < set(kinds(made))


def test_the_last_observation_stays_whatever_it_is(tmp_path: Path) -> None:
    """It says how long the attempt took."""
    late = MachineSample(t_s=77.0, state="running")
    made = attempt(tmp_path, started(), CHUNK, SAMPLE, ended("completed"), late)
    assert made.observations[-1] == late
    assert kinds(made).count(MachineSample) == 1


@pytest.mark.parametrize("closed", [True, False])
def test_of_an_attempt_with_a_finding_everything_is_kept(tmp_path: Path, closed: bool) -> None:
    made = attempt(tmp_path, started(), CHUNK, SAMPLE, panicked(), ended("stopped"), closed=closed)
    assert made.findings
    assert {SerialChunk, MachineSample} < set(kinds(made))


def test_of_an_attempt_that_was_cut_short_everything_is_kept(tmp_path: Path) -> None:
    made = attempt(tmp_path, started(), CHUNK, SAMPLE, closed=False)
    assert {SerialChunk, MachineSample} < set(kinds(made))


class Pool:
    """Stands for the pool of processes."""

    def __init__(self, broken: bool) -> None:
        self._broken = broken

    def __call__(self, _processes: int, **_context: object) -> Pool:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def map(self, function: Any, jobs: Any, *, chunksize: int) -> Any:
        assert chunksize > 0
        if self._broken:
            raise BrokenProcessPool("a process was killed")
        return map(function, jobs)


@pytest.mark.parametrize("broken", [False, True])
def test_many_are_read_by_processes_and_by_this_one_when_those_die(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    monkeypatch.setattr(reading, "ProcessPoolExecutor", Pool(broken))
    monkeypatch.setattr(reading, "FEW", 2)
    jobs = []
    for number in range(5):
        place = record(tmp_path / f"cells/c{number}/a1", started(), ended("completed"))
        jobs.append((tmp_path, cell(seed=number), place))
    assert [made.cell.seed for made in records(jobs)] == [0, 1, 2, 3, 4]
