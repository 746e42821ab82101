"""What a host is and can do, each fact measured or read, each problem with the command that mends it."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from pathlib import Path

import psutil

from lab.config.types import HostSpec
from lab.errors import HostError, LabError
from lab.images import tools
from lab.images.tools import Tool
from lab.machine import embedded, kdump
from lab.machine.driver import Hypervisor, interruptible
from lab.machine.machine import OVMF_CODE, is_remote, open_host
from lab.machine.probe import Acceleration, remembered
from lab.machine.room import Room, measure
from lab.matrix.capacity import HostFacts
from lab.places import Places

OPEN_S = 25.0
SPARE_MIB = 1024
"""Left to the host itself when memory for guests is summed up."""
LEAST_DISK_GIB = 12.0
"""The default images take about 9 GiB while they are built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that is missing or wrong on a host."""

    what: str
    mend: str
    """The command or change that mends it."""
    fatal: bool
    """Whether no cell can run because of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """One row of `lab doctor`."""

    name: str
    uri: str
    libvirt: str = ""
    qemu: str = ""
    acceleration: Acceleration | None = None
    cpu: str = ""
    """Model and microcode of its CPUs; with our own kernel's release where the guests run on it."""
    cpus: int = 0
    memory_mib: int = 0
    free_memory_mib: int = 0
    free_disk_gib: float = 0.0
    ovmf: bool = False
    swtpm: bool = False
    makedumpfile: bool = False
    missing_tools: tuple[str, ...] = ()
    slots: int = 0
    """Guests at a time that lab.yaml allows; 0: as many as the lab finds room for."""
    why: tuple[str, ...] = ()
    """Where `cpus` and `free_memory_mib` are from."""
    problems: tuple[Problem, ...] = ()

    @property
    def usable(self) -> bool:
        return not any(problem.fatal for problem in self.problems)

    @property
    def facts(self) -> HostFacts:
        """What planning needs."""
        return HostFacts(
            name=self.name,
            vcpus=self.cpus,
            memory_mib=self.free_memory_mib,
            uefi=self.ovmf,
            tpm=self.swtpm,
            slots=self.slots,
            factor=self.acceleration.factor if self.acceleration else 1.0,
            accelerator=self.acceleration.accelerator if self.acceleration else "tcg",
            local=not is_remote(self.uri),
            why=self.why,
        )


def survey(spec: HostSpec, places: Places, missing: Sequence[Tool], *, fresh: bool = False) -> HostReport:
    """Look at a host. What cannot be found out is a problem, not an exception.

    :param missing: tools that image builders need and this machine does not have.
    :param fresh: measure the accelerator again instead of remembering it.
    """
    problems: list[Problem] = []
    try:
        host = reach(spec.uri, places)
    except LabError as error:
        problems.append(Problem(what=str(error), mend=error.hint or "", fatal=True))
        return HostReport(name=spec.name, uri=spec.uri, problems=tuple(problems))
    try:
        acceleration = _acceleration(spec, places, problems, fresh=fresh)
        cpus, memory_mib = host.host_size()
        if embedded.is_embedded(spec.uri):
            # libvirt adds up NUMA nodes, which on a guest with hot-plugged memory is less than there is
            memory_mib = psutil.virtual_memory().total // 2**20
        libvirt, qemu, cpu = host.libvirt_version, host.qemu_version, _cpu(host, spec)
        room = _room(host, spec, cpus)
    finally:
        host.close()
    available = min(spec.memory_mib or memory_mib, room.memory_mib - SPARE_MIB)
    return HostReport(
        name=spec.name,
        uri=spec.uri,
        libvirt=libvirt,
        qemu=qemu,
        cpu=cpu,
        acceleration=acceleration,
        cpus=room.cpus,
        memory_mib=memory_mib,
        free_memory_mib=max(0, available),
        free_disk_gib=_disk(places, problems),
        ovmf=_present(OVMF_CODE, "UEFI images cannot run: no OVMF", "apt-get install ovmf", problems),
        swtpm=_swtpm(problems),
        makedumpfile=_makedumpfile(problems),
        missing_tools=_tools(missing, problems),
        slots=spec.slots or 0,
        why=_why(spec, room),
        problems=tuple(problems),
    )


