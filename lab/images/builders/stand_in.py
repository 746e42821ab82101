"""The Windows STAND-IN as an image: a Debian kernel and Python in a RAM disk, and a system disk of NTFS.

It is no Windows, and its release, its channels' answers and its own screen say so.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from lab import proc
from lab.images import bootstrap, keys, overlay, tools
from lab.images.builders import Job, Made, direct
from lab.images.recipe import StandInRecipe
from lab.images.stand_in import ram_disk
from lab.images.windows import dump_disk

PACKAGES = (
    "linux-image-amd64",
    "busybox-static",
    "dropbear-bin",
    "openssh-sftp-server",
    "python3.11-minimal",
    "libpython3.11-stdlib",
    "ntfs-3g",
    "kmod",
)
CMDLINE = (
    "rdinit=/init console=ttyS0 quiet loglevel=1 panic=5 nmi_watchdog=0 consoleblank=0"
    f" vt.global_cursor_default=0 {direct.EMULATION}"
)
"""The kernel prints on the serial port only when it dies itself (level 0); the rest is the stand-in's."""
CONVERT_S = 60


@dataclass(frozen=True, slots=True)
class StandInBuilder:
    """Builder of `kind: stand-in`."""

    needs: tuple[tools.Tool, ...] = (
        *bootstrap.NEEDS,
        tools.QEMU_IMG,
        tools.SSH_KEYGEN,
        tools.ZSTD,
        dump_disk.FILE_SYSTEMS["ntfs"][0],
    )
    room_mib: int = 1200

    @property
    def version(self) -> int:
        """Of its own files and of the scripts that it knows: it is made anew when the lab's words change."""
        return zlib.crc32(ram_disk.sources())

    def build(self, recipe: StandInRecipe, job: Job) -> Made:
        host_key = keys.host_key(job.scratch, recipe.name)
        key = overlay.archive((overlay.File("lab-key.openssh", host_key.private, 0o600),))
        suites = direct.reachable(recipe.suites)
        modules = (*ram_disk.MODULES, *ram_disk.OPTIONAL_MODULES)
        out = direct.unpack(job, suites, PACKAGES, key, modules, bootstrap.script("stand_in"))
        job.progress.stage("making the RAM disk")
        boot = direct.identify(out)
        direct.place_kernel(out, job.draft)
        (job.draft / "initrd").write_bytes(ram_disk.build(out, boot.release, job.keys.public))
        _disk(recipe, job)
        return Made(
            release=recipe.release,
            kernel_release="",
            kernel_build=boot.build,
            cmdline=CMDLINE,
            host_key=host_key.public,
            user=ram_disk.USER,
            packages=direct.packages(out),
            suites=suites,
            notes=("STAND-IN: no Windows", *direct.notes(recipe.suites)),
        )


def _disk(recipe: StandInRecipe, job: Job) -> None:
    """A system disk as Windows would have: a partition table and NTFS."""
    raw = job.scratch / "system.raw"
    dump_disk.make(raw, recipe.disk_mib)
    argv = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(job.draft / "disk.qcow2")]
    proc.checked(argv, timeout_s=CONVERT_S, what="system disk of the stand-in")
    raw.unlink()
