"""How a workload is made on one family of guests, and how its tool's report is read. Runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lab.workloads.latency import Latency
from lab.workloads.rounds import Round
from lab.workloads.sizing import GuestSize


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One round, as its tool tells it."""

    seconds: float
    """That the load itself ran, without the start of its tool."""
    ops: int
    errors: int
    latency: Latency
    trouble: str = ""
    """Why the round proves nothing (the tool skipped it, or was refused), or ""."""
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the runner in the guest is told, for one size and intensity."""

    op: str = ""
    """The operation that is timed one by one (`ops.sh`, `ops.ps1`), or ""."""
    workers: int = 1
    """That do `op`."""
    duty: float = 1.0
    """Share of the time that each of them is at work."""
    pace_ms: int = 0
    """Rest after each operation, for those that only measure beside a tool."""
    command: str = ""
    """The tool's command line; `$seconds`, `$out` and `$dir` are the round's."""
    takes_mib: int = 0
    """Memory that must be seen to be gone before it counts as started."""
    settings: Mapping[str, str | int] = field(default_factory=dict)
    """More that `op` reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """One way to make a load."""

    tool: str
    """`stress-ng`, `fio`, `diskspd`, `shell` or `powershell`."""
    needs: tuple[str, ...]
    """Programs in the guest."""
    plan: Callable[[GuestSize, float], Task]
    read: Callable[[Round], Measured]
    counts: str
    """What `ops` counts."""
    times: str
    """What is timed one by one."""
    shortest_round_s: int = 5


PROBE_MS = 100
"""Rest between operations that only measure: a few per cent of an emulated CPU."""


def operations(
    op: str, *, per_vcpu: float = 1.0, **settings: str | int
) -> Callable[[GuestSize, float], Task]:
    """Workers of the runner that do one operation after the other; below full intensity each rests."""

    def plan(size: GuestSize, intensity: float) -> Task:
        workers = size.workers(intensity, per_vcpu)
        return Task(op=op, workers=workers, duty=size.duty(intensity), settings=settings)

    return plan


def alone(op: str, **settings: str | int) -> Callable[[GuestSize, float], Task]:
    """One worker, for what a system does one at a time."""

    def plan(_size: GuestSize, intensity: float) -> Task:
        return Task(op=op, duty=min(1.0, intensity), settings=settings)

    return plan


def of_operations(one: Round) -> Measured:
    """A round that consists of operations timed one by one."""
    return Measured(seconds=one.seconds, ops=one.ops, errors=one.errors, latency=one.latency, said=one.said)
