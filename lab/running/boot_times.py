"""How long images take to boot on each profile and host: the baseline that a slow boot is measured against.

Each run writes what its cells measured to `boots.json`; the next one takes the median of all of them.
Only first starts count: there the product under test is not installed yet. Refuses to say what is slow.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from lab import codec
from lab.model import Observation, Step

FILE = "boots.json"
NEWEST = 15
"""Values of an image on a host that count; an older one says more about another kernel or a busy day."""


def key(image: str, profile: str, host: str) -> str:
    """`debian-12_bios-1cpu@here`."""
    return f"{image}_{profile}@{host}"


def first_boot_s(observations: Iterable[Observation]) -> float:
    """Seconds from power-on to the first answer of the first start; 0 when none answered."""
    for item in observations:
        if isinstance(item, Step) and item.name == "booted":
            found = item.detail.get("boot_s", 0.0)
            return float(found) if isinstance(found, int | float) else 0.0
    return 0.0


def write(directory: Path, measured: Mapping[str, list[float]]) -> None:
    """The values of one run, by `key`."""
    codec.replace_text(directory / FILE, json.dumps(measured, indent=1) + "\n")


@lru_cache(maxsize=8)
def usual(reports: Path) -> Mapping[str, float]:
    """Median seconds by `key` over the runs in `reports`; damaged files are passed over.

    Read once per process: both arms of a run get the same baseline.
    """
    values: dict[str, list[float]] = {}
    for path in sorted(reports.glob(f"*/{FILE}")):
        for name, seconds in _read(path).items():
            values.setdefault(name, []).extend(seconds)
    return {name: statistics.median(seconds[-NEWEST:]) for name, seconds in values.items() if seconds}


def _read(path: Path) -> dict[str, list[float]]:
    try:
        raw = json.loads(path.read_bytes())
        return {str(name): [float(one) for one in seconds] for name, seconds in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
