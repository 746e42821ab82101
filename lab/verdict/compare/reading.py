"""From attempts and verdicts to pairs of results: which numbers of a run the arms are compared by.

Boot time is that of reboots after the agent's own operation: before it both arms run the same. Refuses to
take figures from a run that did not pass: one that broke off measures something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import median

from lab.model import (
    Arm,
    AttemptRecord,
    Cell,
    CellVerdict,
    Figure,
    Heartbeat,
    LoadMark,
    Observation,
    Outcome,
    Sample,
    Step,
)
from lab.verdict.compare.meanings import Meaning, meaning_of, memory_limit, rate_name
from lab.verdict.compare.results import Growing, Measured, PairResult, PlaceResults, RunResult
from lab.verdict.compare.series import Series

FEWEST_SAMPLES = 15
"""Samples of a run below which its growth is not looked at: it was no long run."""
OPERATIONS = ("install", "update", "rollback", "uninstall")
FAILURES = (Outcome.FAILED, Outcome.FLAKY, Outcome.KNOWN_ISSUE)
FEWEST_BEATS = 5
"""Heartbeats of a channel after the update, below which their median says nothing."""

Key = tuple[str, str, str, str]
"""Image, profile, scenario, and the candidate's version where there are several."""


def results(verdicts: Sequence[CellVerdict], attempts: Sequence[AttemptRecord]) -> tuple[PlaceResults, ...]:
    """Every place of a run with its pairs, in the order of repetitions and seeds.

    Twins that ran on different hosts are no pair of numbers: that would compare the hosts. Their figures are
    lost, and said to be; whether they failed still counts.
    """
    every: dict[str, list[AttemptRecord]] = {}
    for record in sorted(attempts, key=lambda record: record.attempt):
        every.setdefault(record.cell.id, []).append(record)
    last = {cell: records[-1] for cell, records in every.items()}
    judged = [verdict for verdict in verdicts if verdict.cell.id in last]
    baselines: dict[object, CellVerdict] = {}
    for verdict in judged:
        if verdict.cell.arm is Arm.BASELINE:
            baselines.setdefault(verdict.cell.twin_key, verdict)
    candidates = [verdict for verdict in judged if verdict.cell.arm is Arm.CANDIDATE]
    several = len({verdict.cell.version for verdict in candidates}) > 1
    known: dict[str, RunResult] = {}

    def result(verdict: CellVerdict) -> RunResult:
        if verdict.cell.id not in known:
            *before, own = every[verdict.cell.id]
            known[verdict.cell.id] = read_run(own, verdict.outcome, before=before)
        return known[verdict.cell.id]

    found: dict[Key, list[PairResult]] = {}
    for verdict in sorted(candidates, key=lambda one: (one.cell.repetition, one.cell.seed)):
        twin = baselines.get(verdict.cell.twin_key)
        if twin is None:
            continue
        cell = verdict.cell
        own = result(verdict)
        if _host(last[cell.id]) != _host(last[twin.cell.id]):
            own = replace(own, figures={}, growing={})
        pair = PairResult(seed=cell.seed, repetition=cell.repetition, baseline=result(twin), candidate=own)
        found.setdefault(_key(cell, several=several), []).append(pair)
    return tuple(
        PlaceResults(image=image, profile=profile, scenario=scenario, version=version, pairs=tuple(pairs))
        for (image, profile, scenario, version), pairs in sorted(found.items())
    )


def _host(record: AttemptRecord) -> str:
    host = record.facts.get("host")
    return str(host.get("uri") or "") if isinstance(host, Mapping) else ""


def _key(cell: Cell, *, several: bool) -> Key:
    return cell.image, cell.profile, cell.scenario, str(cell.version) if several else ""


def read_run(record: AttemptRecord, outcome: Outcome, before: Sequence[AttemptRecord] = ()) -> RunResult:
    """What one run gave; its figures only if it passed.

    :param before: earlier attempts. Where the last one goes on with a soak that was cut short, what they
        sampled is part of it, each on a guest of its own.
    """
    if outcome in FAILURES:
        return RunResult(failed=True)
    if outcome is not Outcome.PASSED:
        return RunResult(failed=None)
    seen = record.observations
    sampled = lives([*before, record])
    figures = {**_sampled(sampled), **_answers(seen), **_loads(seen), **_steps(seen), **_told(seen)}
    return RunResult(failed=False, figures=figures, growing=_growing(sampled))


Lives = Sequence[Sequence[Sample]]
"""Samples in order of time, those between two starts of a guest together."""


def lives(attempts: Sequence[AttemptRecord]) -> Lives:
    """Samples of a cell's run: of its last attempt, and of those that it goes on with. A guest that was
    started again is at the beginning of everything that grows."""
    last = attempts[-1]
    resumed = any(isinstance(item, Step) and item.name == "resumed" for item in last.observations)
    found: list[list[Sample]] = []
    for record in attempts if resumed else [last]:
        found.append([])
        for item in record.observations:
            if isinstance(item, Sample):
                if found[-1] and item.guest_s < found[-1][-1].guest_s:
                    found.append([])
                found[-1].append(item)
    return found


