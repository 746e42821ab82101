"""Cells whose scenario costs nothing, so that what they cost is the lab."""

from __future__ import annotations

import pytest

from lab.guest.guest import Guest
from lab.running.watch import Watch

IDLE_S = 60.0
"""Longer than any bench looks; the run is then ended."""


@pytest.mark.scenario(level="module")
def test_true(guest: Guest) -> None:
    """One command."""
    guest.run("true", check=True)


@pytest.mark.scenario(level="module")
def test_idle(guest: Guest, watch: Watch) -> None:
    """One command, and then nothing for a while."""
    guest.run("true", check=True)
    watch.quiet(IDLE_S)
