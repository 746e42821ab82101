"""What a machine takes of its host's memory for itself: pages that no other process shares with it."""

from __future__ import annotations

import re
from pathlib import Path

from lab.machine import embedded
from lab.machine.machine import Machine

_PRIVATE = re.compile(r"^Private_(?:Dirty|Clean):\s+(\d+) kB", re.MULTILINE)
PROC = Path("/proc")


def private_mib(machine: Machine) -> int:
    """Of its QEMU, in MiB; 0 where that runs on another host, or not any more."""
    if not embedded.is_embedded(machine.order.uri):
        return 0
    pid_file = embedded.pid_file(embedded.process_root(machine.places), machine.name)
    try:
        return of_process(int(pid_file.read_text()))
    except (OSError, ValueError):
        return 0


def of_process(pid: int | str = "self", proc: Path = PROC) -> int:
    """Of one process, in MiB.

    :raise OSError: there is none.
    """
    text = (proc / str(pid) / "smaps_rollup").read_text(encoding="ascii")
    return sum(map(int, _PRIVATE.findall(text))) // 1024
