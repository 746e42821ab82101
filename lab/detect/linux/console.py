"""Kernel trouble on the serial console: whole reports, one per crash, with title and byte range.

A report runs from its first line to its last; an oops that ends in a panic is one report. After
a panic nothing new is reported until the guest boots again. Where the kernel prints caller ids,
reports of several CPUs that interleave are read apart. Works on lines as they complete, so the
result does not depend on how the stream was cut. Refuses to know about other channels.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from lab.detect.hotwords import HotWords
from lab.detect.lines import Block, Line, lines
from lab.detect.linux.patterns import (
    BOOT,
    BOOT_HOT,
    FIRMWARE_LOOP,
    FIRST_STAGE,
    FIRST_STAGE_HOT,
    GOODBYE,
    GOODBYE_HOT,
    HANDED_OVER,
    PATTERNS,
    REBOOT,
    SECONDARY,
    Pattern,
    Role,
)
from lab.detect.linux.reports import Report
from lab.detect.linux.speakers import REPLAYED, Clock
from lab.detect.waking import BEFORE_IT
from lab.model import FindingKind

PATIENCE = 16
"""Lines in a row of the same caller that do not belong to a report before it is over."""
MORE_PATIENCE = 120
"""The same while its stack has not come yet: a busy console prints much in between."""
AWAY = 120
"""Lines in a row of other callers before a report is over."""
LONGEST = 1500
"""Lines of a report; an endless recursion or all CPUs' stacks have several hundred."""
MOST = 300
"""Reports of each sort (fatal or not, suppressed or not) that are kept: a guest that warns for ever must not
fill the memory."""
FIRMWARE_STARTS = 3
"""Starts of firmware, none of which got to a boot loader or kernel, that are a loop."""
AT_ONCE = 4
"""Reports that are read at the same time."""
PAST = 8192
"""Bytes before a report that are looked at to tell whose it is."""
UP = re.compile(
    r".{0,80}\blogin: ?$|(?:\[ *OK *\] )?Reached target .{0,40}(?:[Mm]ulti-[Uu]ser|[Gg]raphical)", re.ASCII
)
UP_HOT = (b"login:", b"eached target ")
KERNEL_UP = re.compile(r"Linux version \d|Booting Linux on physical CPU", re.ASCII)
CAME_UP = "the system came up after it"
WAS_UP = "the system was up already: no boot failed"
RAN_S = 5.0
"""What the kernel's clock must have reached for a boot to be another one."""
NEAR = 1 << 16
"""Bytes after a report within which a panic can be its end."""
HOT_WORDS: frozenset[bytes] = frozenset(
    {
        *BOOT_HOT,
        *FIRST_STAGE_HOT,
        *GOODBYE_HOT,
        *UP_HOT,
        *(word for pattern in PATTERNS for word in pattern.hot),
    }
)
"""What the fast search must look for on behalf of this detector."""
ANY = re.compile(
    "|".join(f"(?:{re.sub(r'[(][?]P<[a-z]+>', '(?:', pattern.start.pattern)})" for pattern in PATTERNS),
    re.ASCII,
)
"""Any pattern's start; most hot lines are none after all."""
Doubt = Callable[[Pattern, Line], str]


def sure(_pattern: Pattern, _line: Line) -> str:
    """For a log of which nothing else is known."""
    return ""


