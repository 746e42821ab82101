"""Guests of the lab, used as a library: templates, clones and cold boots, each timed step by step.

Owns nothing that is measured: every call here is the lab's own. Refuses to compare.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.core.scratch import open_places
from benchmarks.core.settings import ROOT, Settings
from lab import config
from lab.clock import Stopwatch
from lab.config.types import HostSpec
from lab.errors import ArtefactError, HostError
from lab.guest.guest import Guest
from lab.images import catalogue
from lab.images.recipe import Recipe
from lab.images.store import ImageStore
from lab.machine import embedded
from lab.machine.host import survey
from lab.machine.machine import Machine
from lab.model import BootPath, Firmware, Observation, Profile, Timeouts
from lab.places import Places
from lab.running.order import HostChoice
from lab.running.reach import reach
from lab.running.starting import make_template
from lab.running.templating import TemplateOrder
from lab.templates import Template, TemplateStore

TINY = "tiny"
TINY_MIB = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An image on the hardware that it is measured on."""

    order: TemplateOrder

    @property
    def name(self) -> str:
        return self.order.image.name

    @property
    def memory_mib(self) -> int:
        return self.order.profile.memory_mib

    def __str__(self) -> str:
        firmware = ", UEFI" if self.order.profile.firmware is Firmware.UEFI else ""
        return f"{self.name}, {self.memory_mib} MiB{firmware}"

    def template(self) -> Template:
        """The one of the user's cache, made when there is none for exactly this."""
        try:
            return TemplateStore(self.order.places).get(self.order.key)
        except ArtefactError:
            return make_template(self.order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Seconds from nothing until each step was done."""

    created: float
    """Domain there, device state loaded, not an instruction run."""
    answered: float
    """A channel answered."""
    commanded: float
    """`true` has run in the guest."""


@dataclass(slots=True)
class Running:
    """A running guest."""

    machine: Machine
    guest: Guest
    steps: Steps

    @property
    def pid(self) -> int:
        """Of its QEMU."""
        return qemu_pid(self.machine)


def qemu_pid(machine: Machine) -> int:
    """Of a machine under the embedded driver."""
    root = embedded.process_root(machine.places)
    return int(embedded.pid_file(root, machine.name).read_text())


def host(places: Places) -> HostChoice:
    """This machine, as the lab has measured it.

    :raise HostError: no guest runs here.
    """
    report = survey(HostSpec(name="here", uri="embed"), places, ())
    if report.acceleration is None or not report.usable:
        problem = report.problems[0].what if report.problems else "not usable"
        raise HostError(f"no guest can be measured here: {problem}", hint="lab doctor")
    return HostChoice(
        name="here",
        uri="embed",
        accelerator=report.acceleration.accelerator,
        factor=report.acceleration.factor,
        libvirt=report.libvirt,
        qemu=report.qemu,
    )


def subjects(settings: Settings, *, most: int | None = None) -> list[Subject]:
    """The images to measure: `tiny` when quick, else every built one of the catalogue that the lab made.

    :param most: only so many, `debian-12` first.
    """
    store, recipes = ImageStore(open_places(Path(settings.root))), catalogue.load(ROOT / "images")
    chosen = settings.images or ((TINY,) if settings.quick else tuple(_built(store, recipes)))
    if most is not None and not settings.images:
        chosen = tuple(sorted(chosen, key=lambda name: name != "debian-12")[:most])
    return named(settings, chosen)


def named(settings: Settings, chosen: Sequence[str]) -> list[Subject]:
    """These images of the catalogue, built where they are not.

    :raise ArtefactError: there is no such image.
    """
    places = open_places(Path(settings.root))
    store, recipes = ImageStore(places), catalogue.load(ROOT / "images")
    here = host(places)
    unknown = [name for name in chosen if name not in recipes]
    if unknown:
        raise ArtefactError(f"image {unknown[0]!r} is not in the catalogue", hint="lab image list")
    return [
        Subject(
            order=TemplateOrder(
                image=store.build(recipes[name]),
                profile=profile_of(name, recipes[name].firmware),
                host=here,
                places=places,
                timeouts=Timeouts(),
            )
        )
        for name in chosen
    ]


def _built(store: ImageStore, recipes: Mapping[str, Recipe]) -> Iterator[str]:
    for name, recipe in recipes.items():
        if recipe.kind in ("debian", TINY) and store.info(recipe).built:
            yield name


def profile_of(image: str, firmware: Firmware) -> Profile:
    """The hardware of the default lab.yaml for that firmware; `tiny` needs less."""
    if image == TINY:
        return Profile(name="small", memory_mib=TINY_MIB)
    shipped = config.load(ROOT / "lab.yaml").profiles.values()
    return next(one for one in shipped if one.firmware is firmware)


@contextmanager
def running(subject: Subject, room: Path, template: Template | None = None) -> Iterator[Running]:
    """A guest that has run its first command: a clone of `template`, or booted from power-off."""
    recording = room / "recording"
    recording.mkdir(parents=True, exist_ok=True)
    watch = Stopwatch()
    machine = subject.order.machine(recording, template=template)
    try:
        machine.create()
        created = watch.t_s
        channels = reach(machine, subject.order.scaled).channels
        guest = Guest(channels, _forget, watch, subject.order.scaled)
        machine.resume()
        guest.wait_ready()
        answered = watch.t_s
        guest.run("true", check=True)
        steps = Steps(created=created, answered=answered, commanded=watch.t_s)
        yield Running(machine=machine, guest=guest, steps=steps)
        guest.close()
    finally:
        machine.close()


def first_command(subject: Subject, room: Path, template: Template | None = None) -> Steps:
    """Start one, run `true` in it, destroy it."""
    with running(subject, room, template) as one:
        return one.steps


def direct(subject: Subject) -> bool:
    """Whether QEMU loads the kernel itself."""
    return subject.order.image.boot is BootPath.DIRECT


def _forget(_observation: Observation) -> None:
    """What is measured here is not judged."""
