"""How each workload is made on Linux: with stress-ng and fio, and with shell for what they do not cover.

Tables and plain functions of size and intensity. Where the better tool is missing, the shell's own way is
taken if it loads the same thing honestly (busybox guests); the recording says which it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lab.workloads import fio, stressng
from lab.workloads.means import PROBE_MS, Means, Task, alone, of_operations, operations
from lab.workloads.sizing import GuestSize

SPIN = "2,000 additions in a shell, while the CPUs are busy"
PAGES = "4 MiB of memory taken"
CYCLE_MIB = 24
FORK = "a process started and waited for"
CONNECT = "a TCP connection over the loopback, a request and its answer"
PORT = 18017
FILE = "a small file made, renamed, hashed and deleted"

MODULES = "dummy ifb nlmon veth tcp_bbr tcp_htcp sch_tbf xfrm_user cuse ip_gre loop"
"""Harmless modules of which the first that is not loaded yet, and can be, is loaded and unloaded."""


def _beside(
    stressors: Callable[[GuestSize, float], str], op: str, **settings: str | int
) -> Callable[[GuestSize, float], Task]:
    """stress-ng for the load, and one paced worker that times an operation beside it."""

    def plan(size: GuestSize, intensity: float) -> Task:
        command = stressng.command(stressors(size, intensity))
        return Task(op=op, pace_ms=PROBE_MS, command=command, settings=settings)

    return plan


def _cpu(size: GuestSize, intensity: float) -> str:
    return f"--cpu {size.workers(intensity)} --cpu-load {max(1, round(100 * size.duty(intensity)))}"


def _memory(size: GuestSize, intensity: float) -> Task:
    """stress-ng holds and writes most of the target (it divides the bytes among its workers); one worker
    takes and gives back the rest, and is timed: what is left of the memory is what programs fight for."""
    target = size.memory_target_mib(intensity)
    held = max(4, target - CYCLE_MIB)
    stressors = f"--vm {size.workers(0.5)} --vm-bytes {held}m --vm-keep --vm-populate --vm-method write64"
    return Task(
        op="pages",
        command=stressng.command(stressors),
        takes_mib=held // 2,
        settings={"cycle_mib": CYCLE_MIB, "target_mib": target},
    )


def _memory_shell(size: GuestSize, intensity: float) -> Task:
    target = size.memory_target_mib(intensity)
    return Task(op="pages", workers=size.workers(0.5), settings={"cycle_mib": target})


def _files_small(size: GuestSize, intensity: float) -> str:
    workers = size.workers(intensity)
    return f"--dentry {workers} --dentries 256 --rename {workers} --link {workers}"


def _files_large(size: GuestSize, intensity: float) -> Task:
    threads = size.workers(intensity)
    target = max(4, size.file_target_mib(intensity) // threads)
    job = f"--numjobs={threads} --size={target}m --rw=randrw --bssplit=4k/60:64k/30:1m/10 --fsync=64"
    return Task(workers=0, command=fio.command(job), settings={"target_mib": target * threads})


def _files_sync(size: GuestSize, intensity: float) -> Task:
    job = f"--numjobs={size.workers(intensity)} --size=16m --rw=randwrite --bs=4k --fsync=1"
    return Task(workers=0, command=fio.command(job))


def _pauses(_size: GuestSize, intensity: float) -> Task:
    """At 1.0 all processes stand still for half of the time; below it the time between grows."""
    return Task(op="pause", pace_ms=round(1000 / intensity))


def _storm(*stressors: str, per_vcpu: float = 2.0) -> Callable[[GuestSize, float], str]:
    """The same number of workers for each stressor; twice as many as CPUs at 1.0."""

    def options(size: GuestSize, intensity: float) -> str:
        return " ".join(f"--{name} {size.workers(intensity, per_vcpu)}" for name in stressors)

    return options


def _stressing(plan: Callable[[GuestSize, float], Task], times: str) -> Means:
    return Means(
        tool="stress-ng", needs=("stress-ng",), plan=plan, read=stressng.read,
        counts="stress-ng's bogo operations", times=times,
    )  # fmt: skip


def _shell(plan: Callable[[GuestSize, float], Task], times: str, *needs: str) -> Means:
    return Means(tool="shell", needs=needs, plan=plan, read=of_operations, counts=times, times=times)


LINUX: dict[str, tuple[Means, ...]] = {
    "cpu": (_stressing(_beside(_cpu, "spin"), SPIN), _shell(operations("spin"), SPIN)),
    "memory": (
        Means(
            tool="stress-ng", needs=("stress-ng", "dd", "mount"), plan=_memory, read=stressng.read_beside,
            counts=PAGES, times=PAGES, shortest_round_s=15,
        ),
        _shell(_memory_shell, PAGES, "dd", "mount"),
    ),
    "files-small": (
        _stressing(_beside(_files_small, "file"), FILE),
        _shell(operations("file"), FILE, "sha256sum"),
    ),
    "files-open": (_shell(operations("open"), "a file opened and closed, 100 times"),),
    "files-large": (
        Means(
            tool="fio", needs=("fio",), plan=_files_large, read=fio.read,
            counts="reads and writes of 4 KiB to 1 MiB", times="a read or a write",
        ),
        _shell(operations("blocks"), "4 MiB written through to the disk and read again", "dd"),
    ),
    "files-sync": (
        Means(
            tool="fio", needs=("fio",), plan=_files_sync, read=fio.read_synced,
            counts="writes of 4 KiB with their fsync", times="an fsync",
        ),
    ),
    "processes": (
        _stressing(_beside(_storm("fork", "exec"), "fork"), FORK),
        _shell(operations("fork", per_vcpu=2.0), FORK),
    ),
    "threads": (_stressing(_beside(_storm("pthread"), "fork"), FORK),),
    "modules": (
        _shell(alone("module", modules=MODULES), "a kernel module loaded and unloaded", "modprobe"),
    ),
    "network": (
        replace(
            _stressing(_beside(_storm("sock", "udp", per_vcpu=1.0), "connect", port=PORT), CONNECT),
            needs=("stress-ng", "busybox"),
        ),
        _stressing(_beside(_storm("sock", "udp", per_vcpu=1.0), "fork"), FORK),
        _shell(operations("connect", port=PORT), CONNECT, "busybox"),
    ),
    "timers": (
        _stressing(
            _beside(_storm("timer", "timerfd", "nanosleep", per_vcpu=1.0), "sleep"),
            "what a sleeper of 10 ms wakes up too late",
        ),
    ),
    "logins": (
        _shell(operations("login", user="daemon"), "a login shell of another user, with its session", "su"),
    ),
    "packages": (_shell(alone("package"), "a package installed and removed", "dpkg", "dpkg-deb"),),
    "pauses": (_shell(_pauses, "all processes frozen and thawed, beyond the second they stay frozen"),),
    "agent-activity": (_shell(operations("event"), "one event that the agent must see"),),
}  # fmt: skip