class Console:
    """Reports in the order in which they began.

    :param scan: a scan that is shared with other detectors; its words must include `HOT_WORDS`.
    :param doubt: says why a report is not of what happened, or ""; asked when it begins.
    :param reboots: report a kernel that starts again without a good-bye. Only for a bare log: where
        resets are recorded, counting boots says more, and what was asked for.
    """

    def __init__(self, scan: HotWords | None = None, *, doubt: Doubt = sure, reboots: bool = False) -> None:
        self.reports: list[Report] = []
        self.version = 0
        """Grows whenever a report was begun, continued or closed."""
        self._scan = scan or HotWords(HOT_WORDS)
        self._doubt = doubt
        self._reboots = reboots
        self._starts = 0
        """Starts of firmware in a row that handed over to nobody."""
        self._over = False
        """The kernel said good-bye."""
        self._open: list[Report] = []
        self._last: Report | None = None
        self._dead = False
        self._clock = Clock()
        self._fell = 0
        """The number of reports when the clock fell back."""
        self._settled = 0
        """The number of reports when the system came up."""
        self._up = False
        """The system of this boot came up."""
        self._said: set[tuple[str, int]] = set()
        self._firm = 0
        self._past = b""
        self._head = b""
        """The beginning of the stream, as far as it was read when the current block came."""
        self._booted_at = 0
        """Offset after the last sign of a boot."""
        self._here = (Block(0.0, 0, b""), 0)
        self._counts: Counter[tuple[bool, bool]] = Counter()

    def feed(self, block: Block) -> None:
        """Read whole lines."""
        hot = self._scan.lines(block)
        position, number, size = 0, 0, len(block.data)
        while position < size:
            while number < len(hot) and hot[number].start - block.start < position:
                number += 1
            if number < len(hot) and (not self._open or hot[number].start - block.start == position):
                line = hot[number]
                self._hot(line, block)
            elif self._open:
                line = next(lines(block, position))
                self._cold(line, block)
            else:
                break
            position = line.end - block.start
        self._tick(self._clock.probe(block, block.start + size))
        for report in self._open:
            if not report.told and report.ready:
                report.told = True
                self.version += 1
        self._past = (self._past + block.data[-PAST:])[-PAST:]
        if len(self._head) < PAST:
            self._head += block.data[: PAST - len(self._head)]

    def finish(self) -> None:
        """Nothing more comes: what is open is as complete as it gets."""
        self.version += 1
        self._close_all()
        for report in self.reports:
            report.settled = True

    @property
    def settled(self) -> int:
        """The number of reports, from the first, that cannot change any more."""
        reports, firm = self.reports, self._firm
        edge = min(len(reports) - AT_ONCE, self._fell if self._clock.falling else len(reports))
        while firm < edge and reports[firm].firm:
            firm += 1
        self._firm = firm
        return firm

    def _hot(self, line: Line, block: Block) -> None:
        """A line with a word that some pattern begins with."""
        self._tick(self._clock.probe(block, line.start))
        self._tick([line.stamp] if line.stamp is not None else [])
        if line.prompted or UP.match(line.text):
            self._came_up(firmware=False)
        self._here = (block, line.start - block.start)
        if HANDED_OVER.match(line.text):
            self._starts = 0
        elif line.stamp is None and (match := FIRST_STAGE.match(line.text)):
            self._starts += 1
            if self._starts == FIRMWARE_STARTS:
                self._start(Report(FIRMWARE_LOOP, match, line))
        if GOODBYE.match(line.text):
            self._over = True
        elif match := BOOT.match(line.text):
            self._boot(line, match)
        for text in (*line.earlier, line.text):
            pattern, match = find(text)
            if pattern is not None and match is not None:
                self._begin(replace(line, text=text), pattern, match)
            elif text is line.text:
                self._continue(line)

    def _cold(self, line: Line, block: Block) -> None:
        self._tick(self._clock.probe(block, line.start))
        self._tick([line.stamp] if line.stamp is not None else [])
        self._continue(line)

    def _tick(self, stamps: list[float]) -> None:
        for stamp in stamps:
            match self._clock.tick(stamp):
                case "fell":
                    self._restart()
                    self._fell = len(self.reports)
                case "resumed":
                    self._close_all()
                    for report in self.reports[self._fell :]:
                        report.suppressed = report.suppressed or REPLAYED
                    self._dead = False
                    self.version += 1

    def _boot(self, line: Line, match: re.Match[str]) -> None:
        if self._reboots and not (self._over or self._dead) and self._clock.reached(self._before()) >= RAN_S:
            self._start(Report(REBOOT, match, line))
        self._over, self._booted_at = False, line.end
        kernel = KERNEL_UP.match(line.text)
        if kernel:
            self._came_up(firmware=True)
        self._restart()
        self._clock.booted()
        if line.stamp is not None:
            self._clock.tick(line.stamp)

    def _restart(self) -> None:
        """What is open belongs to the boot before."""
        self._close_all()
        self._last, self._dead, self._up = None, False, False
        self._said.clear()

    def _came_up(self, *, firmware: bool) -> None:
        for report in self.reports[self._settled :]:
            if report.pattern.tentative and (not firmware or report.pattern.firmware):
                report.suppressed = report.suppressed or CAME_UP
        self._settled, self._up = len(self.reports), not firmware
        self.version += 1

    def _begin(self, line: Line, pattern: Pattern, match: re.Match[str]) -> None:
        report = self._owner(line)
        if pattern.role is Role.PANIC:
            self._panic(line, pattern, match)
        elif self._dead or (pattern.stamped and line.stamp is None and line.start > 0):
            self._continue(line)
        elif report is not None and self._belongs_to(report, pattern, line):
            if pattern.fatal:
                report.bear_out()
            self._take(report, line)
        else:
            self._start(self._report(line, pattern, match))

    def _belongs_to(self, report: Report, pattern: Pattern, line: Line) -> bool:
        """Whether it is more of `report`; a stall longer than a leap of the clock explains is not."""
        outgrown = report.suppressed == BEFORE_IT and not self._doubt(pattern, line)
        return report.absorbs(pattern, line.text) and not outgrown

    def _panic(self, line: Line, pattern: Pattern, match: re.Match[str]) -> None:
        self.version += 1
        reason = match["what"].strip()
        report = self._owner(line)
        if report is None and SECONDARY.match(reason):
            report = self._ended_by(line)
        if report is not None and (report.pattern.fatal or SECONDARY.match(reason)):
            if report.suppressed == BEFORE_IT:
                report.suppressed = ""
            report.panic(reason)
            self._take(report, line)
        elif not self._dead:
            report = self._report(line, pattern, match)
            report.panic(reason)
            self._start(report)
        if report is None or not report.suppressed:
            self._dead = True

    def _ended_by(self, line: Line) -> Report | None:
        """The report that a panic's line ends although it is another caller's: an open one, or the last."""
        heard = [other for other in self._open if other.speaks_as(line)]
        open_one = next((other for other in heard if other.pattern.fatal), None) or next(iter(heard), None)
        last = self._last
        if open_one is None and last is not None and line.start - last.end < NEAR and last.speaks_as(line):
            self._open.append(last)
            return last
        return open_one

    def _report(self, line: Line, pattern: Pattern, match: re.Match[str]) -> Report:
        doubt, before = pattern.noise or self._doubt(pattern, line), self._before()
        if self._up and pattern.tentative and not (self._over or self._dead):
            doubt = doubt or WAS_UP
        if line.stamp is not None and self._clock.look_back(line.stamp, before):
            self._fell = len(self.reports)
        if not doubt:
            doubt = self._clock.doubt(line, before, self._beginning(), anyone=pattern.anyone)
        return Report(pattern, match, line, suppressed=doubt)

    def _beginning(self) -> bytes:
        """The first bytes of the stream, up to the hot line that is read."""
        block, position = self._here
        return self._head + block.data[: max(0, min(position, PAST - len(self._head)))]

    def _before(self) -> bytes:
        """The end of the stream before the hot line that is read, of this boot only."""
        block, position = self._here
        size = min(PAST, block.start + position - self._booted_at)
        return (self._past + block.data[max(0, position - PAST) : position])[-size:] if size > 0 else b""

    def _start(self, report: Report) -> None:
        self.version += 1
        if report.pattern.role is Role.LINE:
            key = (report.pattern.id, report.start if report.pattern.kind is FindingKind.WARNING else 0)
            if key in self._said:
                return
            if not report.suppressed:
                self._said.add(key)
        for other in [*self._open]:
            other.cut_by = other.cut_by or report
            if other.hears_of(report):
                self._close(other)
        sort = (report.fatal, bool(report.suppressed))
        if self._counts[sort] < MOST:
            self._counts[sort] += 1
            self.reports.append(report)
        if report.over:
            report.close()
            self._last = report
            return
        if len(self._open) >= AT_ONCE:
            self._close(self._open[0])
        self._open.append(report)
        report.idle = 0

    def _owner(self, line: Line) -> Report | None:
        """The open report that goes on in this line."""
        return next((report for report in reversed(self._open) if report.hears(line)), None)

    def _continue(self, line: Line) -> None:
        owner = self._owner(line)
        for report in [*self._open]:
            if report is not owner:
                report.away += 1
                if report.away >= AWAY:
                    self._close(report)
        if owner is None:
            return
        owner.away = 0
        if owner.belongs(line.text):
            self._take(owner, line)
            return
        owner.note(line.text)
        owner.idle += 1
        if owner.idle >= (PATIENCE if owner.named else MORE_PATIENCE):
            self._close(owner)

    def _take(self, report: Report, line: Line) -> None:
        report.take(line)
        report.idle = report.away = 0
        if report.over or report.size >= LONGEST:
            self._close(report)

    def _close(self, report: Report) -> None:
        self.version += 1
        report.close()
        self._open.remove(report)
        self._last = report

    def _close_all(self) -> None:
        for report in [*self._open]:
            self._close(report)


@lru_cache(maxsize=512)
def find(text: str) -> tuple[Pattern | None, re.Match[str] | None]:
    """The pattern that `text` (a line without decoration) begins, and its match."""
    if ANY.match(text):
        for pattern in PATTERNS:
            match = pattern.start.match(text)
            if match:
                return pattern, match
    return None, None
