"""One orchestrator per state directory: a second one is refused, with the first one's name."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from lab.errors import Busy, InfraError
from lab.places import Places


@contextmanager
def orchestrator(places: Places, what: str) -> Iterator[None]:
    """Hold the lock of the state directory; the kernel releases it when the process ends, however it ends.

    :raise Busy: another process holds it.
    :raise InfraError: the state directory cannot be written.
    """
    try:
        places.state.mkdir(parents=True, exist_ok=True)
        opened = (places.state / "orchestrator.lock").open("a+")
    except OSError as error:
        raise InfraError(
            f"state directory {str(places.state)!r} cannot be used: {(error.strerror or str(error)).lower()}",
            hint="places.state in lab.yaml, or LAB_HOME, names one that can be written",
        ) from error
    with opened as lock:
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
