"""A sensor stands in the way of every file that is opened; what it costs there everybody pays."""

from __future__ import annotations

import pytest

from lab.running.update import Update
from lab.workloads import Load

FOR_S = 6


@pytest.mark.scenario(level="component", starts_with="installed")
def test_file_opens(update: Update, load: Load) -> None:
    """Files are opened with the update as fast as with the released agent (by comparison of the arms)."""
    update.install_before()
    update.apply()
    update.prove()
    load.run("files-open", for_s=FOR_S)
    update.prove()
