"""Runs canaries one after the other on one host and says of each whether it was found as it must be.

What was found live is compared with what the recording gives when it is judged: both are the same
detectors, and both must say the same. Recordings of canaries that failed are kept.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import lab
from lab.clock import Stopwatch, wall
from lab.errors import LabError
from lab.images.built import BuiltImage
from lab.model import AttemptRecord, Diagnosis, Finding
from lab.places import Places
from lab.running.order import HostChoice
from lab.running.rundir import RunDirectory
from lab.selftest import bench
from lab.selftest.canaries import Canary
from lab.selftest.results import CanaryResult, Proven, detectors_digest
from lab.waiting import WaitTimeout

Tell = Callable[[CanaryResult], None]


def run(canaries: Sequence[Canary], base: BuiltImage, host: HostChoice, places: Places, tell: Tell) -> Proven:
    """Run them and sum up; a canary that could not be run is a failed one, with the reason.

    :param base: the `tiny` image.
    :param tell: called with each result as it comes.
    """
    directory = recordings(places, host.name)
    results = []
    for canary in canaries:
        result = run_one(canary, base, host, places, directory)
        if not result.ok and result.overloaded:
            result = run_one(canary, base, host, places, directory)
        results.append(result)
        tell(result)
    return Proven(
        host=host.name,
        when=wall(),
        lab=lab.__version__,
        qemu=host.qemu,
        detectors=detectors_digest(),
        canaries=tuple(results),
    )


def recordings(places: Places, host: str) -> Path:
    """Where recordings of the host's canaries are made; only those of failed ones stay."""
    return places.state / "selftest" / "recordings" / host


def run_one(
    canary: Canary, base: BuiltImage, host: HostChoice, places: Places, directory: Path
) -> CanaryResult:
    """One canary from its boot to its judgement."""
    home = directory / "cells" / canary.name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    watch, recording = Stopwatch(), home / "a1"
    try:
        watched = bench.run(canary, base, host, places, recording)
        judged = RunDirectory(directory).attempt(
            bench.order(canary, base, host, places, recording).cell, recording
        )
    except (LabError, WaitTimeout) as error:
        return _result(canary, {}, None, f"could not be run: {error}", watch, recording)
    finding = bench.matching(canary, judged.findings)
    seen = {**later(finding, judged.findings, watched), **watched.seen}
    problem = judge(canary, watched, judged, seen)
    if not problem:
        shutil.rmtree(home)
    result = _result(canary, seen, finding, problem, watch, recording)
    if problem and overloaded(judged.findings):
        said = f"{problem}; the host was overloaded, so this says little: run it again on a quiet host"
        return replace(result, problem=said, overloaded=True)
    return result


def overloaded(findings: Sequence[Finding]) -> bool:
    """Whether a detector says that the host had no time for the guest."""
    return any(finding.diagnosis is Diagnosis.HOST_OVERLOADED for finding in findings)


def later(finding: Finding | None, findings: Sequence[Finding], watched: bench.Watched) -> dict[str, float]:
    """Channels that the judgement of the recording adds to the live ones, by when they saw it."""
    if finding is None:
        return {}
    told = bench.channels_of(finding, findings).items()
    return {channel: round(max(0.0, t_s - watched.trigger_s), 3) for channel, t_s in told}


def judge(canary: Canary, watched: bench.Watched, judged: AttemptRecord, seen: dict[str, float]) -> str:
    """What is wrong with what was found, or ""."""
    if watched.before and not canary.from_power_on:
        return f"found before anything was provoked: {_titles(watched.before)}"
    if not canary.kinds:
        found = tuple(dict.fromkeys((*watched.findings, *judged.findings)))
        return f"nothing may be found, found {_titles(found)}" if found else ""
    live, replayed = bench.matching(canary, watched.findings), bench.matching(canary, judged.findings)
    if live is None or replayed is None:
        where = "live" if live is None else "in the recording"
        others = watched.findings if live is None else judged.findings
        wanted = " or ".join(canary.kinds)
        return f"no finding of kind {wanted} {where}; found {_titles(others) or 'nothing'}"
    if canary.fatal and not replayed.fatal:
        return f"{replayed.title!r} is not called fatal"
    if canary.diagnosis and replayed.diagnosis != canary.diagnosis:
        return f"diagnosed as {replayed.diagnosis or 'nothing'} (wanted {canary.diagnosis})"
    if canary.stand_in is not None and canary.stand_in.kind is not None:
        code = canary.stand_in.code
        if replayed.code not in (None, code):
            return f"read stop code 0x{replayed.code:X} (wanted 0x{code:X})"
    missing = [channel for channel in canary.channels if channel not in seen]
    return f"not seen by {', '.join(missing)}" if missing else ""


def _titles(findings: Sequence[Finding]) -> str:
    return ", ".join(f"{finding.kind}: {finding.title}" for finding in findings[:4])


def _result(
    canary: Canary,
    seen: dict[str, float],
    finding: Finding | None,
    problem: str,
    watch: Stopwatch,
    recording: Path,
) -> CanaryResult:
    return CanaryResult(
        name=canary.name,
        standin=canary.standin,
        expected=canary.channels,
        seen=dict(sorted(seen.items(), key=lambda item: item[1])),
        from_power_on=canary.from_power_on,
        ok=not problem,
        problem=problem,
        kind=str(finding.kind) if finding is not None else "",
        title=finding.title if finding is not None else "",
        when=wall(),
        took_s=round(watch.t_s, 1),
        recording=str(recording) if problem else "",
    )
