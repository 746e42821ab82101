"""Time is taken from a real process that stands for QEMU; a slow host alone proves nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from lab.faults.processor import Starved
from lab.model import Family

LOOPS_S = 0.5
"""What the loop in the guest takes, whoever made it slow."""


@pytest.fixture
def qemu() -> Iterator[psutil.Process]:
    """A process that sleeps."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield psutil.Process(process.pid)
    process.kill()
    process.wait()


def starved(qemu: psutil.Process, share: float) -> Starved:
    done: Any = SimpleNamespace(ok=True)

    def run(_command: object) -> Any:
        time.sleep(LOOPS_S)
        return done

    subject: Any = SimpleNamespace(
        machine=SimpleNamespace(process=lambda: qemu), guest=SimpleNamespace(run=run), family=Family.LINUX
    )
    return Starved(subject, {"share": share})


def test_what_was_taken_is_proven_by_how_long_the_process_stood_still(qemu: psutil.Process) -> None:
    fault = starved(qemu, 0.2)
    fault.inject()
    proof = fault.prove()
    assert fault.undo() == "QEMU is stopped no more"
    assert "QEMU stood still" in proof
    assert qemu.status() != psutil.STATUS_STOPPED


def test_a_loop_that_is_slow_for_another_reason_is_no_proof(
    qemu: psutil.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host may have become busy while nothing at all stopped QEMU."""
    fault = starved(qemu, 0.9)
    monkeypatch.setattr(fault, "_run", lambda: None)
    monkeypatch.setattr(fault._thread, "_target", lambda: None)
    fault.inject()
    fault._before_s = LOOPS_S / 10
    assert fault.prove() == ""
    fault.undo()
