"""Ctrl-C, SIGTERM and a terminal that is closed: what each does to a run."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.running import ending
from lab.waiting import wait_for

PROGRAM = """
import sys, time
from pathlib import Path
from lab.running import ending

place, goes_on = Path(sys.argv[1]), sys.argv[2] == "on"
over = []
with ending.signals(lambda: over.append(1), goes_on=goes_on):
    (place / "ready").touch()
    for turn in range(1000):
        print("a line for a terminal", turn, flush=True)
        if over or (place / "go").exists():
            break
        time.sleep(0.02)
print("the report is written", flush=True)
(place / "done").write_text("ended" if over else "went on")
"""
"""Stands for an orchestrator: writes to its terminal as long as it runs, and a report at the end."""
WAIT_S = 60.0


def test_a_closed_terminal_ends_a_run_in_order_and_its_report_is_written(tmp_path: Path) -> None:
    with on_a_terminal(tmp_path, "off") as orchestrator:
        close_the_terminal(orchestrator)
        assert orchestrator.wait(WAIT_S) == 0
    assert (tmp_path / "done").read_text() == "ended"


def test_a_soak_goes_on_without_its_terminal_to_its_own_end(tmp_path: Path) -> None:
    with on_a_terminal(tmp_path, "on") as orchestrator:
        close_the_terminal(orchestrator)
        (tmp_path / "go").touch()
        assert orchestrator.wait(WAIT_S) == 0
    assert (tmp_path / "done").read_text() == "went on"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_a_run_also_one_that_outlives_its_terminal(number: int) -> None:
    asked: list[int] = []
    with ending.signals(lambda: asked.append(1), goes_on=True):
        os.kill(os.getpid(), number)
    assert asked == [1]


def test_a_hangup_that_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    asked: list[int] = []
    try:
        with ending.signals(lambda: asked.append(1), goes_on=False):
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert asked == []


def test_the_signals_of_before_are_back_afterwards() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    with ending.signals(lambda: None, goes_on=False):
        pass
    assert [signal.getsignal(number) for number in numbers] == before


class Orchestrator(subprocess.Popen[bytes]):
    """A process in a session of its own whose terminal is `terminal`."""

    terminal: int


def on_a_terminal(place: Path, goes_on: str) -> Orchestrator:
    ours, theirs = pty.openpty()
    command = ["setsid", "--ctty", sys.executable, "-c", PROGRAM, str(place), goes_on]
    process = Orchestrator(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    process.terminal = ours
    os.set_blocking(ours, False)
    wait_for((place / "ready").exists, what="the orchestrator", timeout_s=WAIT_S, interval_s=0.05)
    return process


def close_the_terminal(orchestrator: Orchestrator) -> None:
    """As when the connection is dropped: the kernel sends SIGHUP, and every write fails from then on."""
    os.close(orchestrator.terminal)
