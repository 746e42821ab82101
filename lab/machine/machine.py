"""One guest's machine: overlay, domain, power, screen; from nothing to destroyed.

`Machine.create` leaves the domain paused so that sensors can be attached before the first
instruction; `close` ends everything it made, in any state, and is safe to call twice.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from lab import proc
from lab.clock import wall
from lab.errors import HostError, MachineError
from lab.images.built import BuiltImage
from lab.images.windows import dump_disk
from lab.machine import embedded, freezing, reaping, windows
from lab.machine.driver import Domain, EventSink, Hypervisor
from lab.machine.leases import Lease, LeaseBook, owner_started, qemu_process, this_boot
from lab.machine.xml import Hardware, Ownership, domain_xml, hardware_digest
from lab.model import Family, Firmware, Profile
from lab.places import Places
from lab.templates.store import DISK, NVRAM, STATE, TPM, Template
from lab.waiting import WaitTimeout, wait_for

OVMF_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
OVMF_VARS = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
QEMU_IMG_S = 60.0
PATIENCE = "rcupdate.rcu_cpu_stall_timeout=120 watchdog_thresh=60"
"""For emulated guests: on a busy host a vCPU can stand still for longer than the kernel's own limits
(21 s for RCU, 20 s for a soft lockup), and a stall of the host must not read as one of the product.
An image with a boot loader says this in its recipe."""
TALKATIVE = "sysrq_always_enabled=1"
"""Lets the lab ask a silent guest what its CPUs and tasks do; Debian's own setting, 438, forbids that."""
INTERRUPTIBLE = "unknown_nmi_panic"
"""For emulated guests: an NMI that the lab injects is a panic with a backtrace, even with interrupts off.
An emulated CPU raises none by itself; a virtualised one with a performance counter can."""
UNTICKED = "tsc=reliable nowatchdog psi=0"
"""For a warped clock: what an idle kernel wakes for by itself. Its checks of one clock against another, twice
a second, would also find its clocks apart; pressure averages come every two seconds (kernel 6.1)."""
DUMP_DISK = "dump.raw"
GONE_S = 30.0
SOON_GONE_S = 0.5
"""For a QEMU that was killed; then libvirt is asked, which has more patience."""
"""libvirt sees the end of a QEMU that was killed after 1.4 s on an idle host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is wanted: which image on which hardware, for whom, on which host."""

    image: BuiltImage
    profile: Profile
    uri: str
    accelerator: str
    run: str
    cell: str
    attempt: int
    recording: Path
    lifetime_s: float
    dump_disk_mib: int = 0
    """Size of a second, empty disk for the guest's own crash dump; 0: none."""
    template: Template | None = None
    """Start as a clone of it instead of from power-off."""
    ram: Path | None = None
    """Where the guest's RAM is to be a file, so that `freeze` can make a template of it."""


