"""A scenario for clones whose host runs out of memory; the tests copy it into their own lab."""

from __future__ import annotations

import pytest

from lab.guest.guest import Guest
from lab.running.watch import Watch


@pytest.mark.scenario(level="feature")
def test_eat_memory(guest: Guest, watch: Watch) -> None:
    """The guest writes to memory that its host may not have."""
    watch.quiet(4)
    guest.run("mkdir -p /x; mount -t tmpfs x /x; head -c 100000000 /dev/zero > /x/x", check=True)
