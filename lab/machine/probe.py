"""Which accelerator really runs guests here, and how fast: decided by booting, never by looking.

`/dev/kvm` can exist, open and create a VM and still not run one. So each candidate boots the
UEFI firmware (long mode, paging, interrupts: what a kernel needs) and must reach its boot
manager. On a host of the kind just described QEMU either aborts on a model-specific register
or KVM reports an internal error; the reason names which.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from lab import codec
from lab.clock import Stopwatch, wall
from lab.errors import ArtefactError, HostError, MachineError
from lab.machine import embedded
from lab.machine.driver import Domain, Hypervisor
from lab.machine.machine import OVMF_CODE, OVMF_VARS, open_host
from lab.machine.xml import probe_xml
from lab.places import Places

KVM_DEADLINE_S = 12.0
"""A KVM guest reaches the firmware's boot manager in about a second."""
TCG_DEADLINE_S = 60.0
MARKER = b"BdsDxe:"
"""First words of OVMF's boot manager on the serial console (EDK II MdeModulePkg/Universal/BdsDxe)."""
REFERENCE_S = 4.0
"""Time to the marker under emulation on the reference machine (2 cores, see docs/hosts.md);
deadlines in lab.yaml are meant for that machine, i.e. factor 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One accelerator, tried."""

    accelerator: str
    works: bool
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceleration:
    """What was decided for a host."""

    accelerator: str
    """`kvm`, `tcg`, or `none` when no guest runs at all."""
    factor: float
    """How many times as slow as the reference a guest boots; scales every deadline."""
    trials: tuple[Trial, ...]
    measured: str
    """Wall time of the measurement."""

    @property
    def reason(self) -> str:
        return "; ".join(f"{trial.accelerator}: {trial.reason}" for trial in self.trials)


def decide(uri: str, places: Places) -> Acceleration:
    """Boot the probe under KVM, then under emulation, and take the first that works.

    :raise HostError: the host cannot be reached.
    """
    trials: list[Trial] = []
    for accelerator, deadline_s in (("kvm", KVM_DEADLINE_S), ("tcg", TCG_DEADLINE_S)):
        trial = attempt(uri, places, accelerator, deadline_s)
        trials.append(trial)
        if trial.works:
            factor = min(10.0, max(0.5, trial.seconds / REFERENCE_S))
            return Acceleration(
                accelerator=accelerator, factor=round(factor, 2), trials=tuple(trials), measured=wall()
            )
    return Acceleration(accelerator="none", factor=10.0, trials=tuple(trials), measured=wall())


def attempt(uri: str, places: Places, accelerator: str, deadline_s: float) -> Trial:
    """Boot the firmware once; everything it needed is removed again."""
    if accelerator == "kvm" and uri == "embed" and not Path("/dev/kvm").exists():
        return Trial(accelerator=accelerator, works=False, seconds=0.0, reason="there is no /dev/kvm")
    if accelerator == "kvm" and uri == "embed" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
        reason = "no permission for /dev/kvm (usermod -aG kvm USER, then log in again)"
        return Trial(accelerator=accelerator, works=False, seconds=0.0, reason=reason)
    if not OVMF_CODE.exists():
        return Trial(
            accelerator=accelerator, works=accelerator == "tcg", seconds=REFERENCE_S,
            reason=f"not tried: {OVMF_CODE} is missing (apt-get install ovmf)",
        )  # fmt: skip
    work = _work_dir(places)
    work.mkdir(parents=True, mode=0o700, exist_ok=True)
    host: Hypervisor | None = None
    try:
        host = open_host(uri, places)
        return _boot(host, uri, places, accelerator, deadline_s)
    finally:
        if host is not None:
            host.close()
        shutil.rmtree(work, ignore_errors=True)


def _work_dir(places: Places) -> Path:
    """Named after the process, so that `leftovers` knows whose it is."""
    return places.runtime / "p" / f"{os.getpid():x}"


