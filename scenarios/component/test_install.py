"""Does a fresh installation work on this OS build at all?"""

from __future__ import annotations

import pytest

from lab.running.update import Update


@pytest.mark.scenario(level="component")
def test_install_healthy(update: Update) -> None:
    """A fresh installation of what may ship comes up healthy and sees events."""
    update.install_fresh()
    update.prove()
