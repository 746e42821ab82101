"""Every update must have a way back."""

from __future__ import annotations

import pytest

from lab.running.update import Update


@pytest.mark.scenario(level="feature", starts_with="installed", ends_with="installed")
def test_roll_back(update: Update) -> None:
    """After the update was applied and used, the installed version comes back and works."""
    update.install_before()
    update.apply()
    update.prove()
    update.roll_back()
    update.prove_before()
