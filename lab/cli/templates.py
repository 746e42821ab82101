"""`lab image template`, and what `lab image` and `lab doctor` say of templates."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from lab import codec
from lab.cli import options
from lab.cli.display import err, out
from lab.errors import BuildError
from lab.images import catalogue
from lab.model import ImageInfo
from lab.places import Places
from lab.running.starting import make_template
from lab.running.template_request import TemplateRequest, profile_for, template_order
from lab.setting import Setting
from lab.templates import Failure, FailureBook, Template, TemplateStore
from lab.templates.store import disk_mib

TAIL_LINES = 25
"""Lines of the console shown when a template could not be made."""

Name = Annotated[str, typer.Argument(help="a name of the catalogue", metavar="NAME")]
ProfileName = Annotated[
    str,
    typer.Option("--profile", help="of lab.yaml; default: the first that fits the image", metavar="NAME"),
]


def template(
    name: Name,
    file: options.Config = options.DEFAULT,
    profile: ProfileName = "",
    warm: Annotated[bool, typer.Option("--warm", help="with the installed agent of lab.yaml on it")] = False,
    force: Annotated[bool, typer.Option("--force", help="make it again even if it is there")] = False,
    as_json: options.Json = False,
) -> None:
    """Boot an image, wait until it is quiet, freeze it, and run one clone of it.

    Builds the image first when it is not built. A run makes its templates by itself; this shows how it
    goes, and the guest's console when it does not. Exit code 4 when it could not be made.
    """
    setting = Setting.read(options.request(file))
    recipe = catalogue.pick(setting.recipes, [name])[name]
    request = TemplateRequest(image=name, profile=profile, warm=warm, force=force)
    profile_for(request, setting, setting.store.info(recipe))
    setting = setting.with_hosts()
    setting.host_facts()

    def say(line: str) -> None:
        err.print(line, markup=False, soft_wrap=True)

    image = setting.store.build(recipe, say)
    try:
        made = make_template(template_order(request, setting, image), say)
    except BuildError as error:
        _console_tail(error.log)
        raise
    if as_json:
        print(json.dumps(facts(made), indent=1))
    else:
        out.print(describe(made), markup=False, soft_wrap=True)


def _console_tail(log: str) -> None:
    """What the guest said last, on stderr."""
    lines = log.strip().splitlines()[-TAIL_LINES:]
    if lines:
        err.print("the guest's console ends with:", markup=False)
    for line in lines:
        err.print(f"    {line}", markup=False, soft_wrap=True)


def facts(template: Template) -> dict[str, Any]:
    """Everything on record, and what it takes on disk."""
    return {**codec.to_dict(template), "disk_mib": disk_mib(template)}


def describe(template: Template) -> str:
    """One line: what it was made of, what a clone costs."""
    key = template.key
    agent = f" with {key.warm}" if key.warm else ""
    return (
        f"{key.image} on {key.profile.name}{agent}: clone {template.clone_s:.1f} s, "
        f"boot {template.boot_s:.1f} s; {template.private_mib} of {key.profile.memory_mib} MiB are an idle "
        f"clone's own; {disk_mib(template)} MiB on disk; made {template.made[:16].replace('T', ' ')} "
        f"(QEMU {key.qemu}, libvirt {key.libvirt}, {key.accelerator}); {template.directory}"
    )


def known(places: Places) -> tuple[tuple[Template, ...], tuple[Failure, ...]]:
    """Every template, and every failure on record."""
    return TemplateStore(places).all(), FailureBook(places).all()


def state(info: ImageInfo, templates: Iterable[Template], failures: Sequence[Failure]) -> str:
    """For `lab image list`: `bios-1cpu, bios-1cpu + demo-sensor 1.0/289`, or that it failed."""
    own = [one for one in templates if one.verified and one.key.image_digest == info.digest]
    words = [one.key.profile.name + (f" + {one.key.warm}" if one.key.warm else "") for one in own]
    if any(one.image == info.name for one in failures):
        words.append("failed (lab doctor says why)")
    return ", ".join(dict.fromkeys(words)) or "-"


def of_image(places: Places, image: str) -> dict[str, Any]:
    """For `lab image show`: its templates and what went wrong last."""
    own = [one for one in TemplateStore(places).all() if one.key.image == image]
    return {
        "templates": [facts(one) for one in own],
        "template_failures": [codec.to_dict(one) for one in FailureBook(places).of(image)],
    }


def summary(templates: Sequence[Template], room_mib: int) -> str:
    """For `lab doctor`: `4 (1.2 of 20 GiB)`."""
    taken = sum(map(disk_mib, templates)) / 1024
    return f"{len(templates)} ({taken:.1f} of {room_mib / 1024:.0f} GiB)"


def show_failures(failures: Sequence[Failure]) -> None:
    """Each with what to do about it."""
    for failure in failures:
        out.print(Text(failure.sentence, "yellow"), soft_wrap=True)
        mend = f"lab image template {failure.image} --profile {failure.profile}"
        if failure.warm:
            mend += " --warm"
        out.print(
            f"    {mend} tries again and shows the console; until then its cells boot from power-off",
            markup=False,
            soft_wrap=True,
        )
