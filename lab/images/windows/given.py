"""The user's media for images of Windows: where they are said, which one wins, and what is missing.

From weakest to strongest: the recipe, the user's own `media.yaml` (`user_file`), `media:` in lab.yaml, and
what was last given to `lab image build` on this machine, which is remembered in the state directory so that
`lab plan` and `lab run` find the image that was built.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from lab import codec, config
from lab.config.types import Lab, Media
from lab.errors import ArtefactError, InputError
from lab.images.recipe import Recipe, WindowsRecipe
from lab.images.windows.editions import editions, named
from lab.images.windows.releases import RELEASES
from lab.matrix.selection import glob
from lab.places import Places


def user_file(environ: Mapping[str, str] | None = None) -> Path:
    """`$XDG_CONFIG_HOME/fleet-lab/media.yaml`, `~/.config/fleet-lab/media.yaml` without."""
    env = os.environ if environ is None else environ
    home = Path(env.get("HOME") or Path.home())
    return Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "fleet-lab/media.yaml"


def apply(
    recipes: Mapping[str, Recipe], lab: Lab, environ: Mapping[str, str] | None = None
) -> dict[str, Recipe]:
    """The catalogue with every image of Windows knowing the files and the variant it is to be made from.

    :raise ConfigError: the user's media.yaml is wrong.
    """
    own = user_file(environ)
    layers = [config.load_media(own)] if own.is_file() else []
    layers.append(dict(lab.media))
    return {
        name: _of(recipe, layers, lab.places) if isinstance(recipe, WindowsRecipe) else recipe
        for name, recipe in recipes.items()
    }


def _of(recipe: WindowsRecipe, layers: Sequence[Mapping[str, Media]], places: Places) -> WindowsRecipe:
    for layer in layers:
        for media in (media for pattern, media in layer.items() if glob(pattern)(recipe.name)):
            recipe = merged(recipe, media)
    return merged(recipe, remembered(places, recipe.name))


def merged(recipe: WindowsRecipe, media: Media) -> WindowsRecipe:
    """The recipe with what `media` says in the place of its own."""
    said = {one.name: getattr(media, one.name) for one in fields(media)}
    return replace(recipe, **{name: value for name, value in said.items() if value is not None})


def checked(recipe: WindowsRecipe) -> WindowsRecipe:
    """The recipe, when its edition is one that there is.

    :raise InputError: it is not.
    """
    release = RELEASES[recipe.windows_release]
    if named(release, recipe.edition) is None:
        there = ", ".join(repr(one.name) for one in editions(release.product))
        raise InputError(f"image {recipe.name!r}: edition {recipe.edition!r} (wanted one of {there})")
    return recipe


def remembered(places: Places, name: str) -> Media:
    """What was last given for this image on this machine."""
    with contextlib.suppress(ArtefactError):
        return codec.read(Media, _memory(places, name))
    return Media()


def remember(places: Places, name: str, media: Media) -> None:
    """Keep what was given, over what is remembered; paths become absolute."""
    old = remembered(places, name)
    said = {one.name: getattr(media, one.name) for one in fields(media)}
    changes: dict[str, Any] = {key: _absolute(value) for key, value in said.items() if value is not None}
    new = replace(old, **changes)
    _memory(places, name).parent.mkdir(parents=True, exist_ok=True)
    codec.write(new, _memory(places, name))


def forget(places: Places, name: str) -> None:
    """What was given for this image is no longer known."""
    _memory(places, name).unlink(missing_ok=True)


def missing(recipe: WindowsRecipe) -> tuple[str, str]:
    """(why the image cannot be made, the command that changes it), or two empty texts."""
    release = RELEASES[recipe.windows_release]
    command = f"lab image build {recipe.name} --iso FILE --virtio FILE"
    if recipe.iso is None:
        return f"needs your ISO of {release.name} ({recipe.edition}, {recipe.language})", command
    for path, what in (
        (recipe.iso, "ISO"),
        (recipe.virtio, "virtio-win media"),
        (recipe.openssh, "OpenSSH MSI"),
    ):
        if path is not None and not path.is_file():
            return f"its {what} {path} is not there", command
    for path in recipe.updates:
        if not path.is_file():
            again = f"lab image build {recipe.name} --update FILE, once for each that it is to have"
            return f"its update {path} is not there", again
    if recipe.virtio is None:
        return "needs virtio-win media with the drivers", command
    return "", ""


def _memory(places: Places, name: str) -> Path:
    return places.state / "windows" / f"{name}.json"


def _absolute(value: object) -> object:
    if isinstance(value, Path):
        return value.expanduser().absolute()
    return tuple(_absolute(one) for one in value) if isinstance(value, tuple) else value
