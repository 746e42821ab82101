"""The tiny image: a Debian kernel, busybox, the QEMU guest agent and dropbear on a small ext4 disk.

For tests and first minutes: it answers within seconds under software emulation. Its content survives a
reboot, it loads modules and has ssh, and it has neither systemd nor apt.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.images import bootstrap, initrd, keys, overlay, sdk, tools
from lab.images.builders import Job, Made, direct, tiny_files
from lab.images.recipe import TinyRecipe

PACKAGES = (
    "linux-image-amd64",
    "busybox-static",
    "qemu-guest-agent",
    "dropbear-bin",
    "openssh-sftp-server",
    "kmod",
)


@dataclass(frozen=True, slots=True)
class TinyBuilder:
    """Builder of `kind: tiny`."""

    version: int = 2
    needs: tuple[tools.Tool, ...] = (
        *bootstrap.NEEDS,
        tools.MKE2FS,
        tools.QEMU_IMG,
        tools.SSH_KEYGEN,
        tools.ZSTD,
    )
    room_mib: int = 1200

    def build(self, recipe: TinyRecipe, job: Job) -> Made:
        host_key = keys.host_key(job.scratch, recipe.name)
        content = overlay.archive(tiny_files.files(job.keys.public, host_key.private), below="lab-tiny/")
        pack = bootstrap.script(
            "pack", ROOT="/lab-tiny", SIZE_MIB=recipe.disk_mib, ESP_MIB=0, SCRATCH=str(job.scratch)
        )
        suites = direct.reachable(recipe.suites)
        modules = (*initrd.ROOT_MODULES, *initrd.LAB_MODULES)
        out = direct.unpack(job, suites, PACKAGES, content, modules, bootstrap.script("tiny"), pack)
        job.progress.stage("making the RAM disk")
        boot = direct.place(out, job.draft)
        direct.place_disk(out, job)
        sdk.ensure(job.places, suites, boot.release, job.progress)
        return Made(
            release=f"{recipe.release}, kernel {boot.release}",
            kernel_release=boot.release,
            kernel_build=boot.build,
            cmdline=f"{direct.CMDLINE} {recipe.cmdline}".strip(),
            host_key=host_key.public,
            packages=direct.packages(out),
            suites=suites,
            sdk=sdk.directory_name(recipe.suite, boot.release),
            notes=direct.notes(recipe.suites),
        )
