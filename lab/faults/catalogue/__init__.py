"""The list of faults: `lab faults` prints it, docs/injecting-faults.md explains it.

Data. What each fault does is in the modules of the room; what it is called, what it takes, what proves it and
what it masks is here.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.faults.catalogue import agent, disk, machine, network
from lab.faults.kind import Kind

KINDS: Mapping[str, Kind] = {
    kind.name: kind for kind in (*machine.KINDS, *disk.KINDS, *network.KINDS, *agent.KINDS)
}
"""By name."""
