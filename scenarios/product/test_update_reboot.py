"""What loads at every boot must survive every boot."""

from __future__ import annotations

import pytest

from lab.guest.guest import Guest
from lab.running.update import Update

REBOOTS = 3


@pytest.mark.scenario(level="product", starts_with="installed", count_loops=True)
def test_update_reboot(guest: Guest, update: Update) -> None:
    """The updated agent comes up healthy, with the same build and content, after three reboots."""
    update.install_before()
    update.apply()
    update.prove()
    for _ in range(REBOOTS):
        guest.reboot()
        update.prove()