def _room(host: Hypervisor, spec: HostSpec, cpus: int) -> Room:
    """What is left for guests. Ours live within our own limits; those of a daemon or of another machine
    do not, and there libvirt's figures count."""
    if embedded.is_embedded(spec.uri):
        return measure()
    free = host.free_memory_mib() if is_remote(spec.uri) else psutil.virtual_memory().available // 2**20
    return Room(
        cpus=max(1, cpus),
        cpus_why=f"{cpus} processors",
        memory_mib=free,
        memory_why=f"{free} MiB are {'free' if is_remote(spec.uri) else 'available'}",
    )


def _why(spec: HostSpec, room: Room) -> tuple[str, str]:
    """What was found, in words."""
    memory = f"{room.memory_why}, {SPARE_MIB} of them for the host"
    if spec.memory_mib and spec.memory_mib < room.memory_mib - SPARE_MIB:
        memory = f"lab.yaml allows {spec.memory_mib} MiB"
    return room.cpus_why, memory


def reach(uri: str, places: Places) -> Hypervisor:
    """Open a host, in bounded time.

    :raise HostError: it cannot be reached, or does not answer in 25 s.
    """
    try:
        host: Hypervisor = interruptible(lambda: open_host(uri, places), timeout_s=OPEN_S)
    except FutureTimeout as error:
        raise HostError(
            f"libvirt host {uri!r} did not answer in {OPEN_S:.0f} s",
            hint="try `virsh -c URI version`; check the address and the SSH key",
        ) from error
    return host


def _acceleration(
    spec: HostSpec, places: Places, problems: list[Problem], *, fresh: bool
) -> Acceleration | None:
    try:
        decided = remembered(spec.uri, places, fresh=fresh)
    except LabError as error:
        problems.append(Problem(what=str(error), mend=error.hint or "", fatal=True))
        return None
    if decided.accelerator == "none":
        problems.append(
            Problem(
                what=f"no guest runs here: {decided.reason}",
                mend="the reason is QEMU's own; with it mended, run lab doctor again",
                fatal=True,
            )
        )
    elif decided.accelerator == "tcg":
        kvm = decided.trials[0].reason
        problems.append(
            Problem(
                what=f"KVM cannot be used ({kvm}); guests run under software emulation",
                mend="use a host with working hardware virtualisation for speed; nothing else is needed",
                fatal=False,
            )
        )
    return decided


def _cpu(host: Hypervisor, spec: HostSpec) -> str:
    """What a guest under KVM depends on: a template made with it is no other host's."""
    kernel = f"Linux {platform.release()}" if embedded.is_embedded(spec.uri) else ""
    return ", ".join(part for part in (host.cpu(), kernel) if part)


def _disk(places: Places, problems: list[Problem]) -> float:
    """Free GiB where images go."""
    path = places.cache
    while not path.exists():
        path = path.parent
    free = round(shutil.disk_usage(path).free / 2**30, 1)
    if free < LEAST_DISK_GIB:
        problems.append(
            Problem(
                what=f"{free} GiB are free in {path} (the default images want {LEAST_DISK_GIB:.0f})",
                mend="free some space, or set LAB_HOME to a larger disk",
                fatal=False,
            )
        )
    return free


def _present(path: Path, what: str, mend: str, problems: list[Problem]) -> bool:
    if path.exists():
        return True
    problems.append(Problem(what=what, mend=mend, fatal=False))
    return False


def _swtpm(problems: list[Problem]) -> bool:
    if shutil.which("swtpm"):
        return True
    problems.append(
        Problem(
            what="profiles with a TPM cannot run: no swtpm",
            mend="apt-get install swtpm swtpm-tools",
            fatal=False,
        )
    )
    return False


def _makedumpfile(problems: list[Problem]) -> bool:
    if shutil.which(kdump.TOOL):
        return True
    what = f"kernel logs cannot be read from memory dumps: no {kdump.TOOL}"
    problems.append(Problem(what=what, mend=f"apt-get install {kdump.TOOL}", fatal=False))
    return False


def _tools(missing: Sequence[Tool], problems: list[Problem]) -> tuple[str, ...]:
    if missing:
        names = ", ".join(tool.name for tool in missing)
        mend = tools.install_command(missing)
        problems.append(Problem(what=f"images cannot be built: no {names}", mend=mend, fatal=False))
    return tuple(tool.name for tool in missing)
