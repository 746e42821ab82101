"""Faults of disks, file systems and files."""

from __future__ import annotations

from lab.faults import disk, files, rooms
from lab.faults.catalogue.families import BOTH
from lab.faults.kind import Kind, Parameter

PATH = Parameter(
    name="path",
    meaning=f"a directory on the file system; on Windows {rooms.USUAL_WINDOWS}",
    default=rooms.USUAL,
)
FILE = Parameter(
    name="path", meaning="of the file; empty: one below the agent's directory, drawn by the seed", default=""
)
SHARE = Parameter(name="share", meaning="of the file that stays", default=0.5, low=0, high=1)
FILE_UNDO = "the lab puts the file back; sha256 read back"

KINDS = (
    Kind(
        name="disk-error",
        what="lets requests of the disk fail with EIO: all, by sector, or a share of its blocks (blkdebug)",
        proof="QEMU's BLOCK_IO_ERROR events: the error was returned to the guest",
        undo="the filter above the disk is gone. What the guest's file system did about it stays",
        make=disk.DiskError,
        families=BOTH,
        masks=("io",),
        parameters=(
            Parameter(
                name="op",
                meaning="which requests",
                default="any",
                choices=("read", "write", "flush", "any"),
            ),
            Parameter(
                name="rate",
                meaning="share of the disk's 4 KiB blocks that are bad, at most 8,192 of them; 1: all of it",
                default=1.0,
                low=1e-6,
                high=1,
                drawn=(0.001, 0.02),
            ),
            Parameter(
                name="sector",
                whole=True,
                meaning="only this one (512 bytes); -1: by rate",
                default=-1.0,
                low=-1,
            ),
            Parameter(
                name="probe", meaning="read or write in the guest to see an error at once", default=True
            ),
        ),
    ),
    Kind(
        name="disk-slow",
        what="limits the disk's bytes or requests per second",
        proof="the same write takes longer than before, by what the limit says",
        undo="the limit is taken away",
        make=disk.DiskSlow,
        families=BOTH,
        parameters=(
            Parameter(
                name="kib_s",
                meaning="bytes; 0: no limit",
                default=256.0,
                unit="KiB/s",
                low=0,
                high=1 << 20,
                drawn=(128, 1024),
            ),
            Parameter(
                name="requests_s", meaning="requests; 0: no limit", default=0.0, unit="1/s", low=0, high=1e6
            ),
        ),
    ),
    Kind(
        name="storage-full",
        what="lets the host's storage run out: QEMU stops the guest at its next write",
        proof="QEMU's BLOCK_IO_ERROR event (no space) and the stopped machine",
        undo="the storage has room again and the machine goes on; QEMU's state",
        make=disk.StorageFull,
        families=BOTH,
        masks=("silence", "io", "clock"),
    ),
    Kind(
        name="disk-full",
        what="fills a file system of the guest, root's reserve included",
        proof="a write in the guest ends with `No space left on device`",
        undo="the room is given back; a write succeeds",
        make=rooms.full,
        families=BOTH,
        parameters=(
            PATH,
            Parameter(
                name="leave_kib",
                whole=True,
                meaning="what stays free",
                default=0.0,
                unit="KiB",
                low=0,
                high=1 << 30,
            ),
        ),
    ),
    Kind(
        name="disk-read-only",
        what="makes all disks of the guest read-only (the kernel's emergency remount), or one of Windows",
        proof="a write in the guest is refused (`Read-only file system`)",
        undo="what was writable is so again; a write succeeds",
        make=rooms.read_only,
        families=BOTH,
        parameters=(PATH,),
    ),
    Kind(
        name="file-torn",
        what="replaces the end of a file by zeros, as a power cut leaves it",
        proof="size and sha256 read back from the guest",
        undo=FILE_UNDO,
        make=files.tear,
        families=BOTH,
        parameters=(FILE, SHARE),
    ),
    Kind(
        name="file-truncated",
        what="cuts a file short",
        proof="size and sha256 read back from the guest",
        undo=FILE_UNDO,
        make=files.truncate,
        families=BOTH,
        parameters=(FILE, SHARE),
    ),
    Kind(
        name="file-corrupt",
        what="turns bits of a file over, drawn by the seed",
        proof="size and sha256 read back from the guest",
        undo=FILE_UNDO,
        make=files.flip,
        families=BOTH,
        parameters=(
            FILE,
            Parameter(
                name="bits",
                whole=True,
                meaning="how many",
                default=8.0,
                low=1,
                high=1 << 20,
                drawn=(1, 64),
            ),
        ),
    ),
)
