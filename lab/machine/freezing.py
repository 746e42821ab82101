"""A stopped guest to a file and back: device state only, since its RAM is a file already.

QEMU's migration with `x-ignore-shared` leaves out RAM that is a shared file, so what is written
is about a megabyte. libvirt runs QEMU in a sandbox that forbids spawning, which rules out `exec:`;
an open file is handed over instead (`getfd`, then `fd:NAME`). Refuses to touch disks.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.errors import MachineError
from lab.machine.driver import Domain
from lab.waiting import WaitTimeout, wait_for

DEADLINE_S = 60.0
POLL_S = 0.01
HANDLE = "lab-state"


def save_state(domain: Domain, path: Path) -> None:
    """Write the device state of a suspended domain whose RAM is a shared file.

    :raise MachineError: QEMU refused or did not finish in 60 s; no file is left then.
    """
    _ignore_shared(domain)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        _hand_over(domain, descriptor)
        domain.monitor({"execute": "migrate", "arguments": {"uri": f"fd:{HANDLE}"}})
        _wait(lambda: _saved(domain), "device state saved")
        os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def load_state(domain: Domain, path: Path) -> None:
    """Bring a domain that waits for device state (`Hardware.clone`) to where it was saved, still stopped.

    :raise MachineError: the state is not whole or not of this machine; the domain is then useless.
    """
    _ignore_shared(domain)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _hand_over(domain, descriptor)
        domain.monitor({"execute": "migrate-incoming", "arguments": {"uri": f"fd:{HANDLE}"}})
        _wait(lambda: _loaded(domain), "device state loaded")
    finally:
        os.close(descriptor)


def _ignore_shared(domain: Domain) -> None:
    capability = {"capability": "x-ignore-shared", "state": True}
    domain.monitor({"execute": "migrate-set-capabilities", "arguments": {"capabilities": [capability]}})


def _hand_over(domain: Domain, descriptor: int) -> None:
    domain.monitor({"execute": "getfd", "arguments": {"fdname": HANDLE}}, files=[descriptor])


def _saved(domain: Domain) -> bool:
    return _finished(domain.monitor({"execute": "query-migrate"}))


def _loaded(domain: Domain) -> bool:
    if domain.monitor({"execute": "query-status"})["status"] != "inmigrate":
        return True
    return _finished(domain.monitor({"execute": "query-migrate"}) or {"status": "active"})


def _finished(answer: dict[str, Any]) -> bool:
    status = answer.get("status")
    if status in ("failed", "cancelled"):
        raise MachineError(f"migration {status}: {answer.get('error-desc') or 'QEMU gave no reason'}")
    return status == "completed"


def _wait(done: Callable[[], bool], what: str) -> None:
    try:
        wait_for(done, what=what, timeout_s=DEADLINE_S, interval_s=POLL_S)
    except WaitTimeout as error:
        raise MachineError(str(error)) from error