def _steps(seen: Iterable[Observation]) -> dict[str, Measured]:
    """`update_s` and its like, and `boot_s` of the reboots after them."""
    began: dict[str, float] = {}
    spent: dict[str, list[float]] = {}
    operated = False
    for item in seen:
        if not isinstance(item, Step):
            continue
        if item.name in OPERATIONS and item.phase == "start":
            began[item.name] = item.t_s
        elif item.name in OPERATIONS and item.phase == "end":
            operated = True
            start_s = began.pop(item.name, None)
            if start_s is not None and not item.detail.get("warm"):
                spent.setdefault(f"{item.name}_s", []).append(item.t_s - start_s)
        elif item.name == "reboot" and item.phase == "end" and operated and "boot_s" in item.detail:
            spent.setdefault("boot_s", []).append(float(item.detail["boot_s"]))
    return {name: Measured(value=median(values), unit="s") for name, values in spent.items()}


def _told(seen: Iterable[Observation]) -> dict[str, Measured]:
    """What the scenario measured itself."""
    values: dict[str, list[Figure]] = {}
    for item in seen:
        if isinstance(item, Figure):
            values.setdefault(item.name, []).append(item)
    return {
        name: Measured(
            value=median(one.value for one in told),
            unit=told[0].unit,
            better=told[0].better if told[0].better in ("lower", "higher") else "lower",
        )
        for name, told in values.items()
    }


def _loads(seen: Iterable[Observation]) -> dict[str, Measured]:
    """Throughput and latencies of every workload, over its runs; one that did nothing has neither."""
    ended: dict[str, list[LoadMark]] = {}
    for item in seen:
        if isinstance(item, LoadMark) and item.phase == "end" and item.ops_per_s > 0:
            ended.setdefault(item.workload, []).append(item)
    found: dict[str, Measured] = {}
    for name, marks in ended.items():
        rate = median(mark.ops_per_s for mark in marks)
        found[f"{name}.ops_per_s"] = Measured(value=rate, unit="ops/s", better="higher")
        for at in ("p50", "p99"):
            told = [mark.latency_ms[at] for mark in marks if at in mark.latency_ms]
            if told:
                found[f"{name}.{at}_ms"] = Measured(value=median(told), unit="ms")
    return found


def _answers(seen: Sequence[Observation]) -> dict[str, Measured]:
    """How long the guest takes to answer on each channel once the agent is in place: `ssh.answer_ms`."""
    since_s = next(
        (
            item.t_s
            for item in reversed(seen)
            if isinstance(item, Step) and item.name in OPERATIONS and item.phase == "end"
        ),
        None,
    )
    if since_s is None:
        return {}
    waits: dict[str, list[float]] = {}
    for item in seen:
        if isinstance(item, Heartbeat) and item.ok and item.latency_s > 0 and item.t_s >= since_s:
            waits.setdefault(item.channel, []).append(item.latency_s * 1000)
    return {
        f"{channel}.answer_ms": Measured(value=median(told), unit="ms")
        for channel, told in waits.items()
        if len(told) >= FEWEST_BEATS
    }


def _sampled(sampled: Lives) -> dict[str, Measured]:
    """Medians of amounts and rates of counters."""
    found: dict[str, Measured] = {}
    for name in _told_names(sampled):
        meaning = meaning_of(name)
        series = _series(name, sampled)
        if meaning.amount or meaning.share:
            found[name] = Measured(value=median(series.values), unit=meaning.unit, better=meaning.better)
        elif meaning.counter:
            rate = _rate(series, meaning)
            if rate is not None:
                unit = f"{meaning.unit}/{'s' if meaning.per_s else 'h'}"
                found[rate_name(name, meaning)] = Measured(value=rate, unit=unit, better=meaning.better)
    return found


def _growing(sampled: Lives) -> dict[str, Growing]:
    series = {name: _series(name, sampled) for name in _told_names(sampled) if meaning_of(name).amount}
    spare = _series("memory_available_kib", sampled).values
    return {
        name: Growing(
            series=one,
            unit=meaning_of(name).unit,
            better=meaning_of(name).better,
            limit=memory_limit(name, one.values, spare),
        )
        for name, one in series.items()
        if len(one.hours) >= FEWEST_SAMPLES
    }


def _told_names(sampled: Lives) -> list[str]:
    return sorted({name for life in sampled for sample in life for name in sample.values})


def _series(name: str, sampled: Lives) -> Series:
    """One value over the guest's own hours, of the longest life that told it."""
    told = [[sample for sample in life if name in sample.values] for life in sampled]
    longest = max(told, key=len, default=[])
    return Series([one.guest_s / 3600 for one in longest], [one.values[name] for one in longest])


def _rate(series: Series, meaning: Meaning) -> float | None:
    """Per hour or second, from the first sample to the last; None over no time, or when it was reset."""
    if len(series.hours) < 2:
        return None
    hours = series.hours[-1] - series.hours[0]
    gained = series.values[-1] - series.values[0]
    if hours <= 0 or gained < 0:
        return None
    return gained / (hours * 3600 if meaning.per_s else hours)


def figure_names(places: Iterable[PlaceResults]) -> Mapping[str, int]:
    """Every figure and slope that runs gave, and in how many places."""
    counted: dict[str, int] = {}
    for place in places:
        names = {
            name
            for pair in place.pairs
            for run in (pair.baseline, pair.candidate)
            for name in (*run.figures, *run.growing)
        }
        for name in names:
            counted[name] = counted.get(name, 0) + 1
    return counted
