"""Stalls that a guest cannot have had: those that began before it was there. Pure.

A clone, and a guest put back to a checkpoint, go on from a moment long ago. Where a clock of theirs leaps
over that gap, the kernel's watchdogs take it for a CPU or task that did not get on: `soft lockup - CPU#0
stuck for 3427s!`. Such a report contradicts itself: it claims more time than the guest has existed since.
Only that makes it noise, and only while every watchdog has its first look; a real hang is reported again.
Refuses to excuse a panic, and anything of guests that were booted.
"""

from __future__ import annotations

import re

from lab.detect.lines import Line
from lab.detect.linux.patterns import Pattern
from lab.model import FindingKind, MachineEvent, Observation, Step

WINDOW_S = 150.0
"""After waking. The slowest watchdog, khungtaskd, looks every 120 s (kernel/hung_task.c)."""
SLACK = 1.1
"""The guest's seconds and ours: an emulated guest's clock follows the host's, less what a busy host loses."""
MARGIN_S = 2.0
STALLS = frozenset({FindingKind.LOCKUP, FindingKind.HUNG_TASK})
CLAIM = re.compile(r"(?:stuck for|for more than) (\d{1,9}) ?s", re.ASCII)
"""`stuck for 26s!` (soft lockup, workqueue), `blocked for more than 120 seconds` (hung task)."""
LEAST_S = {
    "soft-lockup": 20.0,
    "hard-lockup": 10.0,
    "rcu-stall": 21.0,
    "workqueue-lockup": 30.0,
    "hung-task": 120.0,
}
"""What a report claims at least that says no number: the kernel's own default limits. A kernel that is told
shorter ones says the number, all but RCU's."""
BEFORE_IT = (
    "the stall began before this guest was there: it was frozen then, and its clock leapt over the gap"
)


class Waking:
    """When the guest came to be what it is now: follows the observations, answers for console lines."""

    def __init__(self) -> None:
        self._since: float | None = None
        """When it was put there: cloned or restored."""
        self._woken: float | None = None
        """When it was told the time, and its time was seen to move."""

    def feed(self, observation: Observation) -> None:
        match observation:
            case MachineEvent(name="cloned" | "restored"):
                self._since, self._woken = observation.t_s, None
            case MachineEvent(name="reset" | "started"):
                self._since = self._woken = None
            case Step(name="woken") | Step(name="restore", phase="end"):
                self._woken = observation.t_s

    def doubt(self, pattern: Pattern, line: Line) -> str:
        """Why this report is not of a stall that happened, or ""."""
        if self._since is None or pattern.kind not in STALLS:
            return ""
        if line.t_s > (self._woken if self._woken is not None else self._since) + WINDOW_S:
            return ""
        there_s = line.t_s - self._since
        return BEFORE_IT if claimed_s(pattern, line.text) > there_s * SLACK + MARGIN_S else ""


def claimed_s(pattern: Pattern, text: str) -> float:
    """How long the stall has lasted by its own report."""
    told = CLAIM.search(text)
    return float(told[1]) if told else LEAST_S.get(pattern.id, 0.0)
