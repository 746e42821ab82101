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
    WARNING = "warning"
    HUNG_TASK = "hung-task"
    LOCKUP = "lockup"
    OOM = "oom"
    BOOT_LOOP = "boot-loop"
    BOOT_FAILURE = "boot-failure"
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

    @property
    def title(self) -> str:
        return self.signature.title
