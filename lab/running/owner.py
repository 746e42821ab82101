"""A cell process's line to whoever started it: what it tells, and how it learns that it is alone.

One end of a socket pair: the orchestrator's end closes when that process ends, however it ends, and the
kernel says so at once. Refuses to know what becomes of the news.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import time

VARIABLE = "LAB_OWNER"
"""Number of the descriptor, for a process that was not forked with the line in hand."""
ANSWERED = "answered"
"""The guest has answered for the first time: its start is over."""

_line: socket.socket | None = None
_told: set[str] = set()


def adopt(line: socket.socket | None = None) -> None:
    """Take over the line: the one given, or the one that the environment names."""
    global _line  # noqa: PLW0603 - a process has one owner
    _told.clear()
    number = os.environ.pop(VARIABLE, "")
    if line is None and number.isdigit():
        line = socket.socket(fileno=int(number))
        line.set_inheritable(False)
    _line = line


def tell(event: str) -> None:
    """Say it once; without an owner that listens, nothing happens."""
    if _line is None or event in _told:
        return
    _told.add(event)
    with contextlib.suppress(OSError):
        _line.send(json.dumps({"event": event}).encode(), socket.MSG_DONTWAIT)


def gone(parent: int, within_s: float) -> bool:
    """Whether the owner has ended; returns at once when it has, else after `within_s`.

    :param parent: pid of the parent when this process began, the sign where there is no line.
    """
    if _line is None:
        time.sleep(within_s)
        return os.getppid() != parent
    poller = select.poll()
    poller.register(_line, select.POLLHUP)  # nothing is read here, so only the end wakes it
    return bool(poller.poll(within_s * 1000))
