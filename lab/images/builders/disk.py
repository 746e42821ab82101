"""A disk that the user brings: checked, never written to; linked to, or converted when it is no qcow2."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lab import proc
from lab.errors import ArtefactError
from lab.images import digest, tools, workshop
from lab.images.builders import Job, Made
from lab.images.recipe import DiskRecipe

CONVERT_S = 7200.0
FOREIGN = {b"vhdxfile": "vhdx", b"KDMV": "vmdk", b"# Disk Descript": "vmdk", b"conectix": "vpc"}
"""How a file of another format begins -> its name to qemu-img (MS-VHDX 2.2.1, VMware's and Microsoft's
specifications). A fixed VHD has its mark at the end (`FOOTER`)."""
FOOTER = 512


@dataclass(frozen=True, slots=True)
class DiskBuilder:
    """Builder of `kind: disk`."""

    version: int = 1
    needs: tuple[tools.Tool, ...] = ()
    room_mib: int = 1

    def build(self, recipe: DiskRecipe, job: Job) -> Made:
        check_present(recipe)
        job.progress.stage(f"checking {recipe.path}")
        foreign = foreign_format(recipe.path)
        if not foreign:
            digest.check_qcow2(recipe.path)
        found = digest.Remembered(job.places.state / "digests.json").of_file(recipe.path)
        if found != recipe.sha256:
            raise ArtefactError(
                f"image {recipe.name!r}: {recipe.path}: sha256 is {found} (its recipe says {recipe.sha256})",
                hint=f"bring the right file, or put its digest into {recipe.source}",
            )
        for name, path in files(recipe).items():
            if name == "disk.qcow2" and foreign:
                _convert(recipe, foreign, job)
            else:
                (job.draft / name).symlink_to(path)
        return Made(
            release=recipe.release,
            kernel_release=recipe.kernel_release,
            kernel_build="",
            cmdline=recipe.cmdline,
            host_key=recipe.host_key,
            channels=recipe.channels,
            user=recipe.user,
        )


def foreign_format(path: Path) -> str:
    """What qemu-img calls the format of a disk that is to be converted, or "" (a qcow2, or nothing known)."""
    with path.open("rb") as stream:
        head = stream.read(16)
        for magic, name in FOREIGN.items():
            if head.startswith(magic):
                return name
        stream.seek(max(0, path.stat().st_size - FOOTER))
        return "vpc" if stream.read(8) == b"conectix" else ""


def _convert(recipe: DiskRecipe, kind: str, job: Job) -> None:
    """A qcow2 of the user's disk; what is empty in it takes no room."""
    workshop.check_room(job.scratch, recipe.path.stat().st_size // workshop.MIB, recipe.name)
    job.progress.stage(f"converting it from {kind}")
    argv: list[str | Path] = ["qemu-img", "convert", "-f", kind, "-O", "qcow2", recipe.path]
    proc.checked([*argv, job.draft / "disk.qcow2"], timeout_s=CONVERT_S, what=f"image {recipe.name!r}")


def files(recipe: DiskRecipe) -> dict[str, Path]:
    """The names that the image's directory has -> the user's files."""
    named = {"disk.qcow2": recipe.path, "vmlinuz": recipe.kernel_path, "initrd": recipe.initrd_path}
    return {name: path for name, path in named.items() if path is not None}


def check_present(recipe: DiskRecipe) -> None:
    """:raise ArtefactError: one of the user's files is not there or cannot be read."""
    for path in files(recipe).values():
        if not path.is_file():
            raise ArtefactError(
                f"image {recipe.name!r}: {path}: no such file",
                hint=f"put the file there, or correct the path in {recipe.source}",
            )
        if not os.access(path, os.R_OK):
            raise ArtefactError(
                f"image {recipe.name!r}: {path}: may not be read by this user", hint=f"chmod +r {path}"
            )
