"""The July update on the Windows stand-in, with the way back planned: copied into a lab's scenarios/."""

from __future__ import annotations

import pytest

from lab.offline.steps import Rename
from lab.running.escaping import Escape
from lab.running.update import Update
from lab.running.watch import Watch

CHANNEL_FILE = "C:\\Windows\\System32\\drivers\\standsens\\C-00000291*.sys"


@pytest.mark.scenario(level="product", starts_with="installed", count_loops=True)
def test_way_back(update: Update, watch: Watch, escape: Escape) -> None:
    """It loops until its channel file is renamed from outside."""
    update.install_before()
    escape.plan(Rename(path=CHANNEL_FILE, to="C-00000291.bad"))
    update.apply()
    update.prove()
    watch.quiet(3)
