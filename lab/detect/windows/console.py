"""Windows trouble on a serial console: EMS, kernel-debugger and boot-manager text, one report per event.

A report begins with a sign and goes on for as long as rows tell more of it; several texts of one stop
(EMS and the text screen) are one report. Works on lines as they complete, so the result does not
depend on how the stream was cut. Once Linux is seen on the console, Windows' texts on it are
somebody's files and are not read. Refuses to know about other channels.
"""

from __future__ import annotations

import re

from lab.detect.lines import LIMIT, Block, line_start
from lab.detect.windows.reports import WindowsReport
from lab.detect.windows.rows import Row, rows_of
from lab.detect.windows.signs import (
    BOOT,
    BOOT_MANAGER,
    GOES_ON,
    LINUX,
    NEEDLES,
    NEEDLES_ON_LINUX,
    POST_MORTEM,
    SIGNS,
    Sign,
)

PATIENCE = 40
"""Rows in a row that tell nothing new before a report is over; the advice of a stop screen has 25."""
LONGEST = 400
"""Rows of a report: `!analyze -v` prints 150 to 300."""
MOST = 300
"""Reports that are kept: a machine that stops for ever must not fill the memory."""
MOST_ROWS = 400_000
"""Rows that are looked at closely, at some 20 microseconds each; after that the console is hostile."""
SECOND_HAND = "a debugger's report on a dump file, not this machine's console"


class WindowsConsole:
    """Reports in the order in which they began."""

    def __init__(self) -> None:
        self.reports: list[WindowsReport] = []
        self.version = 0
        """Grows whenever a report was begun, continued or closed."""
        self._open: WindowsReport | None = None
        self._silent = 0
        self._rows = 0
        self._looked = 0
        self._cut = ""
        """Row that the limit on lines has cut in two: its first part."""
        self._linux = False
        self._post_mortem = False

    def feed(self, block: Block) -> None:
        """Read whole lines."""
        needles, data = Needles(block.data), block.data
        position = cursor = 0
        while position < len(data) and not self._full():
            if self._open is not None:
                position = cursor = self._line(block, position)
                continue
            hit, needle = needles.next(NEEDLES_ON_LINUX if self._linux else NEEDLES, cursor)
            if hit < 0:
                return
            position, cursor = line_start(block, hit, position), hit + 1
            if hit + len(needle) > line_end(data, position):
                continue  # cut in two by the limit on lines
            if not self._told(needle):
                position = cursor = self._line(block, position)

    def finish(self) -> None:
        """Nothing more comes: what is open is as complete as it gets."""
        self._close()

    def _full(self) -> bool:
        """Whether enough was found, or looked at, for a lifetime."""
        return self._looked >= MOST_ROWS or (self._open is None and len(self.reports) >= MOST)

    def _line(self, block: Block, position: int) -> int:
        """Look closely at the line from `position` on; where it ends."""
        end = line_end(block.data, position)
        raw = block.data[position:end]
        for row in self._whole(rows_of(raw, block.start + position, block.t_s), raw):
            self._looked += 1
            self._row(row)
        return end

    def _told(self, needle: bytes) -> bool:
        """Whether it tells whose console this is, rather than of trouble."""
        if needle == LINUX:
            self._linux = True
        elif needle == BOOT_MANAGER:
            self._linux = False
        elif needle == POST_MORTEM:
            self._post_mortem = True
        else:
            return False
        return True

    def _whole(self, rows: list[Row], raw: bytes) -> list[Row]:
        """Rows with the one completed that the limit on lines cut in two; only inside a report."""
        if self._cut and rows:
            first = rows[0]
            rows[0] = Row(first.t_s, first.start, first.end, self._cut + first.text)
        self._cut = ""
        if self._open is not None and rows and len(raw) == LIMIT and not raw.endswith(b"\n"):
            self._cut = rows[-1].text[-LIMIT:]
        return rows

    def _row(self, row: Row) -> None:
        report = self._open
        if report is not None and self._over(row):
            report = None
        sign, match = begun(row.text, linux=self._linux)
        if sign is not None and match is not None:
            self._begin(sign, match, row)
        elif report is not None:
            self._continue(report, row)

    def _over(self, row: Row) -> bool:
        """Whether this row belongs to another start of the machine, which ends what is open."""
        linux = LINUX.decode() in row.text
        if not linux and not BOOT.search(row.text):
            return False
        self._close()
        self._linux, self._post_mortem = linux, False
        return True

    def _begin(self, sign: Sign, match: re.Match[str], row: Row) -> None:
        report = self._open
        if report is not None and report.same(sign, match):
            report.sure = report.sure or sign.sure
            report.end = row.end
            self._continue(report, row)
            return
        self._close()
        suppressed = SECOND_HAND if self._post_mortem and sign.id.startswith("analysis") else ""
        report = WindowsReport(sign, match, row, suppressed)
        self._open, self._silent, self._rows = report, 0, 0
        self._show(report)

    def _continue(self, report: WindowsReport, row: Row) -> None:
        self._rows += 1
        if self._take(report, row):
            self._silent = 0
        else:
            self._silent += 1
        if self._silent >= PATIENCE or self._rows >= LONGEST:
            self._close()

    def _take(self, report: WindowsReport, row: Row) -> bool:
        taken = report.take(row)
        if taken:
            self.version += 1
            self._show(report)
        return taken

    def _show(self, report: WindowsReport) -> None:
        self.version += 1
        if (
            report.sure
            and len(self.reports) < MOST
            and not any(known is report for known in self.reports[-1:])
        ):
            self.reports.append(report)

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open, self._cut = None, ""
            self.version += 1


class Needles:
    """Where each needle occurs next in one block; no byte is searched twice for the same needle."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._next: dict[bytes, int] = {}

    def next(self, needles: tuple[bytes, ...], position: int) -> tuple[int, bytes]:
        """The first occurrence of any of them from `position` on; (-1, b"") for none."""
        first, found = -1, b""
        for needle in needles:
            at = self._next.get(needle, -2)
            if at != -1 and at < position:
                at = self._next[needle] = self._find(needle, position)
            if at >= 0 and (first < 0 or at < first):
                first, found = at, needle
        return first, found

    def _find(self, needle: bytes, position: int) -> int:
        goes_on = GOES_ON.get(needle)
        at = self._data.find(needle, position)
        while goes_on is not None and at >= 0 and not goes_on.match(self._data, at):
            at = self._data.find(needle, at + 1)
        return at


def line_end(data: bytes, position: int) -> int:
    """Where the line (or the piece of a line that is too long) from `position` on ends."""
    newline = data.find(b"\n", position, position + LIMIT)
    return newline + 1 if newline >= 0 else min(position + LIMIT, len(data))


def begun(text: str, *, linux: bool) -> tuple[Sign | None, re.Match[str] | None]:
    """The sign that a row holds, and its match."""
    for sign in SIGNS:
        if linux and not sign.on_linux:
            continue
        match = sign.row.search(text)
        if match is not None:
            return sign, match
    return None, None
