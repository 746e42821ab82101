"""How this host is doing, from /proc: cheap enough for every few seconds. Refuses to judge the numbers.

Only for guests that run on this very host; what is missing (no PSI in the kernel) is left out.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

PROC = Path("/proc")
_SOME = re.compile(r"^some\s.*?\bavg10=([0-9.]+)", re.MULTILINE)
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+)\s*kB", re.MULTILINE)


def read(proc: Path = PROC) -> dict[str, float]:
    """`load1`, `cpus`, `stall_share` and `memory_stall_share` (0 to 1), `memory_available_mib`; what cannot
    be read is left out."""
    found = {"cpus": float(os.cpu_count() or 1)}
    for key, value in (
        ("load1", load1(_text(proc / "loadavg"))),
        ("stall_share", stall_share(_text(proc / "pressure/cpu"))),
        ("memory_stall_share", stall_share(_text(proc / "pressure/memory"))),
        ("memory_available_mib", memory_available_mib(_text(proc / "meminfo"))),
    ):
        if value is not None:
            found[key] = value
    return found


def load1(text: str) -> float | None:
    """Of /proc/loadavg (`0.21 0.35 0.57 1/213 4242`)."""
    try:
        return float(text.split(maxsplit=1)[0])
    except (IndexError, ValueError):
        return None


def stall_share(text: str) -> float | None:
    """Of /proc/pressure/cpu: the share of the last 10 s in which some task waited for a processor
    (`some avg10=12.50 avg60=...` is 0.125; kernel: Documentation/accounting/psi.rst). Of
    /proc/pressure/memory: the same for memory."""
    found = _SOME.search(text)
    return _number(found[1], 100.0) if found else None


def memory_available_mib(text: str) -> float | None:
    """Of /proc/meminfo."""
    found = _AVAILABLE.search(text)
    return _number(found[1], 1024.0) if found else None


def _number(text: str, per: float) -> float | None:
    try:
        return round(float(text) / per, 4)
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
