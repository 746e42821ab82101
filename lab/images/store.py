"""The images of this machine: recipes made into files in the cache, found again, checked, removed.

    cache/images/NAME/RECIPE/      disk.qcow2 vmlinuz initrd provenance.json
    cache/images/.scratch/         builds at work
    cache/images/.locks/           one per image: two processes that want the same image build it once

RECIPE is the start of the recipe's digest, so a changed recipe is another image and never a stale one. A
build happens in the scratch directory and is renamed when it is whole. How an image is made is the
builders' matter; what runs on it is nobody's here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import lab
from lab import clock, codec
from lab.errors import ArtefactError
from lab.images import digest, keys, sdk, tools, workshop
from lab.images.builders import Builder, Job, Made, disk
from lab.images.builders.table import BUILDERS
from lab.images.built import PROVENANCE, BuiltImage, Provenance, to_image
from lab.images.progress import Progress, Say, silent
from lab.images.recipe import DiskRecipe, Recipe, WindowsRecipe
from lab.images.windows import given
from lab.model import ImageInfo
from lab.places import Places

SHORT = 12
"""Digits of the recipe digest in a directory name."""
NOT_IN_DIGEST = ("source", "summary", "first_boot_resets", "iso", "virtio", "openssh", "updates")
"""Keys of a recipe that decide nothing about the files of the image, or only where its media are."""


class ImageStore:
    """Images by recipe, in one cache directory."""

    def __init__(self, places: Places, *, builders: Mapping[str, Builder] = BUILDERS) -> None:
        self._places = places
        self._builders = builders
        self._digests = digest.Remembered(places.state / "digests.json")

    def info(self, recipe: Recipe) -> ImageInfo:
        """What planning and `lab image list` need; reads one small file, never raises for a broken image."""
        provenance = self._provenance(recipe)
        reason, hint = self._unrunnable(recipe, provenance)
        return ImageInfo(
            name=recipe.name,
            kind=recipe.kind,
            family=recipe.family,
            release=recipe.release,
            kernel=(provenance.kernel_release if provenance else "") or recipe.kernel,
            firmware=recipe.firmware,
            boot=recipe.boot,
            min_memory_mib=recipe.min_memory_mib,
            needs_tpm=isinstance(recipe, DiskRecipe | WindowsRecipe) and recipe.needs_tpm,
            built=provenance is not None and not reason,
            digest=provenance.digest if provenance else "",
            stand_in=recipe.stand_in,
            unrunnable=reason,
            hint=hint,
        )

    def get(self, recipe: Recipe) -> BuiltImage:
        """The built image, after a check that takes milliseconds: sizes, and the qcow2's own tables.

        :raise ArtefactError: it is not built, or a file is missing, truncated or (a user's disk) another one.
        """
        directory = self.directory(recipe)
        if not (directory / PROVENANCE).is_file():
            hint = f"lab image build {recipe.name}"
            raise ArtefactError(f"image {recipe.name!r}: not built", hint=hint)
        provenance = codec.read(Provenance, directory / PROVENANCE)
        if isinstance(recipe, DiskRecipe):
            disk.check_present(recipe)
        for name, size in provenance.sizes.items():
            _check_size(recipe.name, directory / name, size)
        digest.check_qcow2(directory / "disk.qcow2")
        image = to_image(provenance, directory, sdk=sdk.path(self._places, provenance.sdk))
        if isinstance(recipe, DiskRecipe):
            self.verify(image)
        return image

    def build(self, recipe: Recipe, progress: Say = silent, *, force: bool = False) -> BuiltImage:
        """The image, made when it is not there (or `force`); safe to call from many processes at once.

        :param progress: told a line per stage.
        :raise LabError: it could not be made; nothing half made is left.
        """
        stages = Progress(recipe.name, progress)
        with workshop.turn(self._places.images / ".locks" / f"{recipe.name}.lock", stages):
            if not force and (self.directory(recipe) / PROVENANCE).is_file():
                return self._complete(recipe, stages)
            builder = self._builders[recipe.kind]
            tools.require(builder.needs, f"building the image {recipe.name!r}")
            with workshop.scratch(
                self._places.images / ".scratch", recipe.name, need_mib=builder.room_mib
            ) as scratch:
                self._build_in(recipe, builder, scratch, stages)
        stages.stage("built")
        return self.get(recipe)

    def verify(self, image: BuiltImage, *, full: bool = False) -> None:
        """Compare the files with the digests in their provenance.

        :param full: read every byte again, also of files that have not changed since they were last read.
        :raise ArtefactError: a file is missing or is not the one that was built.
        """
        provenance = codec.read(Provenance, image.directory / PROVENANCE)
        for name, wanted in provenance.files.items():
            path = image.directory / name
            if not path.exists():
                raise ArtefactError(f"image {image.name!r}: {path}: no such file", hint=_again(image.name))
            real = path.resolve()
            found = digest.of_file(real) if full else self._digests.of_file(real)
            if found != wanted:
                raise ArtefactError(
                    f"image {image.name!r}: sha256 of {real} is {found} (its provenance says {wanted})",
                    hint=_again(image.name),
                )

    def remove(self, name: str) -> bool:
        """Remove every build of an image; False when there was none. SDKs stay, other images may use them."""
        with workshop.turn(self._places.images / ".locks" / f"{name}.lock", Progress(name)):
            directory = self._places.images / name
            present = directory.is_dir()
            workshop.remove_tree(directory)
        return present

    def provenance(self, recipe: Recipe) -> Provenance | None:
        """Where the built image came from, or None when it is not built."""
        return self._provenance(recipe)

    def missing_tools(self, recipe: Recipe) -> tuple[tools.Tool, ...]:
        """Host programs that building this image lacks here."""
        return tools.missing(self._builders[recipe.kind].needs)

    def directory(self, recipe: Recipe) -> Path:
        """Where the image of this very recipe is or would be."""
        return self._places.images / recipe.name / self.recipe_digest(recipe)[:SHORT]

    def recipe_digest(self, recipe: Recipe) -> str:
        """sha256 of what decides the image: the recipe, its builder's version, and the lab's key in it."""
        fields = {key: str(value) for key, value in asdict(recipe).items() if key not in NOT_IN_DIGEST}
        if isinstance(recipe, WindowsRecipe):
            fields["updates"] = " ".join(path.name for path in recipe.updates)
        fields["builder"] = str(self._builders[recipe.kind].version)
        if not isinstance(recipe, DiskRecipe):
            fields["key"] = keys.ensure(self._places).public
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()

    def _build_in(self, recipe: Recipe, builder: Builder, scratch: Path, stages: Progress) -> None:
        draft = scratch / "draft"
        draft.mkdir()
        job = Job(
            scratch=scratch,
            draft=draft,
            keys=keys.ensure(self._places),
            places=self._places,
            progress=stages,
        )
        made = builder.build(recipe, job)
        stages.stage("computing digests")
        provenance = self._describe(recipe, made, draft, stages.watch.t_s)
        codec.write(provenance, draft / PROVENANCE)
        workshop.publish(draft, self.directory(recipe))

    def _describe(self, recipe: Recipe, made: Made, draft: Path, build_s: float) -> Provenance:
        names = [name for name in ("disk.qcow2", "vmlinuz", "initrd") if (draft / name).exists()]
        files = {name: digest.of_file(draft / name) for name in names}
        return Provenance(
            name=recipe.name,
            kind=recipe.kind,
            recipe_digest=self.recipe_digest(recipe),
            lab=lab.__version__,
            built=clock.wall(),
            build_s=round(build_s, 1),
            digest=digest.combined(files),
            files=files,
            sizes={name: (draft / name).stat().st_size for name in names},
            release=made.release,
            kernel_release=made.kernel_release,
            kernel_build=made.kernel_build,
            cmdline=made.cmdline,
            firmware=recipe.firmware,
            boot=recipe.boot,
            family=recipe.family,
            channels=made.channels,
            user=made.user,
            host_key=made.host_key,
            suites=made.suites,
            packages=made.packages,
            sdk=made.sdk,
            min_memory_mib=recipe.min_memory_mib,
            notes=made.notes,
            expires=made.expires,
            winrm_thumbprint=made.winrm_thumbprint,
            stand_in=recipe.stand_in,
        )

    def _complete(self, recipe: Recipe, stages: Progress) -> BuiltImage:
        """The image that is there; an SDK that was removed from the cache is made again where it can be."""
        image = self.get(recipe)
        provenance = self._provenance(recipe)
        if provenance is not None and provenance.sdk and image.sdk is None:
            sdk.ensure(self._places, provenance.suites, provenance.kernel_release, stages)
            image = self.get(recipe)
        return image

    def _provenance(self, recipe: Recipe) -> Provenance | None:
        try:
            return codec.read(Provenance, self.directory(recipe) / PROVENANCE)
        except ArtefactError:
            return None

    def _unrunnable(self, recipe: Recipe, provenance: Provenance | None) -> tuple[str, str]:
        if isinstance(recipe, WindowsRecipe):
            return _windows_trouble(recipe, provenance)
        if not isinstance(recipe, DiskRecipe):
            return "", ""
        try:
            disk.check_present(recipe)
        except ArtefactError as error:
            return error.message, error.hint or ""
        return "", ""


def _check_size(name: str, path: Path, wanted: int) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise ArtefactError(f"image {name!r}: {path}: no such file", hint=_again(name)) from error
    if size != wanted:
        what = "truncated" if size < wanted else "not the file that was built"
        raise ArtefactError(
            f"image {name!r}: {path}: {what}: {size} bytes (wanted {wanted})", hint=_again(name)
        )


def _windows_trouble(recipe: WindowsRecipe, provenance: Provenance | None) -> tuple[str, str]:
    """An image of Windows that is not built needs the user's media; one of evaluation media ends some day."""
    if provenance is None:
        return given.missing(recipe)
    if provenance.expires and provenance.expires < clock.wall()[:10]:
        return f"its evaluation ended on {provenance.expires}", _again(recipe.name)
    return "", ""


def _again(name: str) -> str:
    return f"lab image build {name} --force"
