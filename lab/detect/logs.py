"""One word on a bare log of unknown origin: how did the guest that wrote it fare?

Such a log has no events and no expectations, so a reboot in it is nobody's fault; only a crash in
successive boots is a loop. Refuses to find anything: it reads findings and boots.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise

from lab.detect.boots import BootLog
from lab.model import Finding, FindingKind


class LogVerdict(StrEnum):
    """Worst first."""

    BOOT_LOOP = "boot-loop"
    CRASH = "crash"
    HANG = "hang"
    BOOT_FAILURE = "boot-failure"
    WARNING = "warning"
    """Something complained and went on: to be reported, no reason to fail the machine."""
    HEALTHY = "healthy"


HANGS = frozenset({FindingKind.LOCKUP, FindingKind.HUNG_TASK, FindingKind.HANG, FindingKind.LOST_CONNECTION})
FAILED_BOOTS = frozenset(
    {FindingKind.BOOT_FAILURE, FindingKind.RECOVERY_SCREEN, FindingKind.NO_OUTPUT, FindingKind.NO_PROGRESS}
)
RESETS = frozenset(
    {
        FindingKind.UNEXPECTED_REBOOT,
        FindingKind.UNEXPECTED_SHUTDOWN,
        FindingKind.BOOT_LOOP,
        FindingKind.SLOW_BOOT,
    }
)
"""Found from boots alone; a log does not tell whether somebody wanted them."""


def log_verdict(findings: Iterable[Finding], boots: BootLog) -> LogVerdict:
    """The worst that the log shows; suppressed findings count for nothing."""
    counted = [one for one in findings if not one.suppressed and one.kind not in RESETS]
    fatal = [one for one in counted if one.fatal]
    crashes = [one for one in fatal if one.kind not in HANGS | FAILED_BOOTS]
    if crashes:
        return LogVerdict.BOOT_LOOP if _loops(crashes, boots) else LogVerdict.CRASH
    if any(one.kind in HANGS for one in fatal):
        return LogVerdict.HANG
    if fatal:
        return LogVerdict.BOOT_FAILURE
    return LogVerdict.WARNING if counted else LogVerdict.HEALTHY


def _loops(crashes: Sequence[Finding], boots: BootLog) -> bool:
    """Whether two boots in a row ended in a crash, or one crash came back in another boot."""
    if any(one.crashed and two.crashed for one, two in pairwise(boots.boots)):
        return True
    stops = [one for one in crashes if one.kind in (FindingKind.PANIC, FindingKind.BUGCHECK)]
    return boots.count > 1 and any(1 < one.count <= boots.count for one in stops)
