"""A signal that ends a run comes at any moment, also while the main loop takes an event."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import queue, signal, time
from lab.running.fleet import Fleet

fleet = Fleet((), "")
asked = 0

def stop(*_):
    global asked
    asked += 1
    fleet.stop()

signal.signal(signal.SIGALRM, stop)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
while asked < 1000:
    try:
        fleet._events.get(timeout=0.0005)
    except queue.Empty:
        pass
signal.setitimer(signal.ITIMER_REAL, 0)
print("still there")
"""
"""A queue with a lock of Python's is held by the very thread that the handler runs in, sooner or later."""


def test_a_thousand_orders_to_stop_never_find_the_main_loop_locked() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "still there", done.stderr[-500:]
