"""One load in one guest, from its start to its figures. Records what it sees; refuses to judge the guest.

It is watched by what it does: rounds that end, operations counted, CPU time used. A load that is asked for
and does not really run is an error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lab.clock import Stopwatch
from lab.model import Figure, LoadMark, Observation
from lab.waiting import WaitTimeout, wait_for
from lab.workloads.inguest import Driver
from lab.workloads.latency import together
from lab.workloads.means import Means, Measured, Task
from lab.workloads.outcomes import (
    LoadFailed,
    LoadResult,
    Progress,
    WorkloadDidNotRun,
    WorkloadUnusable,
)
from lab.workloads.rounds import Look, Round

LOOK_AGAIN_S = 1.0
FEWEST_FOR_P99 = 50
"""Operations below which the 99th percentile is hardly more than the longest; then it is no figure."""
LEAST_SHARE = 0.5
"""Of the time that its rounds were to last, for which a load must have been at work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """What was asked for, and what it means on this guest."""

    id: str
    workload: str
    means: Means
    task: Task
    intensity: float
    available_mib: int
    """Memory that the guest had to spare before."""
    for_s: int
    """Seconds in the guest, scaled to the host."""
    round_s: int
    detail: dict[str, str | float] = field(default_factory=dict)


@dataclass(slots=True)
class _Seen:
    """What rounds have told so far."""

    rounds: list[Round] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    reported: int = 0
    """Rounds that a sample was recorded for."""

    @property
    def last(self) -> int:
        return self.rounds[-1].number if self.rounds else 0


