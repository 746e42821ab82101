"""Console bytes to lines: the same lines however the stream is cut, in bounded memory.

Also takes off what is not the kernel's message: ANSI sequences, syslog and `<4>` prefixes,
time stamps, caller ids. Refuses to know what a line means.

Nearly all text is healthy and need not become lines at all: detectors give the words that interest
them to one `lab.detect.hotwords.HotWords`, and take `scan.lines(block)`, scanned and parsed once for
all of them. A detector that must see each line for a while (inside a report) goes on from a hot line
with `lines(block, position)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from lab.model import SerialChunk

LIMIT = 2048
"""Bytes; a longer line is several lines. The kernel's longest (LOG_LINE_MAX) is about 1024."""

ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[()*+][0-9A-B]|[@-Z\\-_=>78c])")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
DATE = (
    r"\[?(?:(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?(?: \d{4})?|"
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)\]?"
)
SYSLOG = re.compile(DATE + r" (?:[\w.:-]{1,80} )?kernel(?:\[\d+\])?: ?", re.ASCII)
"""`Nov 23 05:57:54 host kernel: `, from syslog or `journalctl -k`."""
COLLECTED = re.compile(
    DATE + r":? (?=[\[<]|$)|"
    r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)|"
    r"\[\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]) (?=\S| )",
    re.ASCII,
)
"""The time at which a collector of console logs received the line. Only where it says its zone, or stands in
brackets, does it come before lines that do not begin with a stamp: programs' own logs say the time too."""
LOGIN = re.compile(r"[\w.-]{1,64} login: +(?=\S)", re.ASCII)
"""A prompt into which the kernel printed."""
LEVEL = re.compile(r"<\d{1,3}>", re.ASCII)
STAMP = re.compile(r"\[ {0,6}(\d{1,8}\.\d{6})\]", re.ASCII)
"""CONFIG_PRINTK_TIME: `[   12.345678]`, wherever a prompt or a login banner left the cursor."""
CALLER = re.compile(r" ?\[ *([TC]\d{1,8})\]", re.ASCII)
"""CONFIG_PRINTK_CALLER: `[  T123]` (task) or `[   C0]` (CPU)."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines that arrived together; `start` is the offset of `data` in serial.log."""

    t_s: float
    start: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the console without its decoration."""

    t_s: float
    start: int
    end: int
    """Offset after the line end."""
    text: str
    stamp: float | None
    """Seconds since the kernel started, where it says so."""
    caller: str = ""
    """Who printed it, where the kernel says so: `T123` (task 123) or `C0` (CPU 0 in an interrupt)."""
    earlier: tuple[str, ...] = ()
    """Messages on the same line that others cut off, in order; the first may be no kernel's."""
    logged: bool = False
    """It carries the prefix of a system log."""
    prompted: bool = False
    """A login prompt stood before it."""
    levelled: bool = False
    """It carries the `<4>` of a kernel log that was saved; a console prints none."""


class LineStream:
    """Holds back an unfinished line until the rest of it arrives."""

    def __init__(self) -> None:
        self._tail = b""
        self._next = 0
        self._t_s = 0.0

    def feed(self, chunk: SerialChunk) -> Block | None:
        """The whole lines that `chunk` completes, if any. Bytes seen before are dropped; after a gap a
        new line starts."""
        data, start = chunk.data, chunk.start
        if start < self._next:
            data, start = data[self._next - start :], self._next
        if not data:
            return None
        self._t_s = chunk.t_s
        if start > self._next:
            self._tail = b""
        self._next = start + len(data)
        data = self._tail + data
        whole = data.rfind(b"\n") + 1
        whole += (len(data) - whole) // LIMIT * LIMIT
        self._tail = data[whole:]
        first = self._next - len(data)
        return Block(chunk.t_s, first, data[:whole]) if whole else None

    def finish(self) -> Block | None:
        """The unfinished last line."""
        data, self._tail = self._tail, b""
        return Block(self._t_s, self._next - len(data), data) if data else None


def lines(block: Block, position: int = 0) -> Iterator[Line]:
    """The lines of `block` from the one that starts at `position`."""
    data, size = block.data, len(block.data)
    while position < size:
        newline = data.find(b"\n", position, position + LIMIT)
        end = newline + 1 if newline >= 0 else min(position + LIMIT, size)
        yield parse(data[position:end], block.start + position, block.t_s)
        position = end


def line_start(block: Block, position: int, at_least: int) -> int:
    """Where the line that holds `position` starts, given that `at_least` is a line start."""
    found = max(block.data.rfind(b"\n", at_least, position) + 1, at_least)
    return found + (position - found) // LIMIT * LIMIT


def parse(raw: bytes, start: int, t_s: float) -> Line:
    """One line: decoration off, UTF-8 with replacement."""
    text = raw.decode("utf-8", "replace").rstrip("\r\n")
    if not text.isprintable():
        text = _printable(text)
    logged = levelled = False
    if not text.startswith(("[ ", "<")) and (prefix := SYSLOG.match(text) or COLLECTED.match(text)):
        logged, text = True, text[prefix.end() :]
    if text.startswith("<") and (level := LEVEL.match(text)):
        levelled, text = True, text[level.end() :]
    stamps = list(STAMP.finditer(text)) if "]" in text else []
    prompted = False
    if not stamps and " login: " in text:
        text, count = LOGIN.subn("", text, count=1)
        prompted = count > 0
    earlier: tuple[str, ...] = ()
    if stamps:
        edges = [(0, stamps[0].start()), *((a.end(), b.start()) for a, b in pairwise(stamps))]
        earlier = tuple(part for part in (_message(text[a:b])[1] for a, b in edges) if part)
        text = text[stamps[-1].end() :]
    caller, text = _message(text)
    return Line(
        t_s=t_s,
        start=start,
        end=start + len(raw),
        text=text,
        stamp=float(stamps[-1][1]) if stamps else None,
        caller=caller,
        earlier=earlier,
        logged=logged,
        levelled=levelled,
        prompted=prompted,
    )


def _printable(text: str) -> str:
    """What is left on the screen."""
    if "\x1b" in text:
        text = ANSI.sub("", text)
    for eraser in "\r\b":  # what a firmware menu overwrites is not on the screen any more
        text = text.rpartition(eraser)[2]
    return CONTROL.sub("", text)


def _message(text: str) -> tuple[str, str]:
    """The caller id and the rest."""
    caller = CALLER.match(text)
    return (caller[1], text[caller.end() :].strip()) if caller else ("", text.strip())