class Machine:
    """A domain and everything on the host that belongs to it."""

    def __init__(self, order: Order, places: Places) -> None:
        self.order = order
        self.places = places
        self.book = LeaseBook(places)
        self.name = uuid.uuid4().hex[:8]
        self.uuid = str(uuid.uuid4())
        self.serial_log = order.recording / "serial.log"
        self._hypervisor: Hypervisor | None = None
        self._domain: Domain | None = None
        self.lease = self._lease()
        self.kept = False
        self._off = False
        self._ssh_port = 0
        self._winrm_port = 0
        self._tpm = b""

    def _lease(self) -> Lease:
        deadline = datetime.now(tz=UTC) + timedelta(seconds=self.order.lifetime_s)
        return Lease(
            machine=self.name,
            uuid=self.uuid,
            uri=self.order.uri,
            run=self.order.run,
            cell=self.order.cell,
            attempt=self.order.attempt,
            recording=str(self.order.recording),
            owner_pid=os.getpid(),
            owner_started=owner_started(os.getpid()),
            booted=this_boot(),
            created=wall(),
            node=platform.node(),
            root=str(embedded.process_root(self.places)) if embedded.is_embedded(self.order.uri) else "",
            deadline=deadline.isoformat(timespec="seconds").replace("+00:00", "Z"),
        )

    @property
    def run_dir(self) -> Path:
        return self.book.run_dir(self.name)

    @property
    def domain(self) -> Domain:
        """:raise MachineError: before `create` and after `close`."""
        if self._domain is None:
            raise MachineError(f"machine {self.name} has no domain: it was not created or is closed")
        return self._domain

    def create(self, sink: EventSink | None = None) -> None:
        """Overlay and paused domain.

        :param sink: gets every hypervisor event from before the first instruction on.
        :raise MachineError, HostError: nothing is left behind.
        """
        self.places.check()
        self._check_template()
        self.book.add(self.lease)
        try:
            self.serial_log.touch()
            self._hypervisor = open_host(self.order.uri, self.places)
            self._make_disks()
            if embedded.is_embedded(self.order.uri):
                self._adopt(self._hypervisor)
            self._domain = self._hypervisor.create_paused(self.xml())
            if sink is not None:
                self._domain.watch(sink)
            if self.order.template is not None:
                freezing.load_state(self._domain, self.order.template.state)
        except BaseException:
            self.close()
            raise

    def _adopt(self, hypervisor: Hypervisor) -> None:
        """From now on what libvirt starts for us is ours to bury. Its own trials of QEMU are not: asking for
        the version makes it look at QEMU before that."""
        _ = hypervisor.qemu_version
        root = embedded.process_root(self.places)
        names = [str(embedded.pid_file(root, self.name).relative_to(root))]
        if self.order.profile.tpm:
            names.append(f"run/swtpm/*-{self.name}-swtpm.pid")
        reaping.follow(root, *names)

    def _check_template(self) -> None:
        """Device state that is loaded into other devices is not always refused by QEMU; it is by us."""
        template = self.order.template
        if template is not None and hardware_digest(self.hardware) != template.key.hardware:
            raise MachineError(
                f"a clone of {template.key.image!r} would have other hardware than its template had",
                hint=f"lab image template {template.key.image} --force",
            )

    def xml(self) -> str:
        """The domain's XML."""
        return domain_xml(self.hardware)

    @property
    def hardware(self) -> Hardware:
        """What the domain is made of; its files need not exist yet."""
        image, template = self.order.image, self.order.template
        return Hardware(
            name=self.name,
            uuid=self.uuid,
            profile=self.order.profile,
            owner=Ownership(
                lab=str(self.places.state),
                run=self.order.run,
                cell=self.order.cell,
                attempt=self.order.attempt,
                deadline=self.lease.deadline,
            ),
            accelerator=self.order.accelerator,
            overlay=self.overlay,
            serial_log=self.serial_log,
            sockets=self.run_dir,
            family=image.family,
            boot=image.boot,
            kernel=image.kernel,
            initrd=image.initrd,
            cmdline=cmdline(image.cmdline, self.order.accelerator, time_warp=self.order.profile.time_warp),
            firmware_code=windows.SECURE_CODE if self.order.profile.secure_boot else OVMF_CODE,
            nvram=self.nvram,
            ram=template.ram if template else self.order.ram,
            clone=template is not None,
            dump_disk=self.dump_disk,
            run_as=(os.getuid(), os.getgid()) if os.getuid() == 0 else None,
        )

    @property
    def overlay(self) -> Path:
        return self.book.disk_dir(self.name) / "overlay.qcow2"

    @property
    def nvram(self) -> Path | None:
        """The firmware's variables, of UEFI machines only."""
        uefi = self.order.profile.firmware is Firmware.UEFI
        return self.book.disk_dir(self.name) / "nvram.fd" if uefi else None

    @property
    def dump_disk(self) -> Path | None:
        """Where the guest's own dump goes, a sparse raw file."""
        return self.book.disk_dir(self.name) / DUMP_DISK if self.order.dump_disk_mib else None

    def _make_disks(self) -> None:
        template = self.order.template
        make_overlay(template.disk if template else self.order.image.disk, self.overlay)
        self._make_dump_disk()
        if self.nvram is not None:
            fresh = windows.SECURE_VARS if self.order.profile.secure_boot else OVMF_VARS
            source = (template.nvram if template else None) or fresh
            if not source.exists():
                raise HostError(f"{source} is missing (UEFI firmware)", hint="apt-get install ovmf")
            shutil.copyfile(source, self.nvram)
        if self.tpm_state is not None and template is not None and template.tpm is not None:
            self.tpm_state.parent.mkdir(parents=True, mode=0o700)
            shutil.copyfile(template.tpm, self.tpm_state)

    def _make_dump_disk(self) -> None:
        """Empty, and with a file system where Windows is to write a dump file to it."""
        if self.dump_disk is None:
            return
        if self.order.image.family is Family.WINDOWS:
            dump_disk.make(self.dump_disk, self.order.dump_disk_mib)
            return
        with self.dump_disk.open("wb") as disk:
            disk.truncate(self.order.dump_disk_mib << 20)

    @property
    def tpm_state(self) -> Path | None:
        """What the machine's own TPM keeps; None without one, and on other hosts. A clone there gets its
        TPM's state all the same, as part of the device state, after libvirt has set up a new TPM (0.5 s)."""
        if not self.order.profile.tpm or not embedded.is_embedded(self.order.uri):
            return None
        return embedded.tpm_state(embedded.process_root(self.places), self.uuid)

    @property
    def serial_socket(self) -> Path:
        return self.run_dir / "serial.sock"

    def resume(self) -> None:
        self.domain.resume()

    def ssh_port(self) -> int:
        """The port on 127.0.0.1 that QEMU itself chose and forwards to the guest's port 22.

        :raise MachineError: the profile has no network.
        """
        self._ssh_port = self._forwarded(22)
        return self._ssh_port

    def winrm_port(self) -> int:
        """The same for WinRM, which is forwarded to Windows guests only.

        :raise MachineError: the profile has no network, or the guest is no Windows.
        """
        self._winrm_port = self._forwarded(windows.WINRM_PORT)
        return self._winrm_port

    def _forwarded(self, port: int) -> int:
        text = self.domain.monitor("info usernet")
        found = re.search(rf"HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+\S+\s+{port}\s", text)
        if found is None:
            raise MachineError(
                f"machine {self.name} forwards no port to {port} (network {self.order.profile.network!r})"
            )
        return int(found[1])

    def agent_command(self) -> Callable[[dict[str, Any], float], Any]:
        """The transport for `lab.guest.agent_channel.AgentChannel`."""
        return self.domain.agent

    def screenshot(self) -> bytes:
        return self.domain.screenshot()

    def reset(self) -> None:
        self.domain.reset()

    @property
    def powered(self) -> bool:
        """False between `cut_power` and `power_on`."""
        return not self._off

    @property
    def present(self) -> bool:
        """Whether its QEMU is there, or is not because the lab took its power."""
        return self._off or self.domain.alive

    def process(self) -> psutil.Process:
        """Its QEMU.

        :raise MachineError: there is none on this host: it has ended, or runs on another one.
        """
        found = qemu_process(self.lease)
        if found is None:
            raise MachineError(
                f"machine {self.name} has no QEMU process here",
                hint="faults that need the process work on the host that runs the lab",
            )
        return found

    def cut_power(self) -> int:
        """End QEMU by SIGKILL; its pid. RAM is lost, and so is what the guest wrote to new clusters of its
        disk and never flushed: their table entries were in QEMU's cache. What was flushed stays.

        :raise MachineError: its QEMU is not on this host, or libvirt does not see its end in 30 s.
        """
        process = self.process()
        if self.tpm_state is not None and self.tpm_state.exists():
            self._tpm = self.tpm_state.read_bytes()  # libvirt removes it with a transient domain
        self._off = True
        process.kill()
        try:
            wait_for(lambda: not self.domain.alive, what="end of QEMU", timeout_s=GONE_S, interval_s=0.01)
        except WaitTimeout as error:
            raise MachineError(f"machine {self.name}: {error}") from error
        return process.pid

    def power_on(self) -> None:
        """Start it again after `cut_power`, from what is on its disk. Same uuid, same ports: channels,
        sensors and event subscriptions stay good, and checkpoints can be restored.

        :raise MachineError: it was not cut, or QEMU does not start.
        """
        if not self._off or self._hypervisor is None:
            raise MachineError(f"machine {self.name} is not off (wanted one whose power was cut)")
        if self.tpm_state is not None and self._tpm:
            self.tpm_state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.tpm_state.write_bytes(self._tpm)
        hardware = replace(
            self.hardware, restarted=True, ssh_port=self._ssh_port, winrm_port=self._winrm_port
        )
        self._hypervisor.create_paused(domain_xml(hardware))
        if self.order.template is not None:
            freezing.ignore_shared(self.domain)
        self.domain.resume()
        self._off = False

    def squeeze(self, mib: int) -> None:
        """Leave the guest so much memory by its balloon; its whole memory ends the squeeze.

        :raise MachineError: a clone, since QEMU (7.2, `ram_block_discard_range`) punches holes into the file
            behind the RAM even where that is mapped privately: it would damage the template; or QEMU refused.
        """
        if self.order.template is not None:
            raise MachineError(
                f"machine {self.name} is a clone, whose balloon must not be used",
                hint="mark the scenario cold_boot=True, or use the fault memory-squeeze",
            )
        self.domain.monitor({"execute": "balloon", "arguments": {"value": mib << 20}})

    def freeze(self, directory: Path) -> None:
        """Stop the guest for good; disk, device state, firmware variables and TPM go into `directory`.

        The RAM is in the file that the order named. Saving makes QEMU write the disk's tables out, so
        the disk is copied after it.

        :raise MachineError: QEMU refused; the guest is then stopped and good for nothing.
        """
        self.domain.suspend()
        freezing.save_state(self.domain, directory / STATE)
        shutil.copyfile(self.overlay, directory / DISK)
        if self.nvram is not None:
            shutil.copyfile(self.nvram, directory / NVRAM)
        if self.tpm_state is not None:
            shutil.copyfile(self.tpm_state, directory / TPM)

    def checkpoint(self, name: str) -> None:
        """Remember disk, RAM and devices under `name`, in the overlay; the guest runs on.

        :raise MachineError: QEMU refused.
        """
        freezing.save_checkpoint(self.domain, self.overlay, name)

    def restore(self, name: str) -> None:
        """Put the guest back to where it was at `checkpoint(name)`; it runs on from there.

        :raise MachineError: there is no such checkpoint, or QEMU refused.
        """
        freezing.load_checkpoint(self.domain, self.overlay, name)

    def keep(self, *, hours: float, ssh_port: int, ssh_key: Path) -> Lease:
        """Leave the guest running for a person; `close` then no longer destroys it."""
        self.kept = True
        if embedded.is_embedded(self.order.uri):
            embedded.hold_root()
        known = replace(self.lease, ssh_port=ssh_port, ssh_key=str(ssh_key))
        self.lease = self.book.keep(known, hours=hours)
        return self.lease

    def close(self) -> None:
        """End the domain, close the connection, remove overlay, sockets and lease."""
        domain, self._domain = self._domain, None
        hypervisor, self._hypervisor = self._hypervisor, None
        try:
            if domain is not None:
                domain.unwatch()
                if not self.kept and not self._end_process():
                    domain.destroy()
        finally:
            if hypervisor is not None:
                hypervisor.close()
            if not self.kept:
                self._drop()

    def _end_process(self) -> bool:
        """Whether its QEMU has been ended without libvirt, which sees that and forgets the domain a moment
        later. It takes 0.2 s to end one itself (it looks that seldom); a TPM's process is its to end too.
        """
        if not embedded.is_embedded(self.order.uri) or self.order.profile.tpm:
            return False
        with contextlib.suppress(MachineError, WaitTimeout, psutil.Error):
            process = self.process()
            process.kill()
            wait_for(
                lambda: not psutil.pid_exists(process.pid),
                what="end of QEMU",
                timeout_s=SOON_GONE_S,
                interval_s=SOON_GONE_S / 100,
            )
            return True
        return False

    def _drop(self) -> None:
        if self.tpm_state is not None:
            shutil.rmtree(self.tpm_state.parents[1], ignore_errors=True)
        self.book.drop(self.name)


