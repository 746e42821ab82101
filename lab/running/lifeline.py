"""A process of the lab ends with its orchestrator: when that dies, asks for an end, or sends SIGTERM."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from types import FrameType

from lab.running import owner
from lab.running.watch import Cancelled

CHECK_S = 1.0


def attach(stop: Path | None = None) -> None:
    """From now on this process unwinds through every clean-up when its time has come.

    :param stop: a file whose existence asks for an end.
    """
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(os.getppid(), stop), name="lifeline", daemon=True).start()


def _terminate(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Cancelled("cancelled by the orchestrator")


def _follow(parent: int, stop: Path | None) -> None:
    while not owner.gone(parent, CHECK_S) and not (stop is not None and stop.exists()):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
