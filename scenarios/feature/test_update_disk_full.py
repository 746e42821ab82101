"""Fleets have full disks: an update that finds no room must leave what was there."""

from __future__ import annotations

import contextlib

import pytest

from lab.agents.outcomes import AgentFailure
from lab.faults import Faults
from lab.guest.channel import GuestFileError
from lab.running.update import Update


@pytest.mark.scenario(level="feature", starts_with="installed", count_loops=True)
def test_update_disk_full(update: Update, faults: Faults) -> None:
    """An update without room on the disk leaves a healthy agent, and goes through once there is room."""
    update.install_before()
    # that it fails is in order; what it leaves behind is judged after it
    refused = contextlib.suppress(AgentFailure, GuestFileError)
    with faults.injected("disk-full", path="/"), refused:
        update.apply()
    update.survived("a full disk")
    update.apply()
    update.prove()