def _boot(host: Hypervisor, uri: str, places: Places, accelerator: str, deadline_s: float) -> Trial:
    work = _work_dir(places)
    name = f"probe{os.getpid():x}{accelerator}"
    nvram = work / "nvram.fd"
    nvram.write_bytes(OVMF_VARS.read_bytes())
    serial = work / "serial.log"
    serial.touch()
    xml = probe_xml(
        accelerator=accelerator, name=name, identity=str(uuid.uuid4()),
        code=OVMF_CODE, nvram=nvram, serial=serial,
    )  # fmt: skip
    events: list[str] = []
    watch = Stopwatch()
    domain: Domain | None = None
    try:
        domain = host.create_paused(xml)
        domain.watch(lambda name, _details: events.append(name))
        watch = Stopwatch()
        domain.resume()
        outcome = _await_marker(domain, serial, deadline_s)
    except MachineError as error:
        cause = _cause(error, uri, name, places)
        return Trial(
            accelerator=accelerator,
            works=False,
            seconds=round(watch.t_s, 2),
            reason=f"{cause}{_verdict(accelerator)}",
        )
    finally:
        if domain is not None:
            domain.unwatch()
            domain.destroy()
    seconds = round(watch.t_s, 2)
    if outcome == "":
        return Trial(
            accelerator=accelerator, works=True, seconds=seconds, reason=f"booted firmware in {seconds} s"
        )
    if "stopped" in events and accelerator == "kvm":
        outcome = "KVM reported an internal error on the first guest code"
    return Trial(
        accelerator=accelerator, works=False, seconds=seconds, reason=f"{outcome}{_verdict(accelerator)}"
    )


def _await_marker(domain: Domain, serial: Path, deadline_s: float) -> str:
    """ "" when the firmware spoke, else what happened instead."""
    watch = Stopwatch()
    while watch.t_s < deadline_s:
        if MARKER in serial.read_bytes():
            return ""
        state = domain.state()
        if state not in ("running", "other"):
            return f"guest is {state} after {watch.t_s:.1f} s"
        time.sleep(0.1)
    return f"no sign of life from the firmware in {deadline_s:.0f} s"


def _verdict(accelerator: str) -> str:
    return " (/dev/kvm opens but cannot run a guest)" if accelerator == "kvm" else ""


def _cause(error: MachineError, uri: str, name: str, places: Places) -> str:
    """QEMU's own error line where its log is at hand, else the first line of libvirt's."""
    lines = str(error).splitlines()
    if embedded.is_embedded(uri):
        log = embedded.qemu_log(embedded.process_root(places), name)
        if log.exists():
            lines = [*log.read_text(errors="replace").splitlines(), *lines]
    for line in lines:
        if "error:" in line:
            return line.split("error:", 1)[1].strip()
    return lines[0] if lines else "unknown"


_cache_lock = threading.Lock()


def remembered(uri: str, places: Places, *, fresh: bool = False) -> Acceleration:
    """`decide`, once per host, QEMU and boot of the host; `fresh` measures again.

    That nothing runs is not remembered: the user mends it and tries again.
    """
    key = hashlib.sha256(f"{uri}|{_boot_of_host()}|{_qemu_stamp()}".encode()).hexdigest()[:16]
    path = places.state / "hosts" / f"{key}.json"
    with _cache_lock:
        if not fresh:
            try:
                return codec.read(Acceleration, path)
            except ArtefactError:
                pass
        path.parent.mkdir(parents=True, exist_ok=True)
        decided = decide(uri, places)
        if decided.accelerator != "none":
            codec.write(decided, path)
        return decided


def _boot_of_host() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _qemu_stamp() -> str:
    """Changes when QEMU is upgraded."""
    try:
        facts = Path("/usr/bin/qemu-system-x86_64").stat()
    except OSError as error:
        raise HostError(
            "/usr/bin/qemu-system-x86_64 is missing (QEMU is not installed)",
            hint="apt-get install qemu-system-x86",
        ) from error
    return f"{facts.st_mtime_ns}:{facts.st_size}"