class Running:
    """A load that has been started. Its methods raise ChannelError when the guest does not answer."""

    def __init__(
        self,
        ordered: Ordered,
        driver: Driver,
        record: Callable[[Observation], None],
        clock: Stopwatch,
        *,
        patience_s: float,
        counter: Callable[[], int] | None = None,
    ) -> None:
        self.ordered = ordered
        self.result: LoadResult | None = None
        """After `stop` or `wait`."""
        self._driver = driver
        self._record = record
        self._clock = clock
        self._patience_s = patience_s
        self._counter = counter
        self._counted = 0
        self._seen = _Seen()
        self._boot = ""

    # -- life --------------------------------------------------------------

    def start(self) -> None:
        """Start it and wait for a sign that it works: processes of its own that use CPU time, and memory
        gone where it takes memory; or a finished round.

        :raise WorkloadDidNotRun: there is none.
        """
        ordered = self.ordered
        self._counted = self._counter() if self._counter else 0
        self._driver.start(ordered.id, ordered.task, for_s=ordered.for_s, round_s=ordered.round_s)
        detail = {"means": ordered.means.tool, "for_s": ordered.for_s, **ordered.detail}
        self._mark("start", detail=detail)

        def at_work() -> Look | None:
            look = self._look()
            busy = look.state == "running" and look.processes > 0 and look.cpu_s > 0
            busy = busy and look.available_mib <= ordered.available_mib - ordered.task.takes_mib
            return look if busy or look.rounds or look.state in ("ended", "gone") else None

        try:
            look = wait_for(
                at_work, what="a sign of work", timeout_s=self._patience_s, interval_s=LOOK_AGAIN_S
            )
        except WaitTimeout as error:
            self._abandon()
            raise self._did_not_run(f"showed no sign of work ({error.last})") from error
        self._boot = look.boot
        if look.state == "gone" or (look.state == "ended" and not look.rounds):
            self._abandon()
            kind, _, why = look.reason.partition(" ")
            if kind == "unusable":
                raise self._unusable(why)
            raise self._did_not_run(_why(look))

    def sample(self) -> Progress:
        """Look at it, and record what it did since the last look.

        :raise WorkloadDidNotRun: it is gone, or ended for another reason than its deadline or `stop`.
        """
        look = self._look()
        self._must_be_there(look)
        fresh = self._seen.measured[self._seen.reported :]
        self._seen.reported = len(self._seen.measured)
        seconds = sum(one.seconds for one in fresh)
        progress = Progress(
            seconds=sum(one.seconds for one in self._seen.measured),
            ops=sum(one.ops for one in self._seen.measured),
            ops_per_s=sum(one.ops for one in fresh) / seconds if seconds else 0.0,
            errors=sum(one.errors for one in self._seen.measured),
            cpu_s=look.cpu_s,
            processes=look.processes,
            running=look.state in ("running", "starting"),
        )
        self._mark(
            "sample",
            ops=progress.ops,
            ops_per_s=progress.ops_per_s,
            errors=progress.errors,
            latency_ms=together(one.latency for one in fresh).percentiles_ms(),
            detail={"cpu_s": look.cpu_s, "processes": look.processes},
        )
        return progress

    def wait(self) -> LoadResult:
        """Wait until its own deadline has ended it; its figures, recorded.

        :raise WorkloadDidNotRun: see `stop`.
        :raise LoadFailed: every operation failed.
        """
        limit_s = self.ordered.for_s * 2 + self._patience_s

        def ended() -> bool:
            return self._look().state in ("ended", "gone")

        interval_s = max(LOOK_AGAIN_S, min(10.0, self.ordered.for_s / 10))
        with contextlib.suppress(WaitTimeout):  # it passed its own deadline: `stop` ends it and says so
            wait_for(ended, what="the load's end", timeout_s=limit_s, interval_s=interval_s)
        return self.stop()

    def stop(self) -> LoadResult:
        """End it now, if it has not ended; its figures, recorded. A second call gives the first's result.

        :raise WorkloadDidNotRun: it is gone, did not last, or did nothing.
        :raise LoadFailed: it ran, and every operation failed.
        """
        if self.result is not None:
            return self.result
        look = self._take(self._driver.stop(self.ordered.id, self._seen.last, self._patience_s / 2))
        while look.more:
            look = self._look()
        self._driver.tidy(self.ordered.id)
        self._must_be_there(look)
        if look.stuck:
            raise self._did_not_run(f"cannot be killed in the guest: processes {look.stuck}")
        self.result = self._summed(look.reason)
        self._report(self.result)
        return self.result

    def _abandon(self) -> None:
        """Nothing of it may stay, as far as the guest still answers."""
        self._driver.stop(self.ordered.id, self._seen.last, 0)
        self._driver.tidy(self.ordered.id)

    # -- looking -----------------------------------------------------------

    def _look(self) -> Look:
        """Look once; what has ended since is taken over."""
        return self._take(self._driver.look(self.ordered.id, self._seen.last))

    def _take(self, look: Look) -> Look:
        for one in look.rounds:
            if one.number > self._seen.last:
                self._seen.rounds.append(one)
                self._seen.measured.append(self.ordered.means.read(one))
        return look

    def _must_be_there(self, look: Look) -> None:
        if look.state == "gone":
            raise self._did_not_run(_why(look))
        if look.state == "ended" and look.reason not in ("deadline", "stopped"):
            raise self._did_not_run(_why(look))
        if self._boot and look.boot != self._boot:
            raise self._did_not_run("was started again by something else")

    # -- figures -----------------------------------------------------------

    def _summed(self, reason: str) -> LoadResult:
        measured, ordered = self._seen.measured, self.ordered
        self._check_it_ran(reason)
        latency = together(one.latency for one in measured)
        seconds = sum(one.seconds for one in measured)
        ops = sum(one.ops for one in measured)
        return LoadResult(
            workload=ordered.workload,
            means=ordered.means.tool,
            intensity=ordered.intensity,
            seconds=seconds,
            ops=ops,
            ops_per_s=ops / seconds,
            latency_ms=latency.percentiles_ms(),
            errors=sum(one.errors + bool(one.trouble) for one in measured),
            operations=latency.count,
            said=tuple(dict.fromkeys(word for one in measured for word in (*one.said, one.trouble) if word))[
                :5
            ],
            seen=self._counter() - self._counted if self._counter else None,
            rates=tuple(round(one.ops / one.seconds, 3) for one in measured if one.seconds),
            detail=ordered.detail,
        )

    def _check_it_ran(self, reason: str) -> None:
        """:raise WorkloadDidNotRun, LoadFailed: as `stop`."""
        rounds, measured = self._seen.rounds, self._seen.measured
        if not measured:
            raise self._did_not_run("was stopped before its first round had ended")
        ops, errors = sum(one.ops for one in measured), sum(one.errors for one in measured)
        said = next((word for one in measured for word in one.said), "")
        trouble = next((one.trouble for one in measured if one.trouble), "")
        if not ops and errors and not trouble:
            raise LoadFailed(self.ordered.workload, errors, said)
        if not ops:
            raise self._did_not_run(trouble or "did nothing")
        whole = rounds[:-1] if reason == "stopped" else rounds
        wanted_s, busy_s = sum(one.wanted_s for one in whole), sum(one.seconds for one in measured)
        if busy_s <= 0 or busy_s < LEAST_SHARE * wanted_s:
            raise self._did_not_run(f"was at work for {busy_s:.1f} of {wanted_s} s")
        self._check_memory()

    def _check_memory(self) -> None:
        """:raise WorkloadDidNotRun: memory that should have been taken was not."""
        left = [one.available_mib for one in self._seen.rounds if one.available_mib is not None]
        takes, before = self.ordered.task.takes_mib, self.ordered.available_mib
        if takes and left and min(left) > before - takes:
            raise self._did_not_run(
                f"took no memory: {min(left)} MiB were left of {before} (wanted {takes} MiB taken)"
            )

    def _report(self, result: LoadResult) -> None:
        self._mark(
            "end",
            ops=result.ops,
            ops_per_s=result.ops_per_s,
            latency_ms=dict(result.latency_ms),
            errors=result.errors,
            detail={
                "means": result.means,
                "seconds": round(result.seconds, 3),
                "operations": result.operations,
                "said": list(result.said),
                "seen": result.seen,
                "rates": list(result.rates),
                **result.detail,
            },
        )
        self._figure("ops_per_s", result.ops_per_s, "1/s", "higher")
        if result.operations >= FEWEST_FOR_P99:
            self._figure("p99_ms", result.latency_ms["p99"], "ms", "lower")

    def _figure(self, name: str, value: float, unit: str, better: str) -> None:
        full = f"{self.ordered.workload}.{name}"
        self._record(Figure(t_s=self._clock.t_s, name=full, value=value, unit=unit, better=better))

    def _mark(self, phase: str, **values: Any) -> None:
        ordered = self.ordered
        self._record(
            LoadMark(
                t_s=self._clock.t_s,
                workload=ordered.workload,
                phase=phase,
                id=ordered.id,
                intensity=ordered.intensity,
                **values,
            )
        )

    def _unusable(self, why: str) -> WorkloadUnusable:
        self._mark("end", detail={"trouble": why})
        return WorkloadUnusable(
            f"workload {self.ordered.workload!r}: this guest cannot: {why}",
            hint="lab workloads lists what each needs",
        )

    def _did_not_run(self, why: str) -> WorkloadDidNotRun:
        self._mark("end", detail={"trouble": why})
        return WorkloadDidNotRun(
            f"workload {self.ordered.workload!r}: {why}", hint="the recording has what its tool printed"
        )


def _why(look: Look) -> str:
    """Why a load is not there."""
    if look.state == "gone" and not look.boot:
        return "is not in the guest any more: the guest has restarted since"
    if look.state == "gone":
        return f"was killed in the guest ({look.log or 'it left no word'})"
    return f"ended in the guest: {look.reason}" + (f" ({look.log})" if look.log else "")
