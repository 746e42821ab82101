"""Making a template: boot, settle, freeze, and see one clone of it run before anybody relies on it.

`python -m lab.running.templating ORDER.json` makes one, in a process of its own because libvirt calls can
hang and a deadline can only end a process.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import agents as agents_room
from lab import codec
from lab.agents.artefacts import ArtefactStore
from lab.agents.operations import AgentUnderTest
from lab.clock import Stopwatch
from lab.errors import BuildError, LabError
from lab.guest.guest import Guest
from lab.guest.waking import wake
from lab.images.built import BuiltImage
from lab.machine import embedded
from lab.machine.machine import Machine, Order
from lab.machine.xml import hardware_digest
from lab.model import AgentVersion, Observation, Profile, Timeouts
from lab.places import Places
from lab.running import lifeline, owner
from lab.running.order import HostChoice
from lab.running.reach import reach
from lab.templates import Template, TemplateKey, TemplateStore
from lab.templates.store import RAM
from lab.waiting import wait_for

QUIET_SHARE = 0.15
"""Of one CPU; a guest that uses less is settled."""
QUIET_S = 1.0
ROOM_MIB = 512
"""Beside the RAM: what the guest wrote to its disk, device state, margin."""
TAIL = 1500
"""Bytes of the console shown when a template could not be made."""


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
    host_cpu: str = ""

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
            host_cpu=self.host_cpu if self.host.accelerator == "kvm" else "",
            warm=str(self.warm) if self.warm else "",
        )


def make(order: TemplateOrder) -> Template:
    """Make the template, prove it by a clone, and return it.

    :raise LabError: it could not be made; nothing of it is left.
    """
    store, key = TemplateStore(order.places), order.key
    with store.making(key, need_mib=order.profile.memory_mib + ROOM_MIB) as draft:
        watch = Stopwatch()
        with _guest(order, draft.directory.parent, ram=draft.directory / RAM) as (machine, guest):
            guest.wait_ready()
            boot_s = watch.t_s
            if order.warm is not None:
                _install(order, order.warm, guest)
            settle(machine, guest, order.scaled.boot_s)
            guest.close()
            machine.freeze(draft.directory)
        draft.finish(boot_s=boot_s, settled_s=watch.t_s)
    template = store.find(key)
    assert template is not None
    try:
        return prove(order, store, template)
    except BaseException:
        store.drop(template)
        raise


def prove(order: TemplateOrder, store: TemplateStore, template: Template) -> Template:
    """Run one clone of it to its first command and measure what it costs."""
    watch = Stopwatch()
    scratch = store.directory / ".scratch" / f"prove-{template.key.directory}"
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        with _guest(order, scratch, template=template) as (machine, guest):
            wake(guest, time.time)
            clone_s = watch.t_s
            return store.proven(template, clone_s=clone_s, private_mib=private_mib(machine))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


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


def private_mib(machine: Machine) -> int:
    """Memory that the machine's QEMU has for itself, in MiB; 0 where it runs on another host."""
    if not embedded.is_embedded(machine.order.uri):
        return 0
    pid = int(embedded.pid_file(embedded.process_root(machine.places), machine.name).read_text())
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    found = re.findall(r"^Private_(?:Dirty|Clean):\s+(\d+) kB", text, re.MULTILINE)
    return sum(map(int, found)) // 1024


@contextmanager
def _guest(
    order: TemplateOrder, scratch: Path, *, template: Template | None = None, ram: Path | None = None
) -> Iterator[tuple[Machine, Guest]]:
    """A running machine and its guest; when the body fails, the end of the console is in the error."""
    recording = scratch / "recording"
    recording.mkdir(exist_ok=True)
    machine = order.machine(recording, template=template, ram=ram)
    try:
        machine.create()
        guest = Guest(reach(machine, order.scaled).channels, _forget, Stopwatch(), order.scaled)
        machine.resume()
        yield machine, guest
        guest.close()
    except (LabError, TimeoutError) as error:
        tail = machine.serial_log.read_bytes()[-TAIL:] if machine.serial_log.exists() else b""
        log = tail.decode("utf-8", "replace")
        what = "a clone of the template" if template else "the template"
        raise BuildError(
            f"{what} of {order.image.name!r} could not be {'run' if template else 'made'}: {error}",
            hint="the lab boots from power-off instead; `lab image template` shows the console",
            log=log,
        ) from error
    finally:
        machine.close()


def _forget(_observation: Observation) -> None:
    """Making a template is no attempt: nothing of it is judged."""


def main(arguments: list[str]) -> int:
    """Make what `arguments[0]` orders; the error, if any, as one JSON line on stdout."""
    order = codec.read(TemplateOrder, Path(arguments[0]))
    lifeline.attach()
    try:
        make(order)
    except LabError as error:
        print(codec.to_json(Refusal(message=error.message, log=getattr(error, "log", ""))))  # noqa: T201
        return int(error.exit_code)
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a template could not be made, from the process that tried."""

    message: str
    log: str = ""


if __name__ == "__main__":
    owner.adopt()
    sys.exit(main(sys.argv[1:]))
