"""What this machine has left for guests: processors and memory, within every limit that is put on us.

A container or a batch job sees all of the machine in /proc/meminfo and may use a part of it: CPU affinity
and each control group above us (version 1 and 2) count. Every figure comes with where it is from.
Refuses to say how many guests that makes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.sensors.pressure import memory_available_mib

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
MIB = 1024 * 1024
UNLIMITED_MIB = 1 << 40
"""Version 1 says "no limit" as the largest number of pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What there is, and why not more."""

    cpus: int
    cpus_why: str
    memory_mib: int
    """Available now, without swapping, within the limits."""
    memory_why: str


def measure(proc: Path = PROC, cgroups: Path = CGROUPS) -> Room:
    """Look at this machine now."""
    cpus, cpus_why = _cpus(proc, cgroups)
    memory_mib, memory_why = _memory(proc, cgroups)
    return Room(cpus=cpus, cpus_why=cpus_why, memory_mib=memory_mib, memory_why=memory_why)


def _cpus(proc: Path, cgroups: Path) -> tuple[int, str]:
    there = os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0))
    least, why = there, f"{there} processors"
    if allowed < there:
        least, why = allowed, f"{allowed} of {there} processors by CPU affinity"
    for group in _groups(proc, cgroups, "cpu"):
        quota = _quota(group)
        if quota is not None and quota < least:
            least = max(1, int(quota))
            why = f"{quota:g} of {there} processors by control group {group}"
    return least, why


def _quota(group: Path) -> float | None:
    """Processors that a control group may use: `cpu.max` is `200000 100000` or `max 100000` (version 2)."""
    words = _text(group / "cpu.max").split()
    if len(words) != 2:
        words = [_text(group / "cpu.cfs_quota_us").strip(), _text(group / "cpu.cfs_period_us").strip()]
    try:
        quota, period = int(words[0]), int(words[1])
    except ValueError:
        return None
    return quota / period if quota > 0 and period > 0 else None


def _memory(proc: Path, cgroups: Path) -> tuple[int, str]:
    available = int(memory_available_mib(_text(proc / "meminfo")) or 0)
    least, why = available, f"{available} MiB are available"
    for group in _groups(proc, cgroups, "memory"):
        limit = _limit_mib(group)
        if limit is None:
            continue
        left = max(0, limit - _used_mib(group))
        if left < least:
            least, why = left, f"{left} MiB are left of the {limit} that control group {group} may use"
    return least, why


def _limit_mib(group: Path) -> int | None:
    for name in ("memory.max", "memory.limit_in_bytes"):
        text = _text(group / name).strip()
        if text.isdigit():
            limit = int(text) // MIB
            return limit if limit < UNLIMITED_MIB else None
    return None


def _used_mib(group: Path) -> int:
    """Without file pages that were not used lately: the kernel takes those back first."""
    text = _text(group / "memory.current") or _text(group / "memory.usage_in_bytes")
    used = int(text) if text.strip().isdigit() else 0
    figures = dict(
        line.split(maxsplit=1) for line in _text(group / "memory.stat").splitlines() if " " in line
    )
    idle = figures.get("total_inactive_file", figures.get("inactive_file", "0"))
    return max(0, used - int(idle)) // MIB


def _groups(proc: Path, cgroups: Path, controller: str) -> Iterator[Path]:
    """Control groups that limit us, from our own to the root, as far as they can be seen from here.

    A line of /proc/self/cgroup is `4:memory:/a/b` (version 1) or `0::/a/b` (version 2).
    """
    for line in _text(proc / "self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            root = cgroups if (cgroups / "cgroup.controllers").exists() else cgroups / "unified"
        elif controller in controllers.split(","):
            root = cgroups / controllers if (cgroups / controllers).is_dir() else cgroups / controller
        else:
            continue
        group = root / path.strip("/")
        while group != root:
            if group.is_dir():
                yield group
            group = group.parent
        yield root


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
