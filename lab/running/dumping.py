"""Memory written down: by the guest itself after a crash, then by the host, with the kernel log from it.

Refuses what would cost more than lab.yaml allows, and says so in the recording: guests that are too
large, hosts without room, more dumps than a run may have, and no time left.
"""

from __future__ import annotations

import contextlib
import functools
import mmap
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab import proc
from lab.clock import Deadline, Stopwatch
from lab.errors import LabError
from lab.machine import kdump
from lab.machine.witness import Witness
from lab.model import Capture, EvidencePolicy
from lab.offline.disk import Disk
from lab.offline.dumps import DumpFile, fetch
from lab.offline.repair import Offline
from lab.running.captures import Captures
from lab.running.dump_slots import DumpSlots
from lab.waiting import WaitTimeout, wait_for

MEMORY, KERNEL_LOG, GUEST_DUMP = "memory.dump", "kernel.log", "guest.dump"
DUMP_MARKS = (b"PAGEDU64", b"PAGEDUMP")
"""What Windows' kernel dumps begin with."""
SECTOR = 512
IDLE_DISK_S = 8.0
"""A guest that has written nothing for so long is not writing a dump."""
LOOK_S = 0.5
LEAST_S, PER_GIB_S = 20.0, 30.0
"""The longest that a dump may take; 256 MiB of a young guest take 0.8 s."""
RESERVE_MIB = 1024
"""What a dump leaves free on the disk of the recordings."""


