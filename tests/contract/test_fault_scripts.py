"""What faults run in a guest is understood by every shell that a guest may have."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from lab.faults import agent, clock, memory, processor, rooms
from lab.faults.scripts import POSIX, Scripts
from lab.model import Family

TABLES = (agent.KILL, agent.STOP, agent.DENY, clock.CLOCK, memory.SQUEEZE)
SCRIPTS: list[Scripts] = [table[Family.LINUX] for table in TABLES]
SCRIPTS += [rooms.FULL_LINUX, rooms.READ_ONLY, processor.NMI]
SHELLS = [shell for shell in (["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(shell[0])]


@pytest.mark.parametrize("shell", SHELLS, ids=[" ".join(shell) for shell in SHELLS])
@pytest.mark.parametrize("scripts", SCRIPTS, ids=range(len(SCRIPTS)))
def test_every_script_can_be_read(scripts: Scripts, shell: list[str]) -> None:
    for text in (scripts.inject, scripts.prove, scripts.undo):
        done = subprocess.run([*shell, "-n"], input=POSIX + text, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
