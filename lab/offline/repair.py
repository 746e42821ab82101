"""Steps on the files of a guest that is off, done by the rescue guest.

Steps are done in order and end at the first that fails. The rescue guest has no network, sees only the disk's
volumes, and ends with its owner. Refuses to write to a disk in use, or to one whose parts overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab import proc
from lab.clock import Stopwatch
from lab.errors import MachineError
from lab.images import workshop
from lab.images.progress import Say, silent
from lab.offline import rescue
from lab.offline.disk import LOCKED, Disk, refused
from lab.offline.job import Done, Entry, Job
from lab.offline.refusal import DiskRefused, Refusal
from lab.offline.steps import CopyOut, Delete, List, Read, Rename, Replace, Step, meant
from lab.offline.volumes import FileSystem, Volume
from lab.places import Places

START_S, PER_GIB_S = 60.0, 60.0
"""Starting takes 3.5 s under emulation on the reference machine; reading a GiB takes about 10 s."""
DONE = "lab-rescue: done"


class Offline:
    """Reads and mends disks of guests that are off.

    :param accelerator: of the host, as measured (`kvm` or `tcg`).
    :param factor: of the host; deadlines are multiplied by it.
    """

    def __init__(
        self, places: Places, *, accelerator: str = "tcg", factor: float = 1.0, say: Say = silent
    ) -> None:
        self._places = places
        self._accelerator = accelerator
        self._factor = factor
        self._say = say
        self.took_s = 0.0
        """Seconds of the last job."""

    def prepare(self) -> None:
        """Make the rescue guest now, so that the first job does not.

        :raise BuildError: it could not be made.
        """
        rescue.ensure(self._places, self._say)

    # -- single steps ------------------------------------------------------

    def look(self, disk: Disk, path: str, *, volume: int | None = None) -> tuple[Entry, ...]:
        """What is in a directory, or what matches a pattern."""
        return self.do(disk, [List(path=path, volume=volume)])[0].entries

    def read(self, disk: Disk, path: str, *, volume: int | None = None) -> bytes:
        """A file of at most 32 MiB."""
        return self.do(disk, [Read(path=path, volume=volume)])[0].data

    def copy_out(self, disk: Disk, path: str, target: Path, *, volume: int | None = None) -> Done:
        """One file of any size to `target`."""
        return self.do(disk, [CopyOut(path=path, volume=volume, target=target)])[0]

    def rename(self, disk: Disk, path: str, to: str, *, volume: int | None = None) -> Done:
        """Give a file another name."""
        return self.do(disk, [Rename(path=path, volume=volume, to=to)])[0]

    def delete(self, disk: Disk, path: str, *, volume: int | None = None) -> Done:
        """Remove the files that match."""
        return self.do(disk, [Delete(path=path, volume=volume)])[0]

    def replace(self, disk: Disk, path: str, content: bytes, *, volume: int | None = None) -> Done:
        """Other content for a file that is there."""
        return self.do(disk, [Replace(path=path, volume=volume, content=content)])[0]

    # -- a job -------------------------------------------------------------

    def do(self, disk: Disk, steps: Sequence[Step], *, limit_s: float | None = None) -> list[Done]:
        """All steps in one start of the rescue guest.

        :param limit_s: for all of it, already scaled; by what there is to do when None.
        :raise DiskRefused: the disk is in use, or a step failed; the steps before it were done.
        :raise InputError: a path that cannot be used.
        :raise BuildError: the rescue guest could not be made.
        :raise MachineError: it did not start or did not end.
        """
        watch = Stopwatch()
        writes = any(step.writes for step in steps)
        volumes = _usable(disk, writes)
        for step in steps:
            _check_volumes(disk, step, volumes)
        files = rescue.ensure(self._places, self._say)
        with workshop.scratch(self._places.state / "offline", "job", need_mib=128) as scratch:
            job = Job(disk, steps, volumes, scratch)
            try:
                self._run(
                    job.argv(files, self._accelerator, limit_s or self._limit_s(steps), writes=writes), job
                )
                done = job.answers()
            finally:
                job.drop_parts()
        self.took_s = watch.t_s
        return done

    def _limit_s(self, steps: Sequence[Step]) -> float:
        copies = sum(isinstance(step, CopyOut) for step in steps)
        return (START_S + 4 * PER_GIB_S * copies) * self._factor

    def _run(self, argv: Sequence[str], job: Job) -> None:
        done = proc.run(argv, timeout_s=job.limit_s + 10.0)
        if done.ok and DONE in done.text:
            return
        words = done.error_text if not done.ok else done.text
        if LOCKED.search(words):
            raise refused(job.disk.path, words)
        last = (words.splitlines() or ["no output"])[-1]
        raise MachineError(f"rescue guest on {job.disk.path.name!r} did not end its job: {last[:300]}")


def _usable(disk: Disk, writes: bool) -> tuple[Volume, ...]:
    """:raise DiskRefused: parts of the disk overlap and one would be written to."""
    overlapping = [one for one in disk.volumes if one.part.overlaps]
    if overlapping and writes:
        raise DiskRefused(
            f"disk {disk.path.name!r}: {'; '.join(disk.table.problems)}: nothing is written to it",
            Refusal.DAMAGED,
        )
    return disk.volumes


def _check_volumes(disk: Disk, step: Step, volumes: Sequence[Volume]) -> None:
    """:raise DiskRefused: no volume of the disk can have the step's file."""
    if meant(step, volumes):
        return
    shown = ", ".join(map(str, volumes)) or "none"
    locked = [one for one in volumes if one.type is FileSystem.BITLOCKER]
    if locked:
        raise DiskRefused(
            f"{step.path!r}: volume {locked[0].number} of {disk.path.name!r} is encrypted by BitLocker",
            Refusal.ENCRYPTED,
        )
    raise DiskRefused(
        f"{step.path!r}: no volume of {disk.path.name!r} can have it (it has: {shown})", Refusal.ABSENT
    )