class Dumping:
    """Dumps of one guest.

    :param factor: of the host; waits are multiplied by it.
    :param deadline: when the attempt's process is ended.
    :param moved_on: whether the guest has rebooted or powered off since it crashed.
    :param offline: reads dump disks that have a file system; without it they are searched for a dump.
    """

    def __init__(
        self,
        witness: Witness,
        captures: Captures,
        policy: EvidencePolicy,
        slots: DumpSlots,
        *,
        factor: float,
        deadline: Deadline,
        moved_on: Callable[[], bool],
        offline: Offline | None = None,
    ) -> None:
        self._witness = witness
        self._captures = captures
        self._policy = policy
        self._slots = slots
        self._factor = factor
        self._deadline = deadline
        self._moved_on = moved_on
        self._offline = offline

    # -- by the guest ----------------------------------------------------------

    def by_guest(self) -> Capture:
        """Wait while it writes. It is done when its disks rest, or when it reboots."""
        watch, start = Stopwatch(), self._witness.written()
        end = Deadline.after(min(self._policy.guest_dump_wait_s * self._factor, self._deadline.left_s / 2))
        last, rest = start, Deadline.after(IDLE_DISK_S * self._factor)
        while not (end.passed or rest.passed or self._moved_on()):
            with contextlib.suppress(WaitTimeout):
                wait_for(self._moved_on, what="a reboot", timeout_s=min(LOOK_S, end.left_s), interval_s=0.1)
            now = self._witness.written()
            if now > last:
                last, rest = now, Deadline.after(IDLE_DISK_S * self._factor)
        until = "its deadline" if end.passed else "a reboot" if self._moved_on() else "its disks rested"
        detail = f"the guest wrote {(last - start) >> 20} MiB after the crash, until {until}"
        disk = self._witness.dump_disk
        if disk is not None and disk.stat().st_blocks:
            return self._copy(disk, watch, detail)
        return self._captures.note(
            "guest-dump", ok=last > start, took_s=watch.t_s, size=last - start, detail=detail
        )

    def _copy(self, disk: Path, watch: Stopwatch, detail: str) -> Capture:
        """The dump file of the dump disk; of a disk without a file system, from where its dump begins."""
        mib, most = disk.stat().st_blocks // 2048, self._policy.max_size_mib
        if mib > most:
            why = f"not taken: {mib} MiB (evidence.max_size is {most} MiB); {detail}"
            return self._captures.note("guest-dump", ok=False, took_s=watch.t_s, detail=why)
        target, start = self._captures.directory / GUEST_DUMP, dump_start(disk)
        with tempfile.TemporaryDirectory(prefix=".dump-", dir=self._captures.directory) as scratch:
            found, why = self._file(disk, Path(scratch))
            if found is not None and (found.state == "valid" or start is None):
                found.path.replace(target)
                return self._kept(found, target, watch, detail)
            part = Path(scratch) / GUEST_DUMP
            self._dd(disk, part, start or 0)
            part.replace(target)
        where = "no dump is on its disk" if start is None else f"its dump is at byte {start} of its disk"
        where += f" (not read by its file system: {why})" if why else ""
        return self._captures.file("guest-dump", target, watch.t_s, f"{detail}; {where}")

    def _kept(self, found: DumpFile, target: Path, watch: Stopwatch, detail: str) -> Capture:
        told = f"{detail}; {found.sentence}"
        if found.state == "unused":
            target.unlink()
            return self._captures.note("guest-dump", ok=False, took_s=watch.t_s, detail=told)
        return self._captures.file("guest-dump", target, watch.t_s, told)

    def _file(self, disk: Path, scratch: Path) -> tuple[DumpFile | None, str]:
        """The dump by the file system of its disk, or why not. The guest may still have the disk open."""
        if self._offline is None:
            return None, ""
        copy, left_s = scratch / "disk.raw", self._deadline.left_s / 2
        try:
            if Disk(disk, "raw", shared=True).table.kind == "none":
                return None, ""
            self._dd(disk, copy, 0)
            do = functools.partial(self._offline.do, limit_s=left_s)
            found = fetch(do, copy, scratch)
        except (LabError, OSError) as error:
            return None, str(error)[:200]
        finally:
            copy.unlink(missing_ok=True)
        return found, "" if found else "it has no dump file"

    def _dd(self, source: Path, target: Path, start: int) -> None:
        """As sparse as it is."""
        words = ["dd", f"if={source}", f"of={target}", "bs=1M", f"skip={start}"]
        words += ["iflag=skip_bytes", "conv=sparse", "status=none"]
        proc.checked(words, timeout_s=max(1.0, self._deadline.left_s), what="dump disk")

    # -- by the host -----------------------------------------------------------

    def by_host(self, *, linux: bool) -> None:
        """The guest's memory and, of a Linux, its kernel log. Works on a stopped guest too."""
        limit_s = max(LEAST_S, PER_GIB_S * self._witness.memory_mib / 1024) * self._factor
        why_not = self._refusal(limit_s)
        if not why_not and not self._slots.claim(str(self._captures.directory)):
            why_not = f"{self._policy.most} guests of this run were dumped already (evidence.most)"
        if why_not:
            self._captures.leave_out("memory-dump", why_not)
            return
        watch = Stopwatch()
        try:
            dump = self._witness.dump(self._captures.directory / MEMORY, timeout_s=limit_s)
        except (LabError, OSError) as error:
            self._slots.release()
            self._captures.record(
                self._captures.note("memory-dump", ok=False, took_s=watch.t_s, detail=str(error)[:300])
            )
            return
        took_s, taken = watch.t_s, []
        if linux and dump.compressed:
            # before the dump's digest is taken, as the kernel's note is put into it
            taken.append(self._captures.tried("kernel-log", lambda: self._kernel_log(dump.path, limit_s)))
        detail = f"{self._witness.memory_mib} MiB of memory, {dump.format}"
        self._captures.attempt(
            "memory-dump", lambda: self._captures.file("memory-dump", dump.path, took_s, detail)
        )
        self._captures.record(*taken)

    def _refusal(self, limit_s: float) -> str:
        memory_mib, most_mib = self._witness.memory_mib, self._policy.max_size_mib
        if memory_mib > most_mib:
            return f"the guest has {memory_mib} MiB (evidence.max_size is {most_mib} MiB)"
        # QEMU writes a stream, which is then made a file: both at most as large as the memory
        wanted_mib = 2 * memory_mib + RESERVE_MIB
        free_mib = shutil.disk_usage(self._captures.directory).free >> 20
        if free_mib < wanted_mib:
            return f"{free_mib} MiB are free (wanted {wanted_mib} MiB)"
        if self._deadline.left_s < limit_s:
            return f"{self._deadline.left_s:.0f} s are left to the attempt (wanted {limit_s:.0f} s)"
        return ""

    def _kernel_log(self, dump: Path, limit_s: float) -> Capture:
        watch, path = Stopwatch(), self._captures.directory / KERNEL_LOG
        kernels = kdump.kernel_log(dump, path, timeout_s=limit_s)
        detail = f"{kernels} kernels were in memory" if kernels > 1 else ""
        return self._captures.file("kernel-log", path, watch.t_s, detail)


def dump_start(disk: Path) -> int | None:
    """Where on a disk a Windows dump begins; None when there is none. A GiB takes about a second.

    The file is written past the file system; on a disk of its own it is in one piece, as a rule.
    """
    with disk.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = []
        for mark in DUMP_MARKS:
            at = data.find(mark)
            while at >= 0 and at % SECTOR:
                at = data.find(mark, at + 1)
            found += [at] if at >= 0 else []
        return min(found, default=None)
