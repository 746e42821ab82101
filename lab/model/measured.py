"""What is measured and what is done on purpose: faults, loads, samples and figures, as observations.

A recording holds them beside what was merely seen, so that a verdict can tell what the lab did to a
guest from what the guest did by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class FaultPhase(StrEnum):
    """How far a fault has come."""

    PLANNED = "planned"
    INJECTED = "injected"
    PROVEN = "proven"
    """Its effect was seen: in the guest, or by the hypervisor."""
    UNDONE = "undone"
    FAILED = "failed"
    """It could not be injected, had no effect that could be shown, or could not be undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultMark:
    """A fault that the lab puts on a guest.

    A fault without a `proven` mark happened to nobody: what was seen under it proves nothing.
    """

    t_s: float
    fault: str
    """Its name in the fault list (`disk-error`, `power-cut`, `clock-forward`)."""
    phase: FaultPhase
    id: str = ""
    """The same in all marks of one injection."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    evidence: str = ""
    """What shows the effect (`proven`), or why there is none (`failed`)."""
    masks: tuple[str, ...] = ()
    """What the fault excuses until it is undone: `reboot`, `silence`, `clock`, `io`, `stall`, `nmi`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadMark:
    """A workload in the guest: begun, looked at, ended."""

    t_s: float
    workload: str
    """Its name in the workload list (`cpu`, `files-small`)."""
    phase: str
    """`start`, `sample` or `end`."""
    id: str = ""
    """The same in all marks of one run of it."""
    intensity: float = 1.0
    """Relative to the guest's size: 1.0 is all its CPUs, or all memory it can spare."""
    ops: int = 0
    ops_per_s: float = 0.0
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    """Percentiles: p50, p90, p99, max."""
    errors: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One periodic look at the guest's and the agent's resources (soak)."""

    t_s: float
    guest_s: float
    """Uptime of the guest: under time-warp it runs ahead of `t_s`."""
    values: Mapping[str, float]
    """Name to value: `slab_kib`, `agent_rss_kib`, `agent_handles`, `kernel_lines`, ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number that the arms are compared by."""

    t_s: float
    name: str
    """`boot_s`, `update_s`, `agent_rss_kib`, `files-small.ops_per_s`, ..."""
    value: float
    unit: str = ""
    better: str = "lower"
    """`lower` or `higher`."""
