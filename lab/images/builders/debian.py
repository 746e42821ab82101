"""A Debian release with its own kernel, systemd, sshd and the QEMU guest agent, from its packages.

Two ways to boot: QEMU loads the kernel with the lab's small RAM disk (fast), or the machine's UEFI
firmware finds systemd-boot on the disk (`loader:`), which loads the distribution's own initramfs.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.images import bootstrap, initrd, keys, overlay, sdk, tools
from lab.images.builders import Job, Made, debian_files, direct
from lab.images.recipe import DebianRecipe

PACKAGES = (
    "systemd", "systemd-sysv", "udev", "dbus", "kmod", "openssh-server", "qemu-guest-agent",
    "busybox-static", "iproute2", "procps", "initramfs-tools",
)  # fmt: skip
LOADER_PACKAGES = ("systemd-boot-efi", "zstd")
LOADER_MODULES = (*initrd.ROOT_MODULES, *initrd.LAB_MODULES, "ahci", "sd_mod", "nvme", "virtio_scsi")
"""In the initramfs of an image with a loader: it may find its disk on another bus."""
LOADER_CMDLINE = f"root=LABEL=lab-root rw fsck.mode=skip {direct.ALWAYS}"
ESP_MIB = 128
UNPACK_FAST = (
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
)
"""Documentation is a third of the files; an image that did not finish is thrown away, so no fsync."""


@dataclass(frozen=True, slots=True)
class DebianBuilder:
    """Builder of `kind: debian`."""

    version: int = 3
    needs: tuple[tools.Tool, ...] = (
        *bootstrap.NEEDS, tools.MKE2FS, tools.QEMU_IMG, tools.SSH_KEYGEN, tools.ZSTD,
        tools.SFDISK, tools.MKFS_VFAT, tools.MCOPY,
    )  # fmt: skip
    room_mib: int = 3600

    def build(self, recipe: DebianRecipe, job: Job) -> Made:
        host_key = keys.host_key(job.scratch, recipe.name)
        files = debian_files.files(
            hostname=recipe.name,
            machine_id=uuid.uuid4().hex,
            authorized_key=job.keys.public,
            host_key=host_key.private,
            host_key_public=host_key.public,
        )
        (job.scratch / "overlay.tar").write_bytes(overlay.archive(files))
        spec = _spec(recipe, job.scratch)
        out = bootstrap.run(spec, job.scratch, job.progress)
        direct.place_disk(out, job)
        if recipe.loader:
            boot = direct.identify(out)
        else:
            job.progress.stage("making the RAM disk")
            boot = direct.place(out, job.draft)
        sdk.ensure(job.places, spec.suites, boot.release, job.progress)
        return Made(
            release=_release(out),
            kernel_release=boot.release,
            kernel_build=boot.build,
            cmdline="" if recipe.loader else f"{direct.CMDLINE} {recipe.cmdline}".strip(),
            host_key=host_key.public,
            packages=direct.packages(out),
            suites=spec.suites,
            sdk=sdk.directory_name(recipe.suite, boot.release),
            notes=direct.notes(recipe.suites),
        )


def _spec(recipe: DebianRecipe, scratch: Path) -> bootstrap.Bootstrap:
    modules = " ".join((*initrd.ROOT_MODULES, *initrd.LAB_MODULES))
    hooks = [bootstrap.script("collect", MODULES=modules)]
    if recipe.loader:
        cmdline = f"{LOADER_CMDLINE} {recipe.cmdline}".strip()
        hooks.append(bootstrap.script("systemd_boot", CMDLINE=cmdline))
    tidy = bootstrap.script("debian", INITRAMFS="keep" if recipe.loader else "drop")
    esp_mib = ESP_MIB if recipe.loader else 0
    pack = bootstrap.script("pack", ROOT="", SIZE_MIB=recipe.disk_mib, ESP_MIB=esp_mib, SCRATCH=str(scratch))
    return bootstrap.Bootstrap(
        suites=direct.reachable(recipe.suites),
        variant="minbase",
        packages=tuple(_packages(recipe)),
        setup=(
            bootstrap.script("merged_usr"),
            bootstrap.script("initramfs", MODULES=" ".join(LOADER_MODULES if recipe.loader else ())),
        ),
        hooks=(*hooks, tidy, f"tar-in {scratch}/overlay.tar /", pack),
        options=(*UNPACK_FAST, *(f"--dpkgopt=path-exclude={path}" for path in recipe.without)),
    )


def _packages(recipe: DebianRecipe) -> Iterable[str]:
    kernel = "linux-image-amd64"
    yield kernel if recipe.kernel_suite == recipe.suite else f"{kernel}/{recipe.kernel_suite}"
    yield from PACKAGES
    yield from LOADER_PACKAGES if recipe.loader else ()
    yield from recipe.packages


def _release(out: Path) -> str:
    """`Debian GNU/Linux 12 (bookworm), 12.11`: os-release has no point release, debian_version has."""
    pretty = (out / "pretty_name").read_text(encoding="utf-8").strip()
    point = (out / "debian_version").read_text(encoding="utf-8").strip()
    return f"{pretty}, {point}" if point[:1].isdigit() else pretty
