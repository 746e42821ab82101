"""Options of `lab image build` and `lab image media` for images that are made from the user's own media."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated

import typer

from lab.config import Media
from lab.errors import InputError
from lab.images import catalogue, keys, workshop
from lab.images.builders import Job
from lab.images.builders.windows import WindowsBuilder, accelerator
from lab.images.progress import Progress
from lab.images.recipe import WindowsRecipe
from lab.images.windows import answers, given, inputs, setup_machine
from lab.setting import Setting

Iso = Annotated[Path | None, typer.Option("--iso", help="Windows: your installation media", metavar="FILE")]
Virtio = Annotated[Path | None, typer.Option("--virtio", help="Windows: virtio-win media", metavar="FILE")]
Openssh = Annotated[
    Path | None, typer.Option("--openssh", help="Windows: MSI of OpenSSH for Windows", metavar="FILE")
]
Edition = Annotated[str | None, typer.Option("--edition", help="Windows: another edition", metavar="NAME")]
Language = Annotated[
    str | None, typer.Option("--language", help="Windows: language of the media", metavar="xx-XX")
]
Update = Annotated[
    list[Path] | None,
    typer.Option("--update", help="Windows: an update (.msu); once for each, in order", metavar="FILE"),
]


def said(
    iso: Path | None,
    virtio: Path | None,
    openssh: Path | None,
    edition: str | None,
    language: str | None,
    update: list[Path] | None,
) -> Media:
    """What the options say; paths absolute."""

    def absolute(path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()

    return Media(
        iso=absolute(iso),
        virtio=absolute(virtio),
        openssh=absolute(openssh),
        edition=edition,
        language=language,
        updates=tuple(path.expanduser().absolute() for path in update) if update else None,
    )


def with_media(setting: Setting, names: Sequence[str], media: Media, *, keep: bool = True) -> Setting:
    """The setting, with what was said for these images in their recipes.

    :param keep: remember it, so that planning finds the image.
    :raise InputError: an image that takes no media, or an edition that there is not.
    """
    if all(getattr(media, one.name) is None for one in fields(media)):
        return setting
    recipes = dict(setting.recipes)
    for name, recipe in catalogue.pick(setting.recipes, names).items():
        if not isinstance(recipe, WindowsRecipe):
            raise InputError(
                f"image {name!r} is of kind {recipe.kind} and takes no media of yours",
                hint=f"lab image build {name}",
            )
        recipes[name] = given.checked(given.merged(recipe, media))
        if keep:
            given.remember(setting.lab.places, name, media)
    return replace(setting, recipes=recipes)


def forget(setting: Setting, name: str) -> None:
    """What was said for this image before."""
    given.forget(setting.lab.places, name)


def preparation(setting: Setting, to: Path) -> list[Path]:
    """The script for a Windows that the user has, what it compares with, and the lab's public key."""
    to.mkdir(parents=True, exist_ok=True)
    files = answers.preparation()
    files["lab.pub"] = f"{keys.ensure(setting.lab.places).public}\n".encode()
    for name, content in files.items():
        (to / name).write_bytes(content)
    return [to / name for name in sorted(files)]


def write(setting: Setting, name: str, to: Path, say: Callable[[str], None]) -> list[Path]:
    """All that Setup of the image would be started with, verified, in `to`; the files.

    :raise LabError: media are missing or wrong, as in a build.
    """
    recipe = catalogue.pick(setting.recipes, [name])[name]
    if not isinstance(recipe, WindowsRecipe):
        raise InputError(f"image {name!r} is of kind {recipe.kind} (wanted windows)")
    places = setting.lab.places
    to.mkdir(parents=True, exist_ok=True)
    with workshop.scratch(places.images / ".scratch", name, need_mib=WindowsBuilder().room_mib) as scratch:
        job = Job(
            scratch=scratch,
            draft=scratch,
            keys=keys.ensure(places),
            places=places,
            progress=Progress(name, say),
        )
        checked = inputs.check(recipe, scratch)
        how = accelerator(job)
        prepared = WindowsBuilder().prepare(recipe, checked, job, how, to)
        xml = setup_machine.preview(recipe, checked, prepared, places, how)
        (to / "machine.xml").write_text(xml, encoding="utf-8")
        for inside, content in prepared.files.items():
            path = to / "answers" / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return sorted(path for path in to.rglob("*") if path.is_file())
