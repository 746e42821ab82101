"""Who wrote a line that reads like a kernel report: this guest's kernel, or somebody who shows such text.

Told by what the stream allows: whether the line has a time stamp like the rest of this console's kernel
lines, whether another program's name stands in front of it, whether its time lies before what the kernel
has printed already. Refuses to know what the report says.
"""

from __future__ import annotations

import re

from lab.detect.lines import STAMP, Block, Line, line_start, parse

PROBE = 4096
"""Bytes of serial.log between two looks at the time stamps."""
ENOUGH = 3
"""Stamped lines after which a kernel line without a stamp is not this kernel's."""
DROP_S = 1.0
"""Time stamps that fall by more belong to another boot, or to an older log; CPUs interleave by
milliseconds only."""
LEAP_S = 20.0
"""A clock that leaps so far forward, to where it had been, never stopped."""
RESUMED_S = 60.0
"""A kernel whose older log was shown goes on with its own clock within so much."""
RAW_STAMP = re.compile(rb"\r?" + STAMP.pattern.encode(), re.ASCII)
QUOTED = re.compile(
    r"(?:[\w./@-]{1,80}(?:\[\d{1,8}\])?:(?:\d{1,8}:)?|[+>#|$]|\S{1,40}[@:]\S{0,80}[#$]( .*)?|"
    r"\w+(?: \S+){0,3}:)$",
    re.ASCII,
)
"""What stands before a quoted line: a program's name, a file's name, a quotation mark, a shell prompt."""
CUT_OFF = re.compile(r"\*\* \d+ printk messages dropped|.* login:|.*\bprogram\b", re.ASCII)
"""What may stand before a line of the kernel itself: it breaks into whatever the console shows."""

NO_STAMP = "no time stamp, although the other kernel lines of this console have one"
DRESSED = "a log was shown: the other kernel lines of this console have no such prefix"
BY_PROGRAM = "another program printed the line"
REPLAYED = "an older log was shown: afterwards the kernel's clock went on where it had been"


class Clock:
    """The kernel's clock as the console shows it."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._stamped = 0
        self._next = PROBE
        self._old: float | None = None
        """What the clock had reached when it fell back without a sign of a boot."""

    @property
    def falling(self) -> bool:
        """Whether it fell back and it is open whether that was a boot or an older log."""
        return self._old is not None

    def probe(self, block: Block, upto: int) -> list[float]:
        """Stamps of the lines at regular places of the stream before offset `upto` of serial.log: they do
        not depend on how the stream was cut."""
        found = []
        if self._next < block.start:
            self._next = -(-block.start // PROBE) * PROBE
        while self._next < upto:
            start = line_start(block, self._next - block.start, 0)
            stamp = RAW_STAMP.match(block.data, start)
            if stamp:
                found.append(float(stamp[1]))
            self._next += PROBE
        return found

    def tick(self, stamp: float) -> str:
        """Take the stamp of a line: `` (goes on), `fell` or `resumed`."""
        before, self._last = self._last, stamp
        self._stamped += 1
        if before is None:
            return ""
        if (
            self._old is not None
            and before + LEAP_S <= stamp
            and self._old - DROP_S <= stamp <= self._old + RESUMED_S
        ):
            self._old = None
            return "resumed"
        if stamp < before - DROP_S:
            self._old = before if self._old is None else self._old
            return "fell"
        return ""

    def booted(self) -> None:
        """There was a sign of a boot: a clock that falls is no surprise."""
        self._last, self._stamped, self._old = None, 0, None

    def reached(self, before: bytes) -> float:
        """What the kernel's clock had reached.

        :param before: the last bytes of the stream, some KiB.
        """
        last = self._last or 0.0
        latest = 0.0
        for raw in before.splitlines()[-20:]:
            stamp = parse(raw, 0, 0.0).stamp
            latest = max(latest, stamp) if stamp is not None else latest
        return latest or last

    def look_back(self, stamp: float, before: bytes) -> bool:
        """Whether the clock had been further just before: lines without a hot word are not read otherwise."""
        reached = self.reached(before)
        if self._old is None and stamp < reached - DROP_S:
            self._old = reached
            return True
        return False

    def doubt(self, line: Line, before: bytes, beginning: bytes = b"", *, anyone: bool = False) -> str:
        """Why `line` is not this kernel's, or "".

        :param before: the bytes of the stream before the line, some KiB.
        :param beginning: the first KiB of the stream, up to the line: a long log fills `before`.
        :param anyone: programs say so too, without a time stamp.
        """
        if line.stamp is not None:
            ahead = line.earlier[-1] if line.earlier else ""
            if not anyone and QUOTED.match(ahead) and not CUT_OFF.match(ahead):
                return BY_PROGRAM
        if line.logged or line.levelled:
            plain = max(_plain(before, line), _plain(beginning, line))
            return DRESSED if plain >= ENOUGH else ""
        if anyone:
            return ""
        if line.stamp is None and (self._stamped >= ENOUGH or _plain(before) >= ENOUGH):
            return NO_STAMP
        return ""


def _plain(data: bytes, like: Line | None = None) -> int:
    """Stamped lines in `data`, at most `ENOUGH`, before the first one that is dressed up as `like` is."""
    count = 0
    for raw in data.splitlines():
        line = parse(raw, 0, 0.0)
        if like is not None and ((like.logged and line.logged) or (like.levelled and line.levelled)):
            break
        count += line.stamp is not None
        if count >= ENOUGH:
            break
    return count
