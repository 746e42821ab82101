"""Latencies as counts per step of time, so that rounds can be added up. Knows no tool and no guest."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

PERCENTILES = {"p50": 0.50, "p90": 0.90, "p99": 0.99}
NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long operations took.

    :param bins: upper edge of a step in nanoseconds -> operations in it.
    :param worst_ns: the longest, exactly.
    """

    bins: Mapping[int, int] = field(default_factory=dict)
    worst_ns: int = 0

    @property
    def count(self) -> int:
        return sum(self.bins.values())

    def percentiles_ms(self) -> dict[str, float]:
        """p50, p90, p99 and max in milliseconds (nearest rank); empty without operations.

        None is above the longest, though its step's edge may be.
        """
        if not self.count:
            return {}
        found = {name: min(self._at(share), self.worst_ns) for name, share in PERCENTILES.items()}
        return {name: round(ns / NS_PER_MS, 4) for name, ns in {**found, "max": self.worst_ns}.items()}

    def _at(self, share: float) -> int:
        rank, passed = math.ceil(share * self.count), 0
        for edge in sorted(self.bins):
            passed += self.bins[edge]
            if passed >= rank:
                return edge
        return self.worst_ns


def together(parts: Iterable[Latency]) -> Latency:
    """The latencies of several rounds as one."""
    bins: Counter[int] = Counter()
    worst = 0
    for part in parts:
        bins.update(part.bins)
        worst = max(worst, part.worst_ns)
    return Latency(bins=dict(bins), worst_ns=worst)
