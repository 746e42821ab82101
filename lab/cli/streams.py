"""Standard streams that end no command: a reader who has gone, a stream that was closed, an odd locale.

`lab run | head` must exit with the gate's decision, and not with what became of the pipe. Refuses to hide
that a result could not be written: a full disk is an error.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TextIO

STREAMS = {1: "stdout", 2: "stderr"}


def prepare() -> None:
    """Make the streams of this process ready, before anything else is opened."""
    for number in (0, *STREAMS):
        _open(number)
    for number, name in STREAMS.items():
        stream = getattr(sys, name)
        if stream is None or (isinstance(stream, io.TextIOWrapper) and stream.fileno() == number):
            setattr(sys, name, writer(number, stream))


def writer(number: int, like: TextIO | None = None) -> io.TextIOWrapper:
    """Text to the descriptor `number`; what its encoding cannot say is written as an escape."""
    raw = _Patient(number, "wb", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=(like.encoding if like is not None else None) or "utf-8",
        errors="backslashreplace",
        line_buffering=number == 2 or raw.isatty(),
    )


def flush() -> None:
    """Write out what is buffered.

    :raise OSError: it cannot be written; stdout is given up then.
    """
    try:
        sys.stdout.flush()
    except OSError:
        _point_nowhere(1)
        raise


class _Patient(io.FileIO):
    """Goes on when nobody reads any more: the pipe's end, or a terminal that was closed."""

    def write(self, data: object, /) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            hung_up = error.errno == errno.EIO and self.isatty()
            if error.errno != errno.EPIPE and not hung_up:
                raise
            _point_nowhere(self.fileno())
            return len(data)  # type: ignore[arg-type]


def _open(number: int) -> None:
    """Where a stream is closed, the next file that is opened would get its number, and its text."""
    try:
        os.fstat(number)
    except OSError:
        _point_nowhere(number)


def _point_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
