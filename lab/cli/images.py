"""`lab image list|show|build|template|verify|rm`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from lab import codec
from lab.cli import media, options, templates
from lab.cli.display import err, out, table
from lab.images import catalogue
from lab.setting import Setting

app = typer.Typer(help="The catalogue of images, and the built ones.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="a name of the catalogue", metavar="NAME")]


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="image")


def _setting(file: options.Config) -> Setting:
    return Setting.read(options.request(file))


@app.command("list")
def list_images(file: options.Config = options.DEFAULT, as_json: options.Json = False) -> None:
    """Every image of the catalogue: what it is, whether it is built, and its templates."""
    setting = _setting(file)
    infos = setting.image_infos()
    if as_json:
        of_image = templates.of_image
        both = [{**codec.to_dict(info), **of_image(setting.lab.places, name)} for name, info in infos.items()]
        print(json.dumps(both, indent=1))
        return
    ready, failed = templates.known(setting.lab.places)
    rows = table("image", "kind", "release", "kernel", "boot", "state", "templates")
    for info in infos.values():
        state = "built" if info.built else (info.unrunnable or "not built")
        boot = f"{info.firmware}, {info.boot}"
        frozen = templates.state(info, ready, failed)
        rows.add_row(info.name, info.kind, info.release, info.kernel, boot, state, frozen)
    out.print(rows)


@app.command("build")
def build(
    names: Annotated[list[str], typer.Argument(help="names of the catalogue", metavar="NAME…")],
    file: options.Config = options.DEFAULT,
    force: Annotated[bool, typer.Option("--force", help="build again even if it is there")] = False,
    iso: media.Iso = None,
    virtio: media.Virtio = None,
    openssh: media.Openssh = None,
    edition: media.Edition = None,
    language: media.Language = None,
    update: media.Update = None,
) -> None:
    """Build images; a second build of the same one waits for the first.

    Media and variants of Windows (--iso and the others) are remembered for the image.
    """
    said = media.said(iso, virtio, openssh, edition, language, update)
    setting = media.with_media(_setting(file), names, said)
    for recipe in catalogue.pick(setting.recipes, names).values():
        built = setting.store.build(recipe, lambda line: err.print(line, markup=False), force=force)
        print(built.directory)


app.command("template")(templates.template)


@app.command("media")
def prepare_media(
    name: Name,
    to: Annotated[Path, typer.Option("--to", help="directory to write to", metavar="DIR")],
    file: options.Config = options.DEFAULT,
    iso: media.Iso = None,
    virtio: media.Virtio = None,
    openssh: media.Openssh = None,
    edition: media.Edition = None,
    language: media.Language = None,
    update: media.Update = None,
) -> None:
    """Windows: write and verify all that Setup would be started with, and start nothing."""
    said = media.said(iso, virtio, openssh, edition, language, update)
    setting = media.with_media(_setting(file), [name], said, keep=False)
    for path in media.write(setting, name, to, lambda line: err.print(line, markup=False)):
        print(path)


@app.command("prepare")
def prepare(
    to: Annotated[Path, typer.Option("--to", help="directory to write to", metavar="DIR")],
    file: options.Config = options.DEFAULT,
) -> None:
    """Write the script that makes a Windows of yours ready to be an image of kind disk."""
    for path in media.preparation(_setting(file), to):
        print(path)


@app.command("show")
def show(name: Name, file: options.Config = options.DEFAULT) -> None:
    """What an image is made of: recipe hash, packages, kernel, digests, templates. JSON."""
    setting = _setting(file)
    recipe = catalogue.pick(setting.recipes, [name])[name]
    info = setting.store.info(recipe)
    facts = {**codec.to_dict(info), **templates.of_image(setting.lab.places, name)}
    if info.built:
        facts["provenance"] = json.loads(
            (setting.store.get(recipe).directory / "provenance.json").read_text()
        )
    print(json.dumps(facts, indent=1))


@app.command("verify")
def verify(name: Name, file: options.Config = options.DEFAULT) -> None:
    """Compare every byte of a built image with the digests of its provenance."""
    setting = _setting(file)
    built = setting.store.get(catalogue.pick(setting.recipes, [name])[name])
    setting.store.verify(built, full=True)
    print(f"{name}: as built, {built.digest}")


@app.command("rm")
def remove(name: Name, file: options.Config = options.DEFAULT) -> None:
    """Remove a built image from the cache; the catalogue keeps its recipe."""
    setting = _setting(file)
    setting.store.remove(catalogue.pick(setting.recipes, [name])[name].name)
    media.forget(setting, name)
