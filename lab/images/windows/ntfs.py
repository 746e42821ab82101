"""Files taken out of a guest's disk without starting the guest: Windows Setup's own logs, read-only.

The volume is found by `lab.offline`, taken out of the qcow2 by qemu-img, and read by ntfs-3g's `ntfscat`,
since a host that only installs Windows may have nothing to make the rescue guest of. A disk that cannot be
read gives no files, and the reason.
"""

from __future__ import annotations

from pathlib import Path

from lab import proc
from lab.errors import LabError
from lab.images import workshop
from lab.images.tools import Tool
from lab.offline.disk import Disk
from lab.offline.partitions import Partition
from lab.offline.refusal import DiskRefused, Refusal
from lab.offline.volumes import FileSystem

NTFSCAT = Tool("ntfscat", "ntfs-3g")
TOOL_S = 900.0
LARGEST = 4 << 20
SETUP_LOGS = (
    "Windows/Panther/setupact.log",
    "Windows/Panther/setuperr.log",
    "Windows/Panther/UnattendGC/setupact.log",
    "$WINDOWS.~BT/Sources/Panther/setupact.log",
    "$WINDOWS.~BT/Sources/Panther/setuperr.log",
    "Windows/inf/setupapi.dev.log",
    "lab/finish.log",
)
"""Where Setup logs by phase (learn.microsoft.com: Windows Setup log files and event logs)."""


def fetch(disk: Path, names: tuple[str, ...], scratch: Path) -> tuple[dict[str, bytes], str]:
    """(files by path, why there are none): what is there of `names` on the disk's largest NTFS partition.

    :param disk: a qcow2 that nobody has open.
    :param scratch: room for the partition's used part.
    """
    if NTFSCAT.path is None:
        return {}, "ntfscat is not on this host (apt-get install ntfs-3g)"
    try:
        ours = Disk(disk, "qcow2")
        found = [one.part for one in ours.volumes if one.type is FileSystem.NTFS]
        if not found:
            return {}, "the disk has no Windows partition yet"
        largest = max(found, key=lambda part: part.size)
        part = scratch / "partition.raw"
        try:
            workshop.check_room(scratch, disk.stat().st_size // workshop.MIB + 64, "setup logs")
            _take_out(disk, largest, part)
            files = {name: content for name in names if (content := _read(part, name)) is not None}
        finally:
            part.unlink(missing_ok=True)
    except (LabError, OSError) as error:
        empty = isinstance(error, DiskRefused) and error.why is Refusal.NO_TABLE
        return {}, "the disk has no Windows partition yet" if empty else str(error)
    return files, "" if files else "none of Setup's logs is on it yet"


def _take_out(disk: Path, part: Partition, target: Path) -> None:
    """QEMU's raw driver gives a window of the qcow2 below it (`offset`, `size`); holes stay holes."""
    below = f"file.driver=qcow2,file.file.driver=file,file.file.filename={_escaped(disk)}"
    window = f"driver=raw,offset={part.start},size={part.size},{below}"
    argv = ["qemu-img", "convert", "--image-opts", "-O", "raw", window, str(target)]
    proc.checked(argv, timeout_s=TOOL_S, what="Windows partition")


def _escaped(path: Path) -> str:
    return str(path).replace(",", ",,")


def _read(part: Path, name: str) -> bytes | None:
    done = proc.run([NTFSCAT.path or "ntfscat", "-f", part, name], timeout_s=TOOL_S)
    return done.stdout[-LARGEST:] if done.ok else None
