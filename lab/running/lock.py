"""One orchestrator per state directory: a second one is refused, with the first one's name."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from lab.errors import Busy
from lab.places import Places


@contextmanager
def orchestrator(places: Places, what: str) -> Iterator[None]:
    """Hold the lock of the state directory; the kernel releases it when the process ends, however it ends.

    :raise Busy: another process holds it.
    """
    places.state.mkdir(parents=True, exist_ok=True)
    path = places.state / "orchestrator.lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise Busy(
                f"state directory {str(places.state)!r} is used by {holder}",
                hint="wait for it, or set LAB_HOME to another directory for a lab of its own",
            ) from error
        lock.truncate(0)
        lock.write(f"{what} (pid {os.getpid()})")
        lock.flush()
        yield
        lock.truncate(0)
