"""Faults of time: a clock that jumps, and one that is outside of every certificate's validity."""

from __future__ import annotations

import time

from lab.faults.fault import FaultError
from lab.faults.kind import Values, number
from lab.faults.scripts import Scripts, run_script
from lab.faults.subject import Subject
from lab.model import Family

DAY_S = 86400
CLOCK = {
    Family.LINUX: Scripts(
        inject='date -u -s "@$to" >/dev/null || busybox date -u -s "@$to" >/dev/null',
        prove='echo "now=$(date -u +%s)"',
        undo='date -u -s "@$to" >/dev/null || busybox date -u -s "@$to" >/dev/null',
    ),
    Family.WINDOWS: Scripts(
        inject="Set-Date ([DateTimeOffset]::FromUnixTimeSeconds([long]$to).LocalDateTime) | Out-Null",
        prove='"now=$([DateTimeOffset]::UtcNow.ToUnixTimeSeconds())"',
        undo="Set-Date ([DateTimeOffset]::FromUnixTimeSeconds([long]$to).LocalDateTime) | Out-Null",
    ),
}
CLOSE_S = 10.0
"""Reading a slow guest's clock takes a while; a jump that can be told from that is at least twice as long."""


class Jump:
    """The guest's clock set forward or back by so much, once."""

    in_guest = True

    def __init__(self, subject: Subject, by_s: float, sentence: str = "") -> None:
        self._subject = subject
        self._by_s = by_s
        self._sentence = sentence
        self._scripts = CLOCK[subject.family]
        self._off_s: float | None = None

    def inject(self) -> None:
        self._off_s = self._off()
        self._set(self._off_s + self._by_s)

    def prove(self) -> str:
        assert self._off_s is not None
        moved_s = self._off() - self._off_s
        if abs(moved_s - self._by_s) > CLOSE_S:
            return ""
        tail = f"; {self._sentence}" if self._sentence else ""
        return f"the guest's clock moved by {moved_s:+.0f} s against the host's{tail}"

    def undo(self) -> str:
        if self._off_s is None:
            return "the clock was not touched"
        self._set(self._off_s)
        moved_s = self._off() - self._off_s
        if abs(moved_s) > CLOSE_S:
            raise FaultError(f"the guest's clock could not be set back: it is {moved_s:+.0f} s off")
        return f"the guest's clock is {moved_s:+.0f} s from where it would be"

    def _off(self) -> float:
        """How far the guest's clock is from the host's, in seconds."""
        told = run_script(self._subject, self._scripts.prove, {}).get("now", "")
        if not told.lstrip("-").isdigit():
            raise FaultError(f"the guest's clock could not be read: it said {told!r} (wanted a number)")
        return int(told) - time.time()

    def _set(self, off_s: float) -> None:
        run_script(self._subject, self._scripts.inject, {"to": f"{time.time() + off_s:.0f}"})


def forward(subject: Subject, values: Values) -> Jump:
    return Jump(subject, number(values, "by_s"))


def back(subject: Subject, values: Values) -> Jump:
    return Jump(subject, -number(values, "by_s"))


def tls_skew(subject: Subject, values: Values) -> Jump:
    days = number(values, "days")
    side = "expired" if days > 0 else "not valid yet"
    return Jump(subject, days * DAY_S, f"a certificate of the last and next {abs(days):g} days is {side}")
