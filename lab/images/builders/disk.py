"""A disk image that the user brings: checked, linked to, never copied and never written to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lab.errors import ArtefactError
from lab.images import digest, tools
from lab.images.builders import Job, Made
from lab.images.recipe import DiskRecipe


@dataclass(frozen=True, slots=True)
class DiskBuilder:
    """Builder of `kind: disk`."""

    version: int = 1
    needs: tuple[tools.Tool, ...] = ()
    room_mib: int = 1

    def build(self, recipe: DiskRecipe, job: Job) -> Made:
        check_present(recipe)
        job.progress.stage(f"checking {recipe.path}")
        digest.check_qcow2(recipe.path)
        found = digest.Remembered(job.places.state / "digests.json").of_file(recipe.path)
        if found != recipe.sha256:
            raise ArtefactError(
                f"image {recipe.name!r}: {recipe.path}: sha256 is {found} (its recipe says {recipe.sha256})",
                hint=f"bring the right file, or put its digest into {recipe.source}",
            )
        for name, path in files(recipe).items():
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
