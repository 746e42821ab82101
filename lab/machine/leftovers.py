"""Finding and ending exactly our own leftovers: domains, QEMU processes, overlays, sockets.

Nothing is ended without proof that it is ours: a lease in this state directory, and for a
process the lease's uuid on its command line.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass

import psutil

from lab.errors import LabError
from lab.machine import embedded
from lab.machine.driver import Hypervisor
from lab.machine.leases import Lease, LeaseBook, is_leftover, owner_started, qemu_process
from lab.places import Places

KILL_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One machine that was cleaned away, or could not be."""

    machine: str
    cell: str
    why: str
    error: str = ""


def collect(places: Places, *, everything: bool = False) -> list[Ended]:
    """End every leftover; with `everything`, also kept guests that have not expired.

    Machines whose owner is alive are never touched.
    """
    book = LeaseBook(places)
    ended = []
    for lease in book.all():
        why = is_leftover(lease)
        if not why and everything and lease.keep_until:
            why = "kept guest, and everything was asked for"
        if why:
            ended.append(end(lease, book, why))
    for name in book.unreadable():
        book.drop(name)
        ended.append(Ended(machine=name, cell="", why="its lease was never finished"))
    drop_roots(places, book)
    return ended


def drop_roots(places: Places, book: LeaseBook) -> None:
    """Remove embedded roots and probe directories whose process is gone and that no machine needs."""
    needed = {lease.root for lease in book.all()}
    for root in [*(places.runtime / "r").glob("*"), *(places.runtime / "p").glob("*")]:
        owner = embedded.root_owner(root)
        if str(root) not in needed and not (owner and owner_started(owner)):
            shutil.rmtree(root, ignore_errors=True)


def end(lease: Lease, book: LeaseBook, why: str) -> Ended:
    """Destroy one machine and remove what it left; an error is reported, never raised."""
    try:
        if embedded.is_embedded(lease.uri):
            _kill_embedded(lease)
        else:
            _destroy_remote(lease)
    except LabError as error:
        return Ended(machine=lease.machine, cell=lease.cell, why=why, error=str(error))
    book.drop(lease.machine)
    return Ended(machine=lease.machine, cell=lease.cell, why=why)


def _kill_embedded(lease: Lease) -> None:
    process = qemu_process(lease)
    if process is None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(timeout=KILL_S)


def _destroy_remote(lease: Lease) -> None:
    host = Hypervisor(lease.uri)
    try:
        domain = host.find(lease.uuid)
        if domain is not None:
            domain.destroy()
    finally:
        host.close()
