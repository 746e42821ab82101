"""What has been updated must bear what machines do all day, and not slow it down."""

from __future__ import annotations

import pytest

from lab.running.update import Update
from lab.workloads import Load

LOADS = {"files-open": 1.0, "files-small": 1.0, "processes": 1.0, "memory": 0.9, "modules": 1.0}
"""What sensors watch most closely: files, programs, modules; and memory, which they need for it."""


@pytest.mark.scenario(level="product", starts_with="installed", count_loops=True, latency_sensitive=True)
def test_stress_after_update(update: Update, load: Load) -> None:
    """The updated agent works during and after one load after the other, and sees every event."""
    update.install_before()
    update.apply()
    update.prove()
    for name, intensity in LOADS.items():
        assert load.run(name, intensity=intensity, for_s=10).errors == 0
    activity = load.run("agent-activity", for_s=10)
    assert activity.errors == 0
    assert activity.seen is not None
    assert activity.seen >= activity.ops, f"the agent saw {activity.seen} of {activity.ops} events"
    update.prove()
