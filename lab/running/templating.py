"""Making a template: boot, settle, freeze, and see one clone of it run before anybody relies on it.

`python -m lab.running.templating ORDER.json` makes one, in a process of its own because libvirt calls can
hang and a deadline can only end a process.
"""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import agents as agents_room
from lab import codec
from lab.agents.artefacts import ArtefactStore
from lab.agents.operations import AgentUnderTest
from lab.clock import Stopwatch
from lab.detect import detect
from lab.errors import BuildError, ChannelError, LabError, MachineError
from lab.guest.guest import Guest
from lab.guest.waking import wake
from lab.images import workshop
from lab.images.built import BuiltImage
from lab.images.progress import Progress, Say, silent
from lab.machine.machine import Machine, Order
from lab.machine.weight import private_mib
from lab.machine.xml import hardware_digest
from lab.model import AgentVersion, DetectSettings, Observation, Profile, SerialChunk, Timeouts
from lab.places import Places
from lab.running import lifeline, owner
from lab.running.order import HostChoice
from lab.running.reach import Reach, reach
from lab.templates import Template, TemplateKey, TemplateStore
from lab.templates.store import RAM
from lab.waiting import wait_for

QUIET_SHARE = 0.15
"""Of one CPU; a guest that uses less is settled."""
QUIET_S = 1.0
ROOM_MIB = 512
"""Beside the RAM: what the guest wrote to its disk, device state, margin."""
TAIL = 4000
"""Bytes of the console shown when a template could not be made."""
FULL_MIB = 8
"""With less room than this, a file of the guest could not grow: that is why its QEMU died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warm:
    """The agent that is installed before freezing."""

    root: Path
    """Directory of lab.yaml."""
    agent: str
    version: AgentVersion

    def __str__(self) -> str:
        return f"{self.agent} {self.version.build}/{self.version.content}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateOrder:
    """Everything that making one needs."""

    image: BuiltImage
    profile: Profile
    host: HostChoice
    places: Places
    timeouts: Timeouts
    """Not scaled."""
    warm: Warm | None = None
    dump_disk_mib: int = 0
    """Size of the disk for the guest's own dump, empty at freezing as in every clone; 0: none."""
    force: bool = False
    """Make it again although there is one."""
    doubtful: bool = False
    """Something went wrong with it or a clone of it before: one that is there must prove itself again."""

    @property
    def scaled(self) -> Timeouts:
        return self.timeouts.scaled(self.host.factor)

    @property
    def deadline_s(self) -> float:
        """For everything: two boots, an installation, a clone."""
        return 2 * self.scaled.boot_s + self.scaled.cell_s / 3

    def machine(
        self, recording: Path, *, template: Template | None = None, ram: Path | None = None
    ) -> Machine:
        """The machine to be frozen, or a clone."""
        order = Order(
            image=self.image,
            profile=self.profile,
            uri=self.host.uri,
            accelerator=self.host.accelerator,
            run="template",
            cell=f"{self.image.name}_{self.profile.name}",
            attempt=1,
            recording=recording,
            lifetime_s=self.deadline_s + 60.0,
            dump_disk_mib=self.dump_disk_mib,
            template=template,
            ram=ram,
        )
        return Machine(order, self.places)

    @property
    def key(self) -> TemplateKey:
        """What the template depends on."""
        return TemplateKey(
            image=self.image.name,
            image_digest=self.image.digest,
            profile=self.profile,
            accelerator=self.host.accelerator,
            qemu=self.host.qemu,
            libvirt=self.host.libvirt,
            hardware=hardware_digest(self.machine(Path("/")).hardware),
            host_cpu=self.host.cpu if self.host.accelerator == "kvm" else "",
            warm=str(self.warm) if self.warm else "",
            dump_disk_mib=self.dump_disk_mib,
        )


def make(order: TemplateOrder, say: Say = silent) -> Template:
    """Make the template, prove it by a clone, and return it; one that is there already is only returned.

    It becomes visible when it is proven, so nobody ever sees another.

    :param say: told a line per stage.
    :raise LabError: it could not be made; nothing of it is left.
    """
    store, key = TemplateStore(order.places), order.key
    stages = Progress(f"template of {order.image.name} on {order.profile.name}", say)
    with store.making(key, need_mib=order.profile.memory_mib + ROOM_MIB, progress=stages) as draft:
        if not order.force:
            with contextlib.suppress(LabError):
                there = store.get(key)
                return prove(order, store, there) if order.doubtful else there
        boot_s, settled_s = _frozen(order, draft.directory, stages)
        stages.stage("computing digests")
        template = draft.finish(base=order.image.disk, boot_s=boot_s, settled_s=settled_s)
        stages.stage("running a clone of it")
        draft.proven(*_cloned(order, template, draft.directory.parent))
        stages.stage(f"ready: a clone runs its first command after {draft.template.clone_s:.1f} s")
    return store.get(key)


def _frozen(order: TemplateOrder, draft: Path, stages: Progress) -> tuple[float, float]:
    """Boot, install, settle, freeze; seconds to the first answer and to the freezing."""
    watch = Stopwatch()
    stages.stage("booting from power-off")
    with _guest(order, draft.parent, ram=draft / RAM) as (machine, guest):
        guest.wait_ready()
        boot_s = watch.t_s
        if order.warm is not None:
            stages.stage(f"the guest answers; installing {order.warm}")
            _install(order, order.warm, guest)
        stages.stage("the guest answers; waiting until it is quiet")
        settle(machine, guest, order.scaled.boot_s)
        guest.close()
        stages.stage("freezing")
        machine.freeze(draft)
    return boot_s, watch.t_s


