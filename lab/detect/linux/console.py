"""Kernel trouble on the serial console: whole reports, one per crash, with title and byte range.

A report runs from its first line to its last; an oops that ends in a panic is one report. After
a panic nothing new is reported until the guest boots again. Works on lines as they complete, so
the result does not depend on how the stream was cut. Refuses to know about other channels.
"""

from __future__ import annotations

import re

from lab.detect.lines import Block, Line, line_start, lines
from lab.detect.linux.frames import pointer
from lab.detect.linux.patterns import BOOT, BOOT_HOT, PATTERNS, SECONDARY, Pattern, Role
from lab.detect.linux.reports import Report

HOT = re.compile(
    b"|".join(re.escape(word) for word in sorted({*BOOT_HOT, *(w for p in PATTERNS for w in p.hot)}))
)
PATIENCE = 12
"""Lines in a row that do not belong to a report before it is over."""
LONGEST = 600
"""Lines of a report; an all-CPU backtrace has a few hundred."""
MOST = 300
"""Reports of each sort (fatal or not) that are kept: a guest that warns for ever must not fill the memory."""
NEXT_BOOT_DROP_S = 1.0
"""Time stamps that fall by more belong to another boot; CPUs interleave by milliseconds only."""


class Console:
    """Reports in the order in which they began."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.version = 0
        """Grows whenever a report was begun, continued or closed."""
        self._open: Report | None = None
        self._last: Report | None = None
        self._dead = False
        self._strange = 0
        self._stamp: float | None = None

    def feed(self, block: Block) -> None:
        """Read whole lines."""
        position = 0
        while position < len(block.data):
            if self._open is None and not self._dead:
                hot = HOT.search(block.data, position)
                if hot is None:
                    return
                position = line_start(block, hot.start(), position)
            line = next(lines(block, position))
            self._line(line)
            position = line.end - block.start

    def finish(self) -> None:
        """Nothing more comes: what is open is as complete as it gets."""
        self._close()

    def _line(self, line: Line) -> None:
        self.version += 1
        if self._booted(line):
            self._close()
            self._last, self._dead, self._stamp = None, False, line.stamp
        pattern, match = find(line.text)
        if pattern is not None and match is not None:
            self._begin(line, pattern, match)
        elif self._open is not None:
            self._continue(self._open, line)

    def _booted(self, line: Line) -> bool:
        before = self._stamp
        self._stamp = line.stamp if line.stamp is not None else before
        if BOOT.match(line.text):
            return True
        return before is not None and line.stamp is not None and line.stamp < before - NEXT_BOOT_DROP_S

    def _begin(self, line: Line, pattern: Pattern, match: re.Match[str]) -> None:
        report = self._open
        if pattern.role is Role.PANIC:
            self._panic(line, pattern, match)
        elif self._dead:
            if report is not None:
                self._continue(report, line)
        elif report is not None and report.absorbs(pattern):
            self._take(report, line)
        else:
            self._close()
            self._start(Report(pattern, match, line))

    def _panic(self, line: Line, pattern: Pattern, match: re.Match[str]) -> None:
        reason = match["what"].strip()
        report = self._open
        if report is None and self._last is not None and SECONDARY.match(reason):
            report = self._open = self._last
        if report is not None and (report.pattern.fatal or SECONDARY.match(reason)):
            report.panic(reason)
            self._take(report, line)
        elif not self._dead:
            self._close()
            report = Report(pattern, match, line)
            report.panic(reason)
            self._start(report)
        self._dead = True

    def _start(self, report: Report) -> None:
        if sum(known.fatal == report.fatal for known in self.reports) < MOST:
            self.reports.append(report)
        self._open, self._strange = report, 0

    def _continue(self, report: Report, line: Line) -> None:
        if report.belongs(line.text):
            self._take(report, line)
            return
        self._strange += 1
        if self._strange >= PATIENCE:
            self._close()

    def _take(self, report: Report, line: Line) -> None:
        report.take(line)
        self._strange = 0
        if report.over or report.size >= LONGEST:
            self._close()

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._last, self._open = self._open, None


def find(text: str) -> tuple[Pattern | None, re.Match[str] | None]:
    """The pattern that `text` (a line without decoration) begins, and its match."""
    if pointer(text):
        return None, None
    for pattern in PATTERNS:
        match = pattern.start.match(text)
        if match:
            return pattern, match
    return None, None
