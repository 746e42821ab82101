"""What a process costs its host: memory by /proc/PID/smaps_rollup, processor time by /proc/PID/stat.

Proportional memory (PSS) counts a page that N processes map as 1/N in each, so its sum over guests is
what all of them take together; private memory is what goes away with one of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MIB = 1024.0
TICK = os.sysconf("SC_CLK_TCK")
LOOK_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """MiB of one process."""

    private: float
    pss: float
    rss: float


def memory(pid: int) -> Memory:
    """Of a living process."""
    return parse_rollup(Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii"))


def parse_rollup(text: str) -> Memory:
    """smaps_rollup's text; the kernel's kB are KiB."""
    kib = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}
    return Memory(
        private=(kib["Private_Clean"] + kib["Private_Dirty"]) / MIB,
        pss=kib["Pss"] / MIB,
        rss=kib["Rss"] / MIB,
    )


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and its threads up to now; 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def cores(pids: Sequence[int], seconds: float) -> list[float]:
    """Percent of a core that each process uses on average over so many seconds from now."""
    before, begun = [cpu_s(pid) for pid in pids], time.monotonic()
    time.sleep(seconds)
    spent = time.monotonic() - begun
    return [max(0.0, cpu_s(pid) - was) / spent * 100 for pid, was in zip(pids, before, strict=True)]


def peak_mib(pid: int) -> float:
    """Most resident memory so far (VmHWM) of a living process; 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    found = re.search(r"^VmHWM:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) / MIB if found else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A process that has ended."""

    code: int
    seconds: float
    peak_mib: float
    """Of the process itself, as the kernel kept it to the end."""
    cpu_s: float


def to_end(process: subprocess.Popen[bytes], most_s: float) -> Ended:
    """Wait for a process and take what the kernel says of it; it is killed when it is late.

    :raise TimeoutError: it was late.
    """
    begun = time.monotonic()
    while time.monotonic() - begun < most_s:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return Ended(
                code=process.returncode,
                seconds=time.monotonic() - begun,
                peak_mib=usage.ru_maxrss / MIB,
                cpu_s=usage.ru_utime + usage.ru_stime,
            )
        time.sleep(LOOK_S)
    process.kill()
    process.wait()
    raise TimeoutError(f"process {process.pid} did not end in {most_s:.0f} s")
