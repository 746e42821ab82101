"""The dump that a guest left on its dump disk, read through the disk's file system.

Works on a copy, as a guest that has crashed may still run. Which of several files is the dump is decided by
what their headers say. Refuses to judge a dump: `lab.detect.dumps` reads what is brought.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.offline.disk import Disk
from lab.offline.job import Done
from lab.offline.steps import CopyOut, Step

PLACES = ("/lab-dump.sys", "/*.dmp", "/Minidump/*.dmp")
"""DedicatedDumpFile as the lab's Windows images set it, DumpFile and MinidumpDir; of several the newest."""
VALID = (b"PAGEDU64", b"PAGEDUMP")
"""What Windows' kernel dumps begin with once they are valid."""
Do = Callable[[Disk, list[Step]], list[Done]]
"""`Offline.do`, with its deadline set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpFile:
    """A file that is, or was to become, a dump."""

    path: Path
    """On the host."""
    name: str
    """On the dump disk."""
    state: str
    """`valid`, `unfinished` (its header was never marked valid) or `unused` (nothing was written to it)."""

    @property
    def sentence(self) -> str:
        """For a person."""
        if self.state == "valid":
            return f"its dump is {self.name} of its dump disk"
        if self.state == "unfinished":
            return f"{self.name} of its dump disk is half written: its header is not marked valid"
        return f"{self.name} of its dump disk was never written to: the guest made no dump"


def fetch(do: Do, disk: Path, scratch: Path) -> DumpFile | None:
    """The best dump file on a copy of a dump disk; None when none is on its file system.

    :param disk: raw, and in use by nobody.
    :param scratch: where the files are put; the caller removes what it does not keep.
    :raise LabError: no file system is on it, or it cannot be read.
    """
    found = Disk(disk, "raw")
    if not any(one.type.mountable for one in found.volumes):
        return None
    steps: list[Step] = [
        CopyOut(path=place, target=scratch / f"file-{number}", optional=True)
        for number, place in enumerate(PLACES)
    ]
    files = [_file(one) for one in do(found, steps) if one.paths]
    order = ("valid", "unfinished", "unused")
    return min(files, key=lambda one: order.index(one.state), default=None)


def _file(done: Done) -> DumpFile:
    assert isinstance(done.step, CopyOut)
    return DumpFile(
        path=done.step.target, name=done.paths[0].removeprefix("/"), state=state_of(done.step.target)
    )


def state_of(path: Path) -> str:
    """By the first page of the file."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    if head[:8] in VALID:
        return "valid"
    return "unfinished" if head.strip(b"\0") else "unused"
