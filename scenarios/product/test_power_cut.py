"""Power goes when it likes: also in the middle of an update."""

from __future__ import annotations

import pytest

from lab.faults import Faults
from lab.guest.guest import Guest
from lab.running.update import Update

SPREAD = 6
"""Cuts between the steps, beside one at each step that the agent says."""


@pytest.mark.scenario(level="product", starts_with="installed", count_loops=True)
def test_power_cut(guest: Guest, update: Update, faults: Faults) -> None:
    """Wherever an update is cut short, the guest boots with the old or the new agent, and it is healthy."""
    update.install_before()
    before = guest.checkpoint()
    rehearsal = faults.rehearse(update.apply)
    for point in rehearsal.cuts(SPREAD):
        guest.restore(before)
        with faults.cut_during(update.apply, point):
            update.survived(f"a power cut {point} of the update")
    guest.restore(before)
    update.apply()
    update.prove()
