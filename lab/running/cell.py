"""The process of one attempt: `python -m lab.running.cell ORDER.json`.

It runs one scenario under pytest and exits 0 whatever the guest did: what happened is in the
recording. It ends itself (and its guest) when its parent dies, when the run is asked to stop, or on
SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from lab import codec, log
from lab.running.order import CellOrder
from lab.running.rundir import stop_file
from lab.running.watch import Cancelled

CHECK_S = 1.0


def main(arguments: list[str]) -> int:
    """Run the attempt that `arguments[0]` orders."""
    log.setup(verbose=bool(os.environ.get("LAB_VERBOSE")))
    path = Path(arguments[0])
    order = codec.read(CellOrder, path)
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(
        target=_follow, args=(os.getppid(), stop_file(order.recording)), name="end-watch", daemon=True
    ).start()
    return run_scenario(order, path)


def run_scenario(order: CellOrder, path: Path) -> int:
    """One pytest run of one node; its own output goes to pytest.log in the recording."""
    import pytest

    os.environ["LAB_CELL"] = order.cell.id
    node = f"{order.root / order.scenario.path}::{order.scenario.function}"
    options = [
        node,
        f"--lab-order={path}",
        f"--rootdir={order.root}",
        "--tb=short", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faulthandler",
        "-o", "addopts=", "-o", "filterwarnings=", "--capture=no",
    ]  # fmt: skip
    code = pytest.main(options)
    return 0 if int(code) in (0, 1) else int(code)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    """The orchestrator wants an end: unwind through every clean-up."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Cancelled("cancelled by the orchestrator")


def _follow(parent: int, stop: Path | None) -> None:
    """End the same way as by SIGTERM: a cell without its orchestrator is a leftover, and a run that
    is asked to stop asks all of its cells."""
    while os.getppid() == parent and not (stop is not None and stop.exists()):
        time.sleep(CHECK_S)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
