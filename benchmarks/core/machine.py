"""The machine that figures come from: what it is, and whether it is quiet enough to measure on.

Reads /proc and asks libvirt nothing. Facts that need a boot (accelerator, speed factor) are those that the
lab has measured for this host.
"""

from __future__ import annotations

import os
import platform
import re
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

LOAD_PER_CORE = 0.25
"""More runnable tasks than this per core, and other people's work is in the figures."""
PRESSURE = 5.0
"""Percent of the last 10 s in which some task waited for a core."""
LEAST_FREE_MIB = 4096
SETTLE_S = 120.0
"""How long a bench waits for what the one before left behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How busy the machine is at one moment."""

    load1: float
    cpu_pressure: float
    """PSI `some avg10` of the CPUs in percent, 0 where the kernel does not tell."""
    memory_pressure: float
    free_mib: int
    guests: int
    """QEMU processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the JSON says of the machine."""

    cores: int
    memory_mib: int
    cpu: str
    kernel: str
    python: str
    qemu: str = ""
    libvirt: str = ""
    accelerator: str = ""
    factor: float = 0.0
    """The lab's measured slowness, 1 for the reference machine of docs/hosts.md."""
    load: Load


def load() -> Load:
    """Now."""
    return Load(
        load1=round(os.getloadavg()[0], 2),
        cpu_pressure=pressure("cpu"),
        memory_pressure=pressure("memory"),
        free_mib=psutil.virtual_memory().available // 2**20,
        guests=sum(one.info["name"].startswith("qemu-system") for one in psutil.process_iter(["name"])),
    )


def pressure(of: str, root: Path = Path("/proc/pressure")) -> float:
    """`some avg10` in percent; 0 where there is none (kernels before 4.20, or `psi=0`)."""
    try:
        text = (root / of).read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = re.search(r"^some avg10=([\d.]+)", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def busy(now: Load, cores: int) -> list[str]:
    """Why figures taken now would not be this program's alone; empty on a quiet machine."""
    reasons = []
    if now.load1 > LOAD_PER_CORE * cores:
        reasons.append(f"load is {now.load1:.2f} (wanted: at most {LOAD_PER_CORE * cores:.2f})")
    if now.cpu_pressure > PRESSURE:
        reasons.append(f"tasks wait for a core {now.cpu_pressure:.0f} % of the time (wanted: {PRESSURE:.0f})")
    if now.memory_pressure > 0.1:
        reasons.append(f"tasks wait for memory {now.memory_pressure:.1f} % of the time")
    if now.free_mib < LEAST_FREE_MIB:
        reasons.append(f"{now.free_mib} MiB of memory are free (wanted: {LEAST_FREE_MIB})")
    if now.guests:
        reasons.append(f"{now.guests} QEMU processes run")
    return reasons


def settle(cores: int, most_s: float = SETTLE_S) -> list[str]:
    """Wait until the machine is quiet; what is still in the way after `most_s`.

    The load average forgets slowly (a minute), so here only pressure and guests count.
    """
    until = time.monotonic() + most_s
    while True:
        now = load()
        left = [reason for reason in busy(now, cores) if not reason.startswith("load")]
        if not left or time.monotonic() >= until:
            return left
        time.sleep(1.0)


def facts(*, qemu: str = "", libvirt: str = "", accelerator: str = "", factor: float = 0.0) -> Machine:
    """This machine, with what the lab knows of it."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_mib=psutil.virtual_memory().total // 2**20,
        cpu=_cpu(),
        kernel=platform.release(),
        python=platform.python_version(),
        qemu=qemu,
        libvirt=libvirt,
        accelerator=accelerator,
        factor=factor,
        load=load(),
    )


def _cpu() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()
