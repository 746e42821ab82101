"""`lab gc`: what nobody needs any more goes, and each thing is told with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli import options
from lab.cli.display import err, out
from lab.errors import ExitCode, LabError
from lab.machine import embedded
from lab.machine.leases import LeaseBook
from lab.machine.leftovers import drop_roots
from lab.machine.machine import open_host
from lab.places import Places
from lab.running.tidying import Known, Waste, waste
from lab.setting import Setting


def register(app: typer.Typer) -> None:
    app.command()(gc)


def gc(
    file: options.Config = options.DEFAULT,
    everything: Annotated[bool, typer.Option("--all", help="also kept guests that have not expired")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would go and why")] = False,
) -> None:
    """Remove what nobody needs: guests of killed runs, half-made files, useless templates, old images.

    Touches no machine whose owner lives, no template that can still be used and has room, and never the
    newest build of an image.
    """
    places, reports = options.lab_or_defaults(file)
    failed = 0
    found = waste(places, known(places, reports, file), everything=everything)
    for item in found:
        error = "" if dry_run else item.remove()
        failed += bool(error)
        out.print(_line(item) + (f" FAILED: {error}" if error else ""), markup=False, soft_wrap=True)
    if not dry_run:
        drop_roots(places, LeaseBook(places))
    out.print(_sum(found, dry_run=dry_run), markup=False)
    raise typer.Exit(int(ExitCode.LAB_FAULT if failed else ExitCode.SHIP))


def _line(item: Waste) -> str:
    size = f" ({item.mib} MiB)" if item.mib else ""
    return f"{item.kind} {item.name}: {item.why}{size}"


def _sum(found: list[Waste], *, dry_run: bool) -> str:
    """`3 ended` is about guests, as the exit code is; the rest is room."""
    guests = sum(item.kind == "guest" for item in found)
    rest = [item for item in found if item.kind != "guest"]
    verb = "would be " if dry_run else ""
    text = f"{guests} {verb}ended"
    if rest:
        text += f", {len(rest)} {verb}removed ({sum(item.mib for item in rest)} MiB)"
    return text


def known(places: Places, reports: Path, file: Path) -> Known:
    """What is in use. Without a lab.yaml nothing is known of images, and none is touched."""
    versions = _versions(places)
    if not file.exists():
        return Known(versions=versions, reports=reports)
    try:
        setting = Setting.read(options.request(file))
    except LabError as error:
        err.print(f"images are left alone: {error}", markup=False, soft_wrap=True)
        return Known(versions=versions, reports=reports)
    return Known(
        images=setting.image_infos(),
        current={name: setting.store.directory(recipe) for name, recipe in setting.recipes.items()},
        versions=versions,
        reports=reports,
        cache_mib=setting.lab.clones.cache_mib,
    )


def _versions(places: Places) -> tuple[str, str] | None:
    """libvirt and QEMU of this machine, where they can be asked."""
    try:
        places.check()
        host = open_host(embedded.SCHEME, places)
    except LabError:
        return None
    try:
        libvirt, qemu = host.libvirt_version, host.qemu_version
    finally:
        host.close()
    return (libvirt, qemu) if qemu else None
