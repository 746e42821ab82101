"""When an update takes a machine down, is there a way back? Measured as `recover_s`."""

from __future__ import annotations

import pytest

from lab.offline.steps import Delete
from lab.running.escaping import Escape
from lab.running.update import Update

CONTENT = "/var/lib/demo-sensor/content/*.content"
"""What the demo sensor loads at every boot; a real agent's is a pattern such as
`C:\\Windows\\System32\\drivers\\CrowdStrike\\C-00000291*.sys`."""


@pytest.mark.scenario(level="product", starts_with="installed", ends_with="installed")
def test_escape(update: Update, escape: Escape) -> None:
    """Without its content files, removed from outside, the guest boots and takes the agent anew.

    An update that takes the guest down fails here as everywhere; the drill is then done by itself.
    """
    update.install_before()
    escape.plan(Delete(path=CONTENT))
    update.apply()
    update.prove()
    escape.drill()
    update.uninstall()
    update.install_before()
    update.prove_before()
