"""A guest's state written down and taken back: device state to a file, or everything into its overlay.

To a file goes what is not RAM: QEMU's migration with `x-ignore-shared` leaves out RAM that is a shared
file, so about a megabyte is written. libvirt runs QEMU in a sandbox that forbids spawning, which rules
out `exec:`; an open file is handed over instead (`getfd`, then `fd:NAME`). Into the overlay goes a whole
checkpoint, RAM too. Refuses to copy disks.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from lab.errors import MachineError
from lab.machine.driver import Domain
from lab.waiting import WaitTimeout, wait_for

Answer = TypeVar("Answer")

DEADLINE_S = 60.0
POLL_S = 0.01
HANDLE = "lab-state"
JOB = "lab-checkpoint"


def save_state(domain: Domain, path: Path) -> None:
    """Write the device state of a suspended domain whose RAM is a shared file.

    :raise MachineError: QEMU refused or did not finish in 60 s; no file is left then.
    """
    ignore_shared(domain)
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
    ignore_shared(domain)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _hand_over(domain, descriptor)
        domain.monitor({"execute": "migrate-incoming", "arguments": {"uri": f"fd:{HANDLE}"}})
        _wait(lambda: _loaded(domain), "device state loaded")
    finally:
        os.close(descriptor)


def save_checkpoint(domain: Domain, overlay: Path, name: str) -> None:
    """Write disk, RAM and devices into `overlay` under `name`; the guest stands still meanwhile and goes on.

    Only this disk is asked for: a dump disk is raw, and so are the firmware's variables, whose
    memory is part of the devices and is written back to its file when a checkpoint is loaded (pflash, 7.2).

    :raise MachineError: QEMU refused, or did not finish in 60 s.
    """
    node = _node(domain, overlay)
    _job(domain, "snapshot-save", {"tag": name, "vmstate": node, "devices": [node]})


def load_checkpoint(domain: Domain, overlay: Path, name: str) -> None:
    """Put the guest back to where it was at `save_checkpoint`; it runs on from there, also if it had crashed.

    :raise MachineError: there is no such checkpoint, or QEMU could not load it: then the guest stands still.
    """
    node = _node(domain, overlay)
    _job(domain, "snapshot-load", {"tag": name, "vmstate": node, "devices": [node]})
    if domain.state() != "running":
        domain.revive()


def _node(domain: Domain, overlay: Path) -> str:
    """QEMU's name for the overlay, below whatever filters stand before it."""
    nodes = domain.monitor({"execute": "query-named-block-nodes", "arguments": {"flat": True}})
    found = [node for node in nodes if node["drv"] == "qcow2" and node.get("file") == str(overlay)]
    if not found:
        raise MachineError(f"QEMU has no disk {str(overlay)!r} (wanted the guest's overlay)")
    return str(found[0]["node-name"])


def _job(domain: Domain, command: str, arguments: dict[str, Any]) -> None:
    """Run a job of QEMU to its end.

    :raise MachineError: it failed, in QEMU's own words.
    """
    domain.monitor({"execute": command, "arguments": {"job-id": JOB, **arguments}})

    def ended() -> dict[str, Any] | None:
        jobs = domain.monitor({"execute": "query-jobs"})
        return next((job for job in jobs if job["id"] == JOB and job["status"] == "concluded"), None)

    job = _wait(ended, f"end of {command}")
    domain.monitor({"execute": "job-dismiss", "arguments": {"id": JOB}})
    if "error" in job:
        raise MachineError(f"checkpoint {arguments['tag']!r}: {command} failed: {job['error']}")


def ignore_shared(domain: Domain) -> None:
    """Leave RAM that is a shared file out of what is saved.

    A checkpoint can only be loaded by a QEMU that has the same setting as the one that saved it: 7.2 checks
    this capability, and fails with error -22.
    """
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


def _wait(done: Callable[[], Answer | None], what: str) -> Answer:
    try:
        return wait_for(done, what=what, timeout_s=DEADLINE_S, interval_s=POLL_S)
    except WaitTimeout as error:
        raise MachineError(str(error)) from error
