"""Hours and days: what a fleet does to an agent that a test of a minute does not."""

from __future__ import annotations

import pytest

from lab.running.update import Update
from lab.soaking import Soak, Warp


@pytest.mark.scenario(level="production", starts_with="installed", soak=True)
def test_soak(update: Update, soak: Soak) -> None:
    """The updated agent works for as long as lab.yaml says, sampled, and is well at the end."""
    update.install_before()
    update.apply()
    update.prove()
    soak.run()
    update.prove()


@pytest.mark.scenario(level="production", cold_boot=True, soak=True, time_warp=True)
def test_long_uptime(update: Update, warp: Warp) -> None:
    """The updated agent works after weeks of uptime: timers, expiries and counters that wrap."""
    warp.calm()
    update.install_before()
    update.apply()
    update.prove()
    warp.until()
    update.prove()
