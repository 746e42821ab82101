"""How each workload is made on Windows: by the lab's own scripts, and by diskspd where the user gives it.

Awaiting a real host: the scripts have never run in a guest here, since no Windows can be installed on the
machine they were written on. What reads their output and diskspd's is tested on recorded text.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.workloads import diskspd
from lab.workloads.means import Means, Task, alone, of_operations, operations
from lab.workloads.sizing import GuestSize

DRIVERS = "Beep Ndu"
"""In Windows since 2000 and 8; both can be stopped and started at any time by `sc.exe`."""
PACKAGE = "package"
"""The user's MSI (`tools:` in lab.yaml)."""
HOME = "C:\\ProgramData\\lab-load"


def _memory(size: GuestSize, intensity: float) -> Task:
    target = size.memory_target_mib(intensity)
    return Task(op="pages", workers=size.workers(0.5), settings={"cycle_mib": target}, takes_mib=target // 2)


def _large(size: GuestSize, intensity: float) -> Task:
    target = size.file_target_mib(intensity)
    command = diskspd.command(threads=size.workers(intensity), target_mib=target)
    return Task(workers=0, command=command, settings={"target_mib": target, "tool": "diskspd.exe"})


def _synced(size: GuestSize, intensity: float) -> Task:
    command = diskspd.synced(threads=size.workers(intensity))
    return Task(workers=0, command=command, settings={"tool": "diskspd.exe"})


def _script(plan: Callable[[GuestSize, float], Task], times: str, *needs: str) -> Means:
    return Means(tool="powershell", needs=needs, plan=plan, read=of_operations, counts=times, times=times)


def _diskspd(plan: Callable[[GuestSize, float], Task], counts: str) -> Means:
    return Means(
        tool="diskspd", needs=("diskspd",), plan=plan, read=diskspd.read, counts=counts, times="one of them"
    )


WINDOWS: dict[str, tuple[Means, ...]] = {
    "cpu": (_script(operations("spin"), "20,000 turns of a loop"),),
    "memory": (_script(_memory, "4 MiB of memory taken"),),
    "files-small": (_script(operations("file"), "a small file made, renamed, hashed and deleted"),),
    "files-open": (_script(operations("open"), "a file opened and closed, 100 times"),),
    "files-large": (
        _diskspd(_large, "reads and writes of 64 KiB at random places"),
        _script(operations("blocks"), "4 MiB written through to the disk and read again"),
    ),
    "files-sync": (_diskspd(_synced, "writes of 4 KiB through to the disk"),),
    "processes": (_script(operations("fork", per_vcpu=2.0), "a process started and waited for"),),
    "threads": (_script(operations("thread"), "ten threads started and waited for"),),
    "modules": (_script(alone("driver", drivers=DRIVERS), "a kernel driver stopped and started"),),
    "network": (_script(operations("connect"), "a TCP connection over the loopback, a line there and back"),),
    "timers": (_script(operations("sleep", per_vcpu=8.0), "what a sleeper of 10 ms wakes up too late"),),
    "logins": (_script(operations("login"), "an interactive logon of a local account"),),
    "packages": (
        _script(
            alone("package", package=f"{HOME}\\tools\\{PACKAGE}.msi"),
            "an MSI installed and removed",
            PACKAGE,
        ),
    ),
    "pauses": (
        _script(
            lambda _size, intensity: Task(op="pause", pace_ms=round(1000 / intensity)),
            "programs and services held for a second (without that second)",
        ),
    ),
    "agent-activity": (_script(operations("event"), "one event that the agent must see"),),
}
