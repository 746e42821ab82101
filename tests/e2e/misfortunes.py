"""Scenarios in which something goes wrong on purpose; the tests copy them into their own lab."""

from __future__ import annotations

import pytest

from lab.guest.guest import Guest
from lab.running.watch import Watch

AGES = 300.0


@pytest.mark.scenario(level="feature")
def test_power_off(guest: Guest, watch: Watch) -> None:
    """The guest powers itself off and nobody asked for it."""
    guest.run("(sleep 1; poweroff -f) >/dev/null 2>&1 &", check=True)
    watch.quiet(AGES)


@pytest.mark.scenario(level="feature")
def test_crash_while_waiting(guest: Guest, watch: Watch) -> None:
    """The kernel panics while the scenario waits for something that takes ages."""
    guest.run("(sleep 1; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &", check=True)
    watch.quiet(AGES)


@pytest.mark.scenario(level="feature")
def test_crash_while_a_command_runs(guest: Guest) -> None:
    """The kernel panics while a command of the scenario runs in the guest."""
    guest.run("sleep 1; echo c >/proc/sysrq-trigger; sleep 300", timeout_s=AGES)


@pytest.mark.scenario(level="feature")
def test_stay_up(guest: Guest, watch: Watch) -> None:
    """Nothing happens for a while."""
    assert guest.run("true").ok
    watch.quiet(15)


@pytest.mark.scenario(level="feature")
def test_stay_up_for_ages(guest: Guest, watch: Watch) -> None:
    """Nothing happens for ages."""
    assert guest.run("true").ok
    watch.quiet(AGES)
