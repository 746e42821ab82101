"""`lab selftest --windows IMAGE`: the checks on one image, as they come, and what differs at the end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fnmatch import fnmatch

import typer
from rich.text import Text

from lab import codec
from lab.cli.display import err, out, table
from lab.errors import ExitCode, InputError, NothingSelected
from lab.images.catalogue import pick
from lab.images.recipe import DiskRecipe, Recipe, WindowsRecipe
from lab.machine import leftovers
from lab.model import Family
from lab.running.lock import orchestrator
from lab.running.order import HostChoice
from lab.selftest import windows
from lab.selftest.windows.bench import profile_of
from lab.selftest.windows.checks import Outcome
from lab.setting import Setting

COLOURS = {Outcome.OK: "green", Outcome.ABSENT: "yellow", Outcome.DIFFERS: "red", Outcome.FAILED: "red"}


def recipe_of(name: str, setting: Setting) -> Recipe:
    """The image that is meant.

    :raise InputError: there is no such image, it is no Windows, or it cannot be run here.
    """
    recipe = pick(setting.recipes, [name])[name]
    if recipe.family is not Family.WINDOWS:
        raise InputError(
            f"image {name!r} is no Windows: its family is {recipe.family} (wanted one of family windows)",
            hint="lab image list shows the catalogue; windows-stand-in is a stand-in; canaries need no image",
        )
    info = setting.store.info(recipe)
    if info.unrunnable:
        raise InputError(f"image {name!r} cannot be run here: {info.unrunnable}", hint=info.hint or None)
    return recipe


def choose(patterns: Sequence[str]) -> tuple[windows.Check, ...]:
    """The checks that are meant, in their order.

    :raise NothingSelected: none has such a name.
    """
    if not patterns:
        return windows.CHECKS
    chosen = tuple(one for one in windows.CHECKS if any(fnmatch(one.name, name) for name in patterns))
    if not chosen:
        raise NothingSelected(
            f"no check is called {' '.join(patterns)!r}",
            hint="lab selftest --windows IMAGE --list names them",
        )
    return chosen


def run_on(
    name: str, chosen: Sequence[windows.Check], host: HostChoice, setting: Setting, *, as_json: bool
) -> None:
    """Try everything and end with the exit code that it deserves."""
    recipe, places = recipe_of(name, setting), setting.lab.places
    with orchestrator(places, "a self-test"):
        leftovers.collect(places)
        tried = _tried(recipe, chosen, host, setting)
    if as_json:
        print(json.dumps(codec.to_dict(tried), indent=1))
    else:
        show(tried)
    raise typer.Exit(int(ExitCode.SHIP if tried.ok else ExitCode.LAB_FAULT))


def _tried(
    recipe: Recipe, chosen: Sequence[windows.Check], host: HostChoice, setting: Setting
) -> windows.Tried:
    image = setting.store.build(recipe, progress=lambda line: err.print(line, markup=False))
    secure = isinstance(recipe, WindowsRecipe) and recipe.secure_boot
    tpm = isinstance(recipe, WindowsRecipe | DiskRecipe) and recipe.needs_tpm
    profile = profile_of(image, needs_tpm=tpm, secure_boot=secure)
    err.print(Text(title(image.name, image.release, stand_in=image.stand_in), "bold"))
    tell = lambda result: err.print(told(result))  # noqa: E731
    return windows.run(image, profile, host, setting.lab.places, tell, chosen)


def title(name: str, release: str, *, stand_in: bool) -> str:
    """What was tried; a stand-in is called one first of all."""
    return f"STAND-IN, no Windows: {name} ({release})" if stand_in else f"{name} ({release})"


def told(result: windows.Result) -> Text:
    """One line as it comes."""
    words = f"{result.number:2} {result.name}: {result.outcome} in {result.took_s:.0f} s: {result.detail}"
    return Text(words, COLOURS[result.outcome])


def show(tried: windows.Tried) -> None:
    """The table, then what differs."""
    rows = table("", "check", "verifies", "result", "what was seen")
    for one in tried.results:
        outcome = Text(one.outcome, COLOURS[one.outcome])
        rows.add_row(str(one.number), one.name, one.verifies, outcome, Text(one.detail))
    out.print(Text(title(tried.image, tried.release, stand_in=tried.stand_in), "bold"))
    out.print(rows)
    out.print(Text(verdict(tried), "green" if tried.ok else "red"), soft_wrap=True)
    if tried.recording:
        out.print(f"recording: {tried.recording}", markup=False, soft_wrap=True)


def verdict(tried: windows.Tried) -> str:
    """The last line."""
    absent = [one.name for one in tried.results if one.outcome is Outcome.ABSENT]
    without = f"; not there to be tried: {', '.join(absent)}" if absent else ""
    count = len(tried.results)
    if tried.bad:
        differ = f"{len(tried.bad)} of {count} checks differ: {', '.join(one.name for one in tried.bad)}"
        return f"STAND-IN: {differ}{without}" if tried.stand_in else f"{differ}{without}"
    good = f"{count - len(absent)} of {count} checks are as documented{without}"
    return f"STAND-IN: {good}; nothing is proven about Windows" if tried.stand_in else good


def show_list(chosen: Sequence[windows.Check], *, as_json: bool) -> None:
    """The checks, without a guest."""
    if as_json:
        print(json.dumps([{"name": one.name, "verifies": one.verifies} for one in chosen], indent=1))
        return
    rows = table("", "check", "verifies")
    for number, one in enumerate(chosen, start=1):
        rows.add_row(str(number), one.name, one.verifies)
    out.print(rows)
