"""Ends that nobody takes note of: libvirt hands a QEMU to init, which may be slow, or no init at all.

libvirt waits for a QEMU that it ends until its process number is gone. In a container the process
number 1 is often a program that looks for ended orphans every second, or never. So a process that runs
guests adopts its orphans, and takes note of the end of its own QEMU at once. libvirt also starts QEMUs of
its own, to ask them what they can do; their ends are noted when nobody has done so for a moment, since
libvirt would wait for them for ever. No other child is touched: those have parents that wait for them.
Ending a guest under such an init: 1.4 to 1.8 s without, 0.2 s with.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import time
from pathlib import Path

from lab.clock import Deadline

PR_SET_CHILD_SUBREAPER = 36
"""linux/prctl.h; since Linux 3.4."""
LOOK_S = 0.02
UNWANTED_S = 0.3
"""An ended QEMU that is somebody's child is waited for long before."""
QEMU = b"(qemu-system"
APPEARS_S = 120.0
"""For a QEMU that libvirt was told to start; one that never comes is not waited for."""


def follow(directory: Path, *names: str) -> None:
    """Take note of the ends of what libvirt will start and write numbers of into `directory`.

    Call it before it is started: a QEMU that fails to start ends while libvirt still starts it.

    :param names: patterns of file names, one per process.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if os.getpid() not in _looking:
        _looking.add(os.getpid())
        threading.Thread(target=_look_after_orphans, name="reaping-orphans", daemon=True).start()
    for name in names:
        threading.Thread(target=_wait, args=(directory, name), name="reaping", daemon=True).start()


def _wait(directory: Path, name: str) -> None:
    deadline = Deadline.after(APPEARS_S)
    while not deadline.passed:
        found = next(directory.glob(name), None)
        try:
            if found is not None:
                os.waitpid(int(found.read_text()), 0)
                return
        except (OSError, ValueError):
            pass  # not written yet, or not ours yet: its first parent is about to end
        time.sleep(LOOK_S)


_looking: set[int] = set()
"""Processes in which orphans are looked after: a forked one has to begin anew."""


def _look_after_orphans() -> None:
    since: dict[int, float] = {}
    while True:
        time.sleep(UNWANTED_S / 3)
        now, ended = time.monotonic(), [pid for pid in _children() if _is_ended_qemu(pid)]
        since = {pid: since.get(pid, now) for pid in ended}
        for pid, seen in since.items():
            if now - seen >= UNWANTED_S:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)


def _children() -> list[int]:
    """Of all threads of this process."""
    found: list[int] = []
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, path.read_text().split())
    return found


def _is_ended_qemu(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return QEMU in stat and stat.rpartition(b")")[2].split()[:1] == [b"Z"]
