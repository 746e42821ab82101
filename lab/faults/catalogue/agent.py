"""Faults of the agent under test itself."""

from __future__ import annotations

from lab.faults import agent
from lab.faults.catalogue.families import BOTH
from lab.faults.kind import Kind, Parameter

INSTALLED = "the agent, installed and running"

KINDS = (
    Kind(
        name="agent-kill",
        what="kills every process whose program is below the agent's directory",
        proof="these processes are gone",
        undo="the agent is started as agent.yaml says",
        make=agent.kill,
        families=BOTH,
        needs=INSTALLED,
        parameters=(
            Parameter(
                name="signal",
                meaning="Linux only",
                default="KILL",
                choices=("KILL", "TERM", "SEGV", "ABRT", "HUP"),
            ),
        ),
    ),
    Kind(
        name="agent-suspend",
        what="stops these processes without ending them",
        proof="their state in /proc is T",
        undo="they are continued; their state is another",
        make=agent.suspend,
        families=BOTH,
        needs=INSTALLED,
    ),
    Kind(
        name="agent-denied",
        what="takes the right to write to a directory from the agent, though it is root",
        proof="a write there by root is refused",
        undo="a write there succeeds",
        make=agent.deny,
        families=BOTH,
        needs=INSTALLED,
        parameters=(Parameter(name="path", meaning="the directory; empty: the agent's own", default=""),),
    ),
)
