"""fio: command lines for it, and its `json+` report (fio(1), `--output-format`).

json+ has every latency as a histogram, so that rounds can be added up exactly.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from lab.workloads.latency import Latency
from lab.workloads.means import Measured
from lab.workloads.rounds import Round

KINDS = ("read", "write", "trim")


def command(job: str) -> str:
    """The command line for one round; files stay from round to round, so only the first lays them out.

    Errors of the disk are counted and gone on from: a disk fault must not end the load.
    """
    return (
        f'fio --name=load --directory="$dir" {job} --ioengine=psync --thread --group_reporting '
        '--time_based --runtime="$seconds" --continue_on_error=all --eta=never --unlink=0 '
        '--output-format=json+ --output="$out/report"'
    )


def read(one: Round) -> Measured:
    """A round: reads and writes of all threads, timed from submission to completion."""
    return _read(one, KINDS)


def read_synced(one: Round) -> Measured:
    """A round of writes that each wait for their fsync: operations and latencies are the fsyncs."""
    return _read(one, ("sync",))


def _read(one: Round, kinds: tuple[str, ...]) -> Measured:
    jobs = _jobs(one.report)
    bins: Counter[int] = Counter()
    ops = errors = worst = 0
    seconds = 0.0
    for job in jobs:
        seconds = max(seconds, float(job.get("job_runtime", 0)) / 1000 / max(1, _threads(job)))
        errors += int(job.get("total_err", 0)) or (1 if job.get("error") else 0)
        for kind in kinds:
            part = job.get(kind, {})
            times = part.get("lat_ns" if kind == "sync" else "clat_ns", {})
            ops += int(part.get("total_ios", 0))
            worst = max(worst, int(times.get("max", 0)))
            bins.update({int(edge): int(count) for edge, count in times.get("bins", {}).items()})
    last = (one.text.splitlines() or ["it said nothing"])[-1]
    return Measured(
        seconds=seconds or one.seconds,
        ops=ops,
        errors=errors,
        latency=Latency(bins=dict(bins), worst_ns=worst),
        trouble="" if jobs else f"fio left no report (exit code {one.exit_code}): {last}",
        said=_first_error(jobs),
    )


def _threads(job: Mapping[str, Any]) -> int:
    """With group_reporting `job_runtime` is the sum over the group's threads."""
    return int(job.get("job options", {}).get("numjobs", 1))


def _first_error(jobs: list[dict[str, Any]]) -> tuple[str, ...]:
    numbers = {int(job.get("first_error", 0)) for job in jobs if int(job.get("total_err", 0))}
    return tuple(f"errno {number}" for number in sorted(numbers))


def _jobs(report: str) -> list[dict[str, Any]]:
    """The `jobs` of the report; empty when there is none. Warnings may come before the JSON."""
    start = report.find("{")
    if start < 0:
        return []
    try:
        loaded, _end = json.JSONDecoder().raw_decode(report, start)
    except json.JSONDecodeError:
        return []
    return [job for job in loaded.get("jobs", ()) if isinstance(job, dict)]