def _cloned(order: TemplateOrder, template: Template, scratch: Path) -> tuple[float, int]:
    """Run one clone to its first command: seconds it took, and MiB it has for itself."""
    watch = Stopwatch()
    with _guest(order, scratch, template=template) as (machine, guest):
        guest.wait_ready()
        wake(guest, time.time)
        return watch.t_s, private_mib(machine)


def prove(order: TemplateOrder, store: TemplateStore, template: Template) -> Template:
    """Run one clone of a template that is there, and write down what it costs.

    :raise BuildError: it could not be run.
    """
    with workshop.scratch(store.directory / ".scratch", template.key.image, need_mib=ROOM_MIB) as scratch:
        clone_s, private = _cloned(order, template, scratch)
    return store.proven(template, clone_s=clone_s, private_mib=private)


def settle(machine: Machine, guest: Guest, timeout_s: float) -> None:
    """Wait until services are up, every channel answers, and the CPUs are quiet.

    :raise WaitTimeout: it does not become quiet; a busy guest would be another template each time.
    """
    wait_for(lambda: _services_up(guest), what="services started", timeout_s=timeout_s, interval_s=0.5)
    for channel in guest.channels:
        channel.ping(timeout_s)
    guest.run("sync")
    wait_for(lambda: _quiet(machine), what="quiet CPUs of the guest", timeout_s=timeout_s, interval_s=0.1)


def _services_up(guest: Guest) -> bool:
    """systemd has nothing left to start; a guest without it is up when it answers."""
    done = guest.run("[ ! -d /run/systemd/system ] || systemctl is-system-running || true")
    return done.text.strip() in ("", "running", "degraded")


def _quiet(machine: Machine) -> bool:
    before, start = _cpu_s(machine), time.monotonic()
    time.sleep(QUIET_S)
    return (_cpu_s(machine) - before) / (time.monotonic() - start) < QUIET_SHARE


def _cpu_s(machine: Machine) -> float:
    figures = machine.domain.figures()
    spent = [int(value) for name, value in figures.items() if re.fullmatch(r"vcpu\.\d+\.time", name)]
    return sum(spent) / 1e9


def _install(order: TemplateOrder, warm: Warm, guest: Guest) -> None:
    manifest = agents_room.load(warm.root / "agents" / warm.agent)
    artefacts = ArtefactStore(order.places, manifest)
    agent = AgentUnderTest(guest, manifest, order.image, artefacts, _forget, Stopwatch(), order.scaled)
    agent.install(warm.version)


@contextmanager
def _guest(
    order: TemplateOrder, scratch: Path, *, template: Template | None = None, ram: Path | None = None
) -> Iterator[tuple[Machine, Guest]]:
    """A running machine and its guest; when the body fails, the end of the console is in the error."""
    recording = scratch / ("clone" if template else "recording")
    recording.mkdir(exist_ok=True)
    machine = order.machine(recording, template=template, ram=ram)
    try:
        machine.create()
        found = _reached(machine, order.scaled)
        guest = Guest(found.channels, _forget, Stopwatch(), order.scaled, dialect=found.dialect)
        machine.resume()
        yield machine, guest
        guest.close()
    except (LabError, TimeoutError) as error:
        console = machine.serial_log.read_bytes() if machine.serial_log.exists() else b""
        what = "a clone of the template" if template else "the template"
        raise BuildError(
            f"{what} of {order.image.name!r} could not be {'run' if template else 'made'}: "
            f"{_reason(error, scratch, console)}",
            hint=f"lab image template {order.image.name} --profile {order.profile.name} shows the stages and"
            " the console; until it works the cells boot from power-off",
            log=console[-TAIL:].decode("utf-8", "replace"),
        ) from error
    finally:
        machine.close()


def _reached(machine: Machine, timeouts: Timeouts) -> Reach:
    """The ways in, which notice at once when there is no QEMU any more: nothing else watches it here."""
    ask = machine.agent_command()

    def ask_the_living(request: dict[str, Any], timeout_s: float) -> Any:
        try:
            return ask(request, timeout_s)
        except ChannelError:
            if not machine.domain.alive:
                raise MachineError("QEMU ended by itself") from None
            raise

    return reach(machine, timeouts, ask=ask_the_living)


def _reason(error: Exception, scratch: Path, console: bytes) -> str:
    """What failed; also what the guest said, and that the disk is full, where that is why."""
    found = detect([SerialChunk(t_s=0.0, start=0, data=console)], DetectSettings())
    crash = next((f"; its console says: {finding.title}" for finding in found if finding.fatal), "")
    free = workshop.free_mib(scratch)
    full = f"; the disk is full: {free} MiB free in {scratch}" if free < FULL_MIB else ""
    return f"{error}{crash}{full}"


def _forget(_observation: Observation) -> None:
    """Making a template is no attempt: nothing of it is judged."""


def main(arguments: list[str]) -> int:
    """Make what `arguments[0]` orders; stages go to the owner, the error, if any, to stdout as JSON."""
    order = codec.read(TemplateOrder, Path(arguments[0]))
    lifeline.attach()
    try:
        make(order, owner.tell)
    except LabError as error:
        refusal = Refusal(message=error.message, hint=error.hint or "", log=getattr(error, "log", ""))
        print(codec.to_json(refusal))  # noqa: T201
        return int(error.exit_code)
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a template could not be made, from the process that tried."""

    message: str
    hint: str = ""
    log: str = ""


if __name__ == "__main__":
    owner.adopt()
    sys.exit(main(sys.argv[1:]))
