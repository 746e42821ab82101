"""A bad afternoon in production: one thing after another goes wrong around the agent."""

from __future__ import annotations

import pytest

from lab.faults import Faults
from lab.running.update import Update

KINDS = (
    "net-loss",
    "net-latency",
    "net-bandwidth",
    "nic-down",
    "disk-slow",
    "clock-forward",
    "clock-back",
    "cpu-starvation",
    "machine-pause",
    "memory-squeeze",
    "agent-suspend",
)
FOR_S = 90.0
"""Of faults; the same list in both arms and in a repro, since the cell's seed draws it."""


@pytest.mark.scenario(level="production", starts_with="installed", count_loops=True)
def test_fault_storm(update: Update, faults: Faults) -> None:
    """The updated agent is healthy and still works after network, disk, clock, CPU and memory were bad."""
    update.install_before()
    update.apply()
    update.prove()
    faults.play(faults.schedule(KINDS, FOR_S))
    update.prove()
