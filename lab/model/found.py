"""What is found: findings and the signatures that name bugs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lab.model.recorded import EvidenceRef


class FindingKind(StrEnum):
    """What happened to a guest."""

    BUGCHECK = "bugcheck"
    PANIC = "panic"
    OOPS = "oops"
    BUG = "bug"
    """The kernel reports a mistake of its own and goes on (sleeping in atomic context, bad page state)."""
    WARNING = "warning"
    SANITIZER = "sanitizer"
    """KASAN, KCSAN, KMSAN, UBSAN, KFENCE."""
    LOCKDEP = "lockdep"
    LEAK = "leak"
    HUNG_TASK = "hung-task"
    LOCKUP = "lockup"
    """Soft and hard lockups, RCU stalls: the kernel itself says that a CPU does not get on."""
    HANG = "hang"
    """Seen from outside: nothing answers and nothing happens, with a diagnosis."""
    OOM = "oom"
    BOOT_LOOP = "boot-loop"
    BOOT_FAILURE = "boot-failure"
    SLOW_BOOT = "slow-boot"
    RECOVERY_SCREEN = "recovery-screen"
    UNEXPECTED_REBOOT = "unexpected-reboot"
    UNEXPECTED_SHUTDOWN = "unexpected-shutdown"
    NO_OUTPUT = "no-output"
    NO_PROGRESS = "no-progress"
    LOST_CONNECTION = "lost-connection"
    WATCHDOG = "watchdog"
    IO_ERROR = "io-error"
    UPDATE_REFUSED = "update-refused"
    AGENT_DOWN = "agent-down"
    REGRESSION = "regression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The identity of a bug: a normalised title and the titles it may also have."""

    title: str
    alt_titles: tuple[str, ...] = ()

    def same_bug(self, other: Signature) -> bool:
        """Whether the sets of titles meet."""
        return not {self.title, *self.alt_titles}.isdisjoint({other.title, *other.alt_titles})


class Diagnosis(StrEnum):
    """Why a guest is silent."""

    IDLE = "idle"
    """The CPUs halt: everything waits for something that does not come (a deadlock, a lost network)."""
    SPINNING = "spinning"
    """A CPU runs in a narrow range of addresses and gets nowhere."""
    BUSY = "busy"
    """The CPUs do varied work; the guest is merely too slow to answer."""
    BLOCKED_ON_IO = "blocked-on-io"
    STOPPED_BY_HOST = "stopped-by-host"
    HOST_OVERLOADED = "host-overloaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighted:
    """One channel's report of an event."""

    channel: str
    t_s: float
    latency_s: float
    """After the channel that saw it first."""
    what: str = ""
    """What that channel called it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A channel that should have seen an event and did not, or could not."""

    channel: str
    reason: str
    blind: bool = False
    """It could not have seen it (no screen text on this image, no panic device): nothing to mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a detector read in a recording."""

    kind: FindingKind
    signature: Signature
    fatal: bool
    t_s: float
    evidence: tuple[EvidenceRef, ...] = ()
    channels: tuple[str, ...] = ()
    """The sensors that saw it, first first: serial, event, screen, heartbeat, agent."""
    function: str = ""
    module: str = ""
    detail: str = ""
    """One sentence for a person."""
    corrupted: str = ""
    """Why the text cannot be trusted for its detail, or ""."""
    count: int = 1
    boot: int = 1
    """The number of the boot (from 1) in which it happened."""
    code: int | None = None
    """Windows stop code, minidump forms folded (0x1000007E is 0x7E)."""
    parameters: tuple[int, ...] = ()
    """The stop code's parameters, up to four, where a channel told them."""
    diagnosis: Diagnosis | None = None
    timeline: tuple[Sighted, ...] = ()
    """By time; the first entry has latency 0."""
    missed: tuple[Missed, ...] = ()
    suppressed: str = ""
    """Why this is noise of the infrastructure or text about a crash elsewhere, or "". Such findings are
    reported apart and never judged."""

    @property
    def title(self) -> str:
        return self.signature.title
