"""A product that cannot be removed without a trace is not finished."""

from __future__ import annotations

import pytest

from lab.running.update import Update


@pytest.mark.scenario(level="product", starts_with="installed", ends_with="removed")
def test_uninstall(update: Update) -> None:
    """The updated agent works, and after its removal nothing of it is left."""
    update.install_before()
    update.apply()
    update.prove()
    update.uninstall()
