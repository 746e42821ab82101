"""What came of a load: the figures, or why there are none.

Three ways to have none, by whose they are: this guest cannot run it (`WorkloadUnusable`), it did not run
as it should have (`WorkloadDidNotRun`, the lab's), or it ran and every operation failed (`LoadFailed`, the
guest's). A load that did not run is never a zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.errors import InfraError, InputError


class WorkloadUnusable(InputError):
    """The guest lacks what the workload needs; the hint says how it gets it."""


class WorkloadDidNotRun(InfraError):
    """The workload did not start, did not last, or vanished: nothing may be concluded from the time."""


class LoadFailed(Exception):
    """It ran, and every operation failed in the guest: the guest's doing, not the lab's."""

    def __init__(self, workload: str, errors: int, said: str) -> None:
        super().__init__(
            f"workload {workload!r}: all {errors} operations failed: {said or 'no reason given'}"
        )
        self.workload = workload
        self.errors = errors
        self.said = said


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One look at a running load."""

    seconds: float
    """Since its start, on the guest's monotonic clock, as far as its rounds are finished."""
    ops: int
    ops_per_s: float
    """Since the look before, or since its start; 0.0 when no round has ended since."""
    errors: int
    cpu_s: float
    """CPU time of its processes until now."""
    processes: int
    running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What a load did, measured in the guest."""

    workload: str
    means: str
    """What made the load: `stress-ng`, `fio`, `shell`, `powershell`, `diskspd`."""
    intensity: float
    seconds: float
    """That it ran, on the guest's monotonic clock."""
    ops: int
    ops_per_s: float
    latency_ms: Mapping[str, float]
    """p50, p90, p99, max of `operations`."""
    errors: int
    operations: int
    """That were timed one by one."""
    said: tuple[str, ...] = ()
    """What failed operations said, the most frequent first."""
    seen: int | None = None
    """Events that the agent counted meanwhile (`agent-activity`)."""
    rates: tuple[float, ...] = ()
    """Operations per second of each round, in order."""
    detail: Mapping[str, str | float] = field(default_factory=dict)
    """Workers, targets, what an operation is."""

    @property
    def p99_ms(self) -> float:
        """:raise ValueError: no operation was timed."""
        if "p99" not in self.latency_ms:
            raise ValueError(f"workload {self.workload!r}: no operation was timed one by one")
        return self.latency_ms["p99"]

    def __str__(self) -> str:
        timed = ", ".join(f"{name} {value:g} ms" for name, value in self.latency_ms.items())
        return (
            f"{self.workload} at {self.intensity:g} by {self.means} for {self.seconds:.1f} s: "
            f"{self.ops_per_s:.1f} ops/s, {timed}, {self.errors} errors"
        )
