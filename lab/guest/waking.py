"""The first thing a clone is told: what time it is, and fresh randomness.

A clone goes on from the moment its template was frozen: its clock is behind by the template's age,
and every clone would draw the same random numbers. Both are mended before a scenario sees the
guest, and time is seen to move, since a clone whose clock stands still hangs later and elsewhere.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lab.errors import ChannelError
from lab.guest.channel import Command
from lab.proc import Completed

SEED_BYTES = 64
"""Mixed into the kernel's pool; a kernel takes it up at its next reseeding (5 min at most before 5.18)."""

SCRIPT = """\
exec 2>/dev/null
cat > /dev/urandom
read first rest < /proc/uptime
date -u -s "@$1" > /dev/null || { busybox date -u -s "@$1" > /dev/null; }
hwclock -w -u || true
sleep 0.05
read second rest < /proc/uptime
echo "woken first=$first second=$second date=$(date -u +%s)"
"""
ANSWER = re.compile(r"woken first=([\d.]+) second=([\d.]+) date=(\d+)", re.ASCII)
MOST_OFF_S = 5.0
"""Between the host's clock and the guest's after it was set; the command itself takes a while."""


class CloneAsleep(ChannelError):
    """A clone answered, and its time does not move or cannot be set: it must not be used."""


class GuestLike(Protocol):
    """What of `lab.guest.guest.Guest` is needed here."""

    def run(
        self, command: Command, timeout_s: float | None = None, check: bool = False, *, stdin: bytes = b""
    ) -> Completed: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """What waking found."""

    moved_s: float
    """How far the guest's uptime got meanwhile."""
    off_s: float
    """How far its clock is from the host's now."""


def wake(guest: GuestLike, now: Callable[[], float]) -> Woken:
    """Set the clock, mix in randomness, see time move.

    :param now: seconds since the epoch.
    :raise CloneAsleep: time stands still, or the clock did not take the time.
    :raise ChannelError: the guest does not answer.
    """
    command = ["/bin/sh", "-c", SCRIPT, "wake", f"{now():.0f}"]
    done = guest.run(command, stdin=secrets.token_bytes(SEED_BYTES))
    told = ANSWER.search(done.text)
    if told is None:
        raise CloneAsleep(
            f"a clone could not be woken: exit code {done.exit_code}: {done.error_text or done.text!r}"
        )
    moved_s = float(told[2]) - float(told[1])
    if moved_s <= 0:
        raise CloneAsleep(f"time stands still in a clone: uptime is {told[1]} and stays")
    off_s = abs(now() - float(told[3]))
    if off_s > MOST_OFF_S + moved_s:
        raise CloneAsleep(f"the clock of a clone could not be set: it is {off_s:.0f} s off")
    return Woken(moved_s=round(moved_s, 3), off_s=round(off_s, 1))
