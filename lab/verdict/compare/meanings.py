"""What sampled values mean for a comparison, as data: amounts or counters, and which way is worse.

Names that no pattern matches are not compared: an agent's count of events seen is no fault of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """How a sampled value is compared."""

    unit: str = ""
    better: str = "lower"
    amount: bool = False
    """Its median over the run is a figure, and its growth a slope."""
    share: bool = False
    """Its median is a figure; growth means nothing."""
    counter: bool = False
    """It only ever rises: its rate is a figure."""
    per_s: bool = False
    """The rate is taken per second, not per hour."""


NOTHING = Meaning()
MEANINGS: Mapping[str, Meaning] = {
    "memory_total_kib": NOTHING,
    "memory_available_kib": Meaning(unit="KiB", better="higher", amount=True),
    "disk_free_kib": Meaning(unit="KiB", better="higher", amount=True),
    "*_ticks": NOTHING,
    "cpu_share": Meaning(share=True),
    "*cpu_ms": Meaning(unit="ms", counter=True, per_s=True),
    "kernel_lines": Meaning(counter=True),
    "*_lost": Meaning(counter=True),
    "*_kib": Meaning(unit="KiB", amount=True),
    "*handles": Meaning(amount=True),
    "*threads": Meaning(amount=True),
    "*processes": Meaning(amount=True),
    "*_objects": Meaning(amount=True),
}
"""Pattern over names to meaning; the first that matches counts."""
GUEST_MEMORY = (
    "slab",
    "vmalloc",
    "percpu",
    "kernel_stack",
    "anonymous",
    "nonpaged_pool",
    "paged_pool",
    "agent_rss",
)
"""Values in KiB that are used up when the guest's memory is."""
LAST = 5
"""Samples that say how things stand at the end."""


def meaning_of(name: str) -> Meaning:
    return next((meaning for pattern, meaning in MEANINGS.items() if fnmatchcase(name, pattern)), NOTHING)


def rate_name(name: str, meaning: Meaning) -> str:
    """`kernel_lines_per_h`, `agent_cpu_ms_per_s`."""
    return f"{name}_per_{'s' if meaning.per_s else 'h'}"


def memory_limit(name: str, values: Sequence[float], available_kib: Sequence[float]) -> float | None:
    """Where a value's growth must end: when it has taken what memory the guest had to spare at the end.

    :param values: and `available_kib`: over the run, in KiB; the last ones of each count. None: not known.
    """
    if not name.removesuffix("_kib").startswith(GUEST_MEMORY) or not values or not available_kib:
        return None
    return median(values[-LAST:]) + median(available_kib[-LAST:])
