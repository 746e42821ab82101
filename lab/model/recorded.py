"""What is recorded: the observations a recording is made of, in order of `t_s`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.model.measured import FaultMark, Figure, LoadMark, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialChunk:
    """Bytes the guest wrote to its serial console; `start` is the offset in serial.log."""

    t_s: float
    start: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineEvent:
    """Something the hypervisor said.

    `name`: started, resumed, reset, panicked, watchdog, shutdown, stopped, io-error,
    destroyed, process-gone. `details` holds what came with it.
    """

    t_s: float
    name: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """One try to reach the guest over `channel`; `boot_id` where the guest told it."""

    t_s: float
    channel: str
    ok: bool
    latency_s: float = 0.0
    boot_id: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One screenshot; `path` is relative to the recording."""

    t_s: float
    path: str
    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The scenario declares that something will (`begin`) or can no longer (`end`) happen.

    `what`: `reboot`, `shutdown`, `silence` or `os-update`. A reset inside a begun `reboot` is a
    requested one; inside `os-update` up to `boots` of them are expected.
    """

    t_s: float
    what: str
    begin: bool
    reason: str = ""
    boots: int = 1
    """How many boots it covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A milestone of the attempt.

    `name`: `attempt` (start/end), `booted` (a channel answered first; detail boot_s),
    `scenario` (start; end with outcome `completed`, `failed`, `stopped`), `agent` operations
    (`install`, `update`, `rollback`, `uninstall`), `lab-fault`.
    """

    t_s: float
    name: str
    phase: str
    """`start`, `end` or `note`."""
    outcome: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRun:
    """A command that the lab ran in the guest, with what it printed (redacted, capped)."""

    t_s: float
    channel: str
    command: str
    exit_code: int | None
    stdout: str = ""
    stderr: str = ""
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Something read back from the guest that a pass rests on.

    `what`: `version` (values build, content), `healthy` (ok, message), `exercised`
    (before, after, trigger; of a switch also feature), `refused` (build, content, message), `removed`
    (leftovers), `coverage` (content, fields, values, wildcards: names of fields that were compared with a
    value, and of those for which anything will do).
    """

    t_s: float
    what: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VcpuSample:
    """One virtual CPU, looked at from outside."""

    cpu: int
    ip: int | None = None
    """Instruction pointer; None when registers were not read."""
    halted: bool | None = None
    """Waiting for an interrupt."""
    time_s: float | None = None
    """Host CPU time it used since the domain started."""
    where: str = ""
    """The registers' surroundings in words, where known (kernel, user)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSample:
    """The machine's pulse: what its CPUs, disks and network did, and how the host was."""

    t_s: float
    state: str
    """libvirt's: running, paused, shutdown, crashed, pmsuspended."""
    vcpus: tuple[VcpuSample, ...] = ()
    block: Mapping[str, int] = field(default_factory=dict)
    """Sums over all disks since start: rd_bytes, wr_bytes, rd_reqs, wr_reqs, in_flight where known."""
    network: Mapping[str, int] = field(default_factory=dict)
    """rx_bytes, tx_bytes since start, where the network back end counts."""
    host: Mapping[str, float] = field(default_factory=dict)
    """load1, cpus, stall_share (CPU pressure `some avg10` / 100), memory_available_mib, late_s (how
    late this sample itself was taken)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Evidence that the lab took, or tried to take.

    `what`: `sysrq`, `nmi`, `registers`, `memory-dump`, `guest-dump`, `kernel-log`,
    `event-log`.
    """

    t_s: float
    what: str
    ok: bool
    path: str = ""
    """Relative to the recording."""
    bytes: int = 0
    sha256: str = ""
    duration_s: float = 0.0
    detail: str = ""


Observation = (
    SerialChunk
    | MachineEvent
    | Heartbeat
    | Frame
    | Expectation
    | Step
    | CommandRun
    | Proof
    | MachineSample
    | Capture
    | FaultMark
    | LoadMark
    | Sample
    | Figure
)
"""What a recording is made of, in order of `t_s`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRef:
    """Where a claim can be checked: a byte range of a file of the recording."""

    path: str
    start: int = 0
    end: int = 0
    sha256: str = ""
