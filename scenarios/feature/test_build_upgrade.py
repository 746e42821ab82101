"""A new build of the agent over the installed one."""

from __future__ import annotations

import pytest

from lab.running.update import Update


@pytest.mark.scenario(level="feature", starts_with="installed")
def test_build_upgrade(update: Update) -> None:
    """The build is upgraded in place, even to itself; content stays loaded; the guest needs no reboot."""
    update.install_before()
    update.upgrade_build()
    update.apply()
    update.prove()
