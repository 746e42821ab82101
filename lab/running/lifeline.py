"""A process of the lab ends with its orchestrator: when that dies, asks for an end, or sends SIGTERM."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from types import FrameType

from lab.clock import Deadline
from lab.running import owner
from lab.running.watch import Cancelled

CHECK_S = 1.0


def attach(stop: Path | None = None, *, alone_s: float = 0.0) -> None:
    """From now on this process unwinds through every clean-up when its time has come.

    :param stop: a file whose existence asks for an end.
    :param alone_s: how long from now it may go on without its orchestrator (a soak); 0: not at all.
    """
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(os.getppid(), stop, alone_s), name="lifeline", daemon=True).start()


def _asked(stop: Path | None) -> bool:
    return stop is not None and stop.exists()


def _terminate(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Cancelled("cancelled by the orchestrator")


def _follow(parent: int, stop: Path | None, alone_s: float) -> None:
    deadline = Deadline.after(alone_s)
    while not owner.gone(parent, CHECK_S) and not _asked(stop):
        pass
    while not deadline.passed and not _asked(stop):
        time.sleep(CHECK_S)
    os.kill(os.getpid(), signal.SIGTERM)
