"""Content reaches guests many times a day: the update of July 2024 was one of these."""

from __future__ import annotations

import pytest

from lab.running.update import Update
from lab.running.watch import Watch


@pytest.mark.scenario(level="feature", starts_with="installed", count_loops=True)
def test_content_update(update: Update, watch: Watch) -> None:
    """A running agent takes the new content, uses it, and the guest stays up."""
    update.install_before()
    update.apply()
    update.prove()
    watch.quiet(3)
