"""What of the lab's own things nobody needs any more, why, and how much room it takes.

Four kinds: guests that lost their owner, what killed makers left, templates, and builds of images that a
newer recipe has replaced. Each is proven useless from what is on disk; whatever can not be proven stays.
Refuses to touch anything outside the lab's own directories, and the newest build of any image.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.images import workshop
from lab.images.built import PROVENANCE
from lab.machine import leftovers
from lab.machine.leases import LeaseBook, is_leftover
from lab.model import ImageInfo
from lab.places import Places
from lab.templates import Template, TemplateStore
from lab.templates.store import disk_mib

MIB = 1024 * 1024
IDLE_S = 3600.0
"""A template that was used in this time may be another lab's that shares the cache."""
OLD_DAYS = 7
"""A build of an image that has been replaced stays so long for repeats of runs, and for other checkouts."""


@dataclass(frozen=True, slots=True)
class Waste:
    """One thing that can go."""

    kind: str
    """`guest`, `scratch`, `template` or `image`."""
    name: str
    why: str
    mib: int
    remove: Callable[[], str]
    """Makes it go; what went wrong, or ""."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is in use, as far as it is known. None: nobody could tell, and nothing goes because of it."""

    images: Mapping[str, ImageInfo] | None = None
    """The catalogue."""
    current: Mapping[str, Path] | None = None
    """Image to the directory of its present recipe."""
    versions: tuple[str, str] | None = None
    """libvirt and QEMU of this machine."""
    reports: Path | None = None
    cache_mib: int = 20 * 1024
    """Room for templates."""


def waste(places: Places, known: Known, *, everything: bool = False) -> list[Waste]:
    """All of it, guests first. Looks, and changes nothing.

    :param everything: also kept guests that have not expired.
    """
    found = [*_guests(places, everything=everything), *_scratch(places)]
    templates = TemplateStore(places)
    unused = list(_unused(templates.all(), known))
    found += [_template(templates, one, why) for one, why in unused]
    gone = {one.directory for one, _ in unused}
    kept = [one for one in templates.all() if one.directory not in gone]
    for one in templates.overflow(kept, most_mib=known.cache_mib):
        why = f"templates may take {known.cache_mib} MiB, and this is the least recently used"
        found.append(_template(templates, one, why))
        gone.add(one.directory)
    return [*found, *_images(places, known, [one for one in kept if one.directory not in gone])]


# -- guests, and what makers left ----------------------------------------------


def _guests(places: Places, *, everything: bool) -> Iterator[Waste]:
    book = LeaseBook(places)
    for lease in book.all():
        why = is_leftover(lease)
        if not why and everything and lease.keep_until:
            why = "kept guest, and everything was asked for"
        if why:
            size = _mib(book.disk_dir(lease.machine))
            name = f"{lease.machine} {lease.cell}".strip()
            yield Waste(
                "guest",
                name,
                why,
                size,
                lambda lease=lease, why=why: leftovers.end(lease, book, why).error,  # type: ignore[misc]
            )
    for name in book.unreadable():
        yield Waste(
            "guest",
            name,
            "its lease was never finished",
            _mib(book.disk_dir(name)),
            _quietly(book.drop, name),
        )


def _scratch(places: Places) -> Iterator[Waste]:
    made = (places.cache / "templates", places.images, places.cache / "rescue")
    for parent in (*(one / ".scratch" for one in made), places.state / "offline"):
        for directory in workshop.stale(parent):
            why = "whoever made it was killed"
            yield Waste(
                "scratch", directory.name, why, _mib(directory), _quietly(workshop.remove_tree, directory)
            )


# -- templates -------------------------------------------------------------------


def _unused(templates: tuple[Template, ...], known: Known) -> Iterator[tuple[Template, str]]:
    """Those that no cell will ever start from again, with the reason."""
    for one in templates:
        why = _why_useless(one, known)
        if why and time.time() - TemplateStore.used(one) > IDLE_S:
            yield one, why


def _why_useless(template: Template, known: Known) -> str:
    key = template.key
    if template.directory != TemplateStore.place(template):
        return "made by another version of the lab"
    if not template.verified:
        return "no clone of it could be run, so it is never used"
    if known.versions is not None:
        libvirt, qemu = known.versions
        if (key.libvirt, key.qemu) != (libvirt, qemu):
            return f"made with libvirt {key.libvirt} and QEMU {key.qemu}; here are {libvirt} and {qemu}"
    if template.base is not None and not template.base.exists():
        return "the image below it is gone"
    info = (known.images or {}).get(key.image)
    if info is not None and info.built and info.digest != key.image_digest:
        return "made of an older build of its image"
    return ""


def _template(store: TemplateStore, template: Template, why: str) -> Waste:
    agent = f" with {template.key.warm}" if template.key.warm else ""
    name = f"{template.key.image} on {template.key.profile.name}{agent} ({template.directory.name})"
    return Waste("template", name, why, disk_mib(template), _quietly(store.drop, template))


# -- images ------------------------------------------------------------------------


def _images(places: Places, known: Known, templates: list[Template]) -> Iterator[Waste]:
    """Builds of older recipes that no template, guest or run refers to."""
    if known.current is None:
        return
    wanted = {one.base.parent for one in templates if one.base is not None}
    wanted |= {Path(path) for path in _told(LeaseBook(places), known.reports)}
    for name, current in known.current.items():
        if not (current / PROVENANCE).is_file():
            continue
        for directory in sorted(path for path in (places.images / name).iterdir() if path.is_dir()):
            days = _age_days(directory)
            if directory != current and directory not in wanted and days > OLD_DAYS:
                why = f"replaced by {current.name}, {days:.0f} days old; no run, template or guest needs it"
                yield Waste(
                    "image", f"{name}/{directory.name}", why, _mib(directory),
                    _quietly(workshop.remove_tree, directory),
                )  # fmt: skip


def _told(book: LeaseBook, reports: Path | None) -> Iterator[str]:
    """Directories of images that recordings name: kept runs can be repeated (`lab repro`)."""
    orders = [Path(lease.recording) / "order.json" for lease in book.all()]
    if reports is not None and reports.is_dir():
        orders += reports.glob("*/cells/*/a*/order.json")
        orders += reports.glob("*/repro/*/a*/order.json")
    for path in orders:
        try:
            yield str(json.loads(path.read_text(encoding="utf-8"))["image"]["directory"])
        except (OSError, ValueError, KeyError, TypeError):
            continue


def _age_days(directory: Path) -> float:
    try:
        return (time.time() - (directory / PROVENANCE).stat().st_mtime) / 86400
    except OSError:
        return 0.0


# -- sizes -----------------------------------------------------------------------


def _mib(directory: Path) -> int:
    """What it takes, holes not counted."""
    taken = 0
    for path in directory.rglob("*"):
        try:
            taken += path.lstat().st_blocks * 512
        except OSError:
            continue
    return taken // MIB


def _quietly(act: Callable[..., object], subject: object) -> Callable[[], str]:
    def remove() -> str:
        try:
            act(subject)
        except OSError as error:
            return re.sub(r"\s+", " ", str(error))
        return ""

    return remove