def open_host(uri: str, places: Places) -> Hypervisor:
    """A connection to the host named `uri` in lab.yaml.

    :raise HostError: it cannot be reached.
    """
    if embedded.is_embedded(uri):
        return _lasting(embedded.open_uri(places))
    return Hypervisor(uri)


class _Lasting(Hypervisor):
    """The process' one connection to its own driver: libvirt 9.0 registers that driver at each opening, and
    after some twenty of them says "Too many drivers, cannot register QEMU"."""

    def close(self) -> None:
        """Ends with the process."""


@lru_cache(maxsize=1)
def _lasting(uri: str) -> Hypervisor:
    return _Lasting(uri)


def is_remote(uri: str) -> bool:
    """Whether the guests of this libvirt URI run on another machine (`qemu+ssh://host/system`)."""
    return not embedded.is_embedded(uri) and bool(urlsplit(uri).netloc)


def cmdline(given: str, accelerator: str, *, time_warp: bool = False) -> str:
    """What QEMU hands to a kernel that it loads itself: the image's line and the lab's. Linux only."""
    if not given:
        return ""
    own = f"{TALKATIVE} {PATIENCE} {INTERRUPTIBLE}" if accelerator == "tcg" else TALKATIVE
    own += f" {UNTICKED}" if time_warp else ""
    return f"{given} {own}"


def make_overlay(disk: Path, overlay: Path) -> None:
    """A qcow2 that holds only what this attempt writes; the image below is never written to.

    :raise MachineError: qemu-img refused; its own words are in the message.
    """
    done = proc.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", disk, overlay], timeout_s=QEMU_IMG_S
    )
    if not done.ok:
        raise MachineError(f"overlay on {disk} could not be made: {done.error_text}")
