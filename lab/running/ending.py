"""What ends a run before its last cell: Ctrl-C, SIGTERM, and a terminal that is closed (SIGHUP).

Owns the signals of an orchestrator. A closed terminal ends a run in order, as Ctrl-C does, or a long run goes
on without it; either way nothing is written to it any more, since each write would fail. Refuses to end a
guest itself.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

ORDERLY = (signal.SIGINT, signal.SIGTERM)
SCREENS = (1, 2)
"""Standard output and error."""


@contextmanager
def signals(end: Callable[[], None], *, goes_on: bool) -> Iterator[None]:
    """While inside, the signals call `end` in the main thread, however often they come.

    A SIGHUP that is ignored already (`nohup`) stays so.

    :param goes_on: a closed terminal ends nothing.
    """
    terminals = [number for number in SCREENS if os.isatty(number)]
    gone = False

    def asked(_number: int, _frame: FrameType | None) -> None:
        end()

    def hung_up(_number: int, _frame: FrameType | None) -> None:
        nonlocal gone
        gone = True
        _blank(terminals)
        if not goes_on:
            end()

    before = {number: signal.signal(number, asked) for number in ORDERLY}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, hung_up)
    try:
        yield
    finally:
        if gone:
            before[signal.SIGHUP] = signal.SIG_IGN  # the report is still to be written
        for number, handler in before.items():
            signal.signal(number, handler)


def _blank(terminals: Sequence[int]) -> None:
    """Let what is written to a terminal that is gone go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in terminals:
            os.dup2(nowhere, number)
    finally:
        os.close(nowhere)
