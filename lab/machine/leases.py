"""Whose machine is this? One directory per machine, written before anything is started.

A lease outlives every process: after `kill -9` of anything, `lab gc` reads the leases, sees
which owners are dead and which kept guests have expired, and ends exactly those. The lease
file is the last thing removed, so an interrupted clean-up is simply done again.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from lab import codec
from lab.clock import wall
from lab.errors import ArtefactError
from lab.machine import embedded
from lab.places import Places

TICKS = os.sysconf("SC_CLK_TCK")
STARTED = 19
"""Field `starttime` of /proc/PID/stat, counted from the one after the name (proc(5): field 22)."""
ENDED = ("Z", "X")
"""States in /proc/PID/stat of a process that runs no more (proc(5))."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
IN_THE_MAKING_S = 60.0
"""A directory younger than this may be about to get its lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The record of one machine.

    `owner_pid`, `owner_started` (seconds since the host's boot, from the kernel) and `booted` name a
    process exactly, since pids are used again. Wall time would not: the kernel works it out anew, and
    whoever sets the host's clock would make every owner somebody else.
    """

    machine: str
    """Short id; also the domain's name."""
    uuid: str
    uri: str
    run: str
    cell: str
    attempt: int
    recording: str
    owner_pid: int
    owner_started: float
    created: str
    deadline: str
    """UTC ISO 8601; after it the machine is a leftover even if its owner lives."""
    booted: str = ""
    """The kernel's id of the boot that the owner runs in."""
    node: str = ""
    """Host name of the owner: a state directory may be shared between machines, pids are not."""
    root: str = ""
    """Root of the embedded driver, "" for other hosts."""
    keep_until: str = ""
    """Set when the machine is kept for a person; then the owner may be gone."""
    ssh_port: int = 0
    ssh_key: str = ""


class LeaseBook:
    """All leases of one state directory."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._directory = places.state / "machines"

    def disk_dir(self, machine: str) -> Path:
        """Where the machine's overlay and NVRAM are."""
        return self._directory / machine

    def run_dir(self, machine: str) -> Path:
        """Where the machine's sockets are."""
        return self.places.runtime / "m" / machine

    def add(self, lease: Lease) -> None:
        """Write the lease and make the machine's directories (0700)."""
        for directory in (self.disk_dir(lease.machine), self.run_dir(lease.machine)):
            directory.mkdir(parents=True, mode=0o700)
        self.places.runtime.chmod(0o700)
        self.update(lease)

    def update(self, lease: Lease) -> None:
        codec.write(lease, self.disk_dir(lease.machine) / "lease.json")

    def all(self) -> Iterator[Lease]:
        """Every readable lease, oldest first; a directory without one is a leftover of `add`."""
        if not self._directory.is_dir():
            return
        leases = []
        for directory in sorted(self._directory.iterdir()):
            with contextlib.suppress(ArtefactError):
                leases.append(codec.read(Lease, directory / "lease.json"))
        yield from sorted(leases, key=lambda lease: lease.created)

    def unreadable(self) -> list[str]:
        """Machine directories without a readable lease, old enough not to be in the making."""
        if not self._directory.is_dir():
            return []
        known = {lease.machine for lease in self.all()}
        oldest = time.time() - IN_THE_MAKING_S
        strangers = [path for path in self._directory.iterdir() if path.name not in known]
        return sorted(path.name for path in strangers if path.stat().st_mtime < oldest)

    def keep(self, lease: Lease, *, hours: float) -> Lease:
        """Let a person have the machine for some hours."""
        until = datetime.now(tz=UTC) + timedelta(hours=hours)
        kept = replace(lease, keep_until=until.isoformat(timespec="seconds").replace("+00:00", "Z"))
        self.update(kept)
        return kept

    def drop(self, machine: str) -> None:
        """Remove everything of a machine that is no longer running; the lease goes last."""
        shutil.rmtree(self.run_dir(machine), ignore_errors=True)
        directory = self.disk_dir(machine)
        if directory.is_dir():
            for path in directory.iterdir():
                if path.name != "lease.json":
                    path.unlink(missing_ok=True)
        shutil.rmtree(directory, ignore_errors=True)


def owner_started(pid: int) -> float:
    """Seconds from the host's boot to the process's start, or 0.0 when there is none.

    One that has ended and that nobody has waited for yet is none: an orphan can stay so for as long as
    the init of a container likes.
    """
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = told.rpartition(")")[2].split()
        return 0.0 if fields[0] in ENDED else int(fields[STARTED]) / TICKS
    except (OSError, ValueError, IndexError):
        return 0.0


def this_boot() -> str:
    """The kernel's id of this boot of the host; "" where it tells none."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def owner_alive(lease: Lease) -> bool:
    """Whether the very process that took the lease still runs."""
    if lease.booted and lease.booted != this_boot():
        return False
    started = owner_started(lease.owner_pid)
    return started > 0 and abs(started - lease.owner_started) < 1 / TICKS


def is_leftover(lease: Lease, *, now: str | None = None) -> str:
    """Why a lease may be ended, or "" when it must be left alone."""
    now = now or wall()
    if lease.node and lease.node != platform.node():
        return ""
    if lease.keep_until:
        return f"kept until {lease.keep_until}" if lease.keep_until < now else ""
    if not owner_alive(lease):
        return f"its owner (pid {lease.owner_pid}) is gone"
    if lease.deadline < now:
        return f"its deadline {lease.deadline} has passed"
    return ""


def qemu_process(lease: Lease) -> psutil.Process | None:
    """The QEMU of an embedded machine, proven by name and uuid on its command line."""
    try:
        pid = int(embedded.pid_file(Path(lease.root), lease.machine).read_text())
        process = psutil.Process(pid)
        words = " ".join(process.cmdline())
    except (OSError, ValueError, psutil.Error):
        return _qemu_by_uuid(lease)
    return process if lease.uuid in words else _qemu_by_uuid(lease)


def _qemu_by_uuid(lease: Lease) -> psutil.Process | None:
    """Search all processes: the pid file may be gone, or not written yet."""
    for process in psutil.process_iter(["pid", "cmdline"]):
        words = process.info["cmdline"] or []
        if lease.uuid in words and process.pid != os.getpid():
            return process
    return None
