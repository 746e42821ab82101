"""Power goes when it likes: also in the middle of an update."""

from __future__ import annotations

import pytest

from lab.faults import Faults
from lab.guest.guest import Guest
from lab.running.sweeping import Sweep
from lab.running.update import Update

SPREAD = 6
"""Cuts between the steps, beside one at each step that the agent says."""


@pytest.mark.scenario(level="product", starts_with="installed", count_loops=True)
def test_power_cut(guest: Guest, update: Update, faults: Faults, sweep: Sweep) -> None:
    """Wherever an update is cut short, the guest boots with the old or the new agent, and it is healthy."""
    update.install_before()
    before = guest.checkpoint()
    points = faults.rehearse(update.apply).cuts(SPREAD)
    sweep.over(update.apply, points, since=before, survived=update.survived)
    guest.restore(before)
    update.apply()
    update.prove()
