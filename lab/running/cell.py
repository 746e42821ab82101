"""The process of one attempt: `python -m lab.running.cell ORDER.json`.

It runs one scenario under pytest and exits 0 whatever the guest did: what happened is in the
recording. It ends itself (and its guest) when its parent dies, when the run is asked to stop, or on
SIGTERM; a soak goes on to its end when its parent dies, so that days are not lost with a terminal.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lab import codec, log
from lab.machine import embedded
from lab.running import lifeline, owner
from lab.running.order import CellOrder
from lab.running.rundir import stop_file


def main(arguments: list[str]) -> int:
    """Run the attempt that `arguments[0]` orders."""
    log.setup(verbose=bool(os.environ.get("LAB_VERBOSE")))
    path = Path(arguments[0])
    order = codec.read(CellOrder, path)
    embedded.hold_root()  # removed by whoever started us, who need not wait for libvirt
    lifeline.attach(stop_file(order.recording), alone_s=order.deadline_s if order.scenario.soak else 0.0)
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


if __name__ == "__main__":
    owner.adopt()
    sys.exit(main(sys.argv[1:]))
