"""An update is applied to a machine that is at work, not to an idle one."""

from __future__ import annotations

import pytest

from lab.running.update import Update
from lab.workloads import Load


@pytest.mark.scenario(level="component", starts_with="installed", count_loops=True)
def test_update_under_stress(update: Update, load: Load) -> None:
    """The update is applied while processes start, files churn and the agent has events to see."""
    update.install_before()
    with (
        load.running("processes", intensity=0.5),
        load.running("files-small", intensity=0.5),
        load.running("agent-activity", intensity=0.2) as activity,
    ):
        update.apply()
        activity.sample()
    assert activity.result is not None
    assert activity.result.errors == 0
    update.prove()
