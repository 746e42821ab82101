"""What a machine looks like to libvirt. Pure: values in, domain XML out.

Sources: libvirt's domain format documentation and its `qemu` namespace. User-mode networking
is handed to QEMU directly because libvirt 9.0 cannot express `restrict` or forwarded ports
for it; port 0 makes QEMU pick a free one itself, so there is no race for it.
"""

from __future__ import annotations

import hashlib
import os
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.machine import windows
from lab.model import BootPath, Family, Firmware, Profile

NAMESPACE = "urn:fleet-lab:domain:1"
QEMU_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"

BALLOON_STATS_S = 10
"""How often the guest's balloon driver, where there is one, tells how its memory is used."""
TIME_WARP = ("-icount", "shift=0,sleep=off,align=off")
"""One nanosecond per instruction, and the virtual clock jumps to the next timer while the guest is idle
(QEMU's documentation of `-icount`)."""

ET.register_namespace("lab", NAMESPACE)
ET.register_namespace("qemu", QEMU_NAMESPACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Who a domain belongs to; written into its metadata so that leftovers can be told apart."""

    lab: str
    """Identity of the state directory."""
    run: str
    cell: str
    attempt: int
    deadline: str
    """Wall time after which the domain is a leftover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """Everything a domain is made of."""

    name: str
    uuid: str
    profile: Profile
    owner: Ownership
    accelerator: str
    """`kvm` or `tcg`."""
    overlay: Path
    serial_log: Path
    sockets: Path
    """Directory of serial.sock, agent.sock and vnc.sock."""
    family: Family = Family.LINUX
    boot: BootPath = BootPath.DIRECT
    kernel: Path | None = None
    initrd: Path | None = None
    cmdline: str = ""
    firmware_code: Path | None = None
    nvram: Path | None = None
    dump_disk: Path | None = None
    """A second, empty disk (raw) for the guest's own crash dump."""
    run_as: tuple[int, int] | None = None
    """(uid, gid) QEMU runs as under a privileged libvirtd, so that our files stay ours."""
    extra: tuple[str, ...] = field(default=())
    """Further QEMU arguments."""
    ram: Path | None = None
    """File that is the guest's RAM: made and written for a template, mapped privately for a clone."""
    clone: bool = False
    """Waits for the device state of a template instead of starting."""
    restarted: bool = False
    """Powered on again after a cut: it boots from its disk, also if it began as a clone."""
    ssh_port: int = 0
    """On 127.0.0.1, forwarded to the guest's port 22; 0: QEMU picks a free one."""
    winrm_port: int = 0
    """The same for port 5986 of a Windows guest."""


def domain_xml(hardware: Hardware) -> str:
    """The XML of a transient domain with a panic device, a watchdog, an RNG, a logged serial
    console, a guest-agent channel and VNC on a private socket."""
    domain = ET.Element("domain", type="kvm" if hardware.accelerator == "kvm" else "qemu")
    _text(domain, "name", hardware.name)
    _text(domain, "uuid", hardware.uuid)
    # The VM generation id: a clone has another one than its template, which tells Linux (5.18 on) and
    # Windows to draw fresh randomness at once.
    _text(domain, "genid", hardware.uuid)
    _metadata(domain, hardware.owner)
    _text(domain, "memory", str(hardware.profile.memory_mib), unit="MiB")
    _text(domain, "vcpu", str(hardware.profile.vcpus))
    _boot(domain, hardware)
    features = ET.SubElement(domain, "features")
    for name in ("acpi", "apic"):
        ET.SubElement(features, name)
    if hardware.family is Family.WINDOWS:
        windows.features(features, hardware.profile, hardware.accelerator)
    else:
        windows.secure_features(features, hardware.profile)
    _cpu(domain, hardware)
    clock = ET.SubElement(domain, "clock", offset="localtime" if hardware.family is Family.WINDOWS else "utc")
    if hardware.family is Family.WINDOWS:
        windows.timers(clock, hardware.accelerator)
    _text(domain, "on_poweroff", "destroy")
    _text(domain, "on_reboot", "restart")
    # `preserve` lets a guest go on to its own dump or reboot after it told the panic device;
    # `_qemu_arguments` sets QEMU's panic action to the same end.
    _text(domain, "on_crash", "preserve")
    if hardware.run_as is not None:
        label = ET.SubElement(domain, "seclabel", type="static", model="dac", relabel="no")
        _text(label, "label", f"+{hardware.run_as[0]}:+{hardware.run_as[1]}")
    _devices(domain, hardware)
    _qemu_arguments(domain, hardware)
    return ET.tostring(domain, encoding="unicode")


def _text(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = text


def _metadata(domain: ET.Element, owner: Ownership) -> None:
    metadata = ET.SubElement(domain, "metadata")
    ET.SubElement(
        metadata,
        f"{{{NAMESPACE}}}owner",
        {
            "lab": owner.lab,
            "run": owner.run,
            "cell": owner.cell,
            "attempt": str(owner.attempt),
            "deadline": owner.deadline,
        },
    )


def _boot(domain: ET.Element, hardware: Hardware) -> None:
    system = ET.SubElement(domain, "os")
    _text(system, "type", "hvm", arch="x86_64", machine="q35")
    if hardware.profile.firmware is Firmware.UEFI:
        secure = {"secure": "yes"} if hardware.profile.secure_boot else {}
        _text(system, "loader", str(hardware.firmware_code), readonly="yes", type="pflash", **secure)
        _text(system, "nvram", str(hardware.nvram))
    if hardware.boot is BootPath.DIRECT:
        _text(system, "kernel", str(hardware.kernel))
        if hardware.initrd is not None:
            _text(system, "initrd", str(hardware.initrd))
        _text(system, "cmdline", hardware.cmdline)
    else:
        ET.SubElement(system, "boot", dev="hd")


def _cpu(domain: ET.Element, hardware: Hardware) -> None:
    if hardware.accelerator == "kvm":
        ET.SubElement(domain, "cpu", mode="host-passthrough", migratable="on")
        return
    # The same model on every emulating host, whatever its own processor has: what a guest sees
    # must not depend on where it runs. Its boot costs no more than with `max` (docs/hosts.md).
    cpu = ET.SubElement(domain, "cpu", mode="custom", match="exact", check="none")
    _text(cpu, "model", "Nehalem", fallback="forbid")


def _devices(domain: ET.Element, hardware: Hardware) -> None:
    devices = ET.SubElement(domain, "devices")
    _text(devices, "emulator", "/usr/bin/qemu-system-x86_64")
    _disk(devices, hardware.overlay, "qcow2", hardware.profile.disk_bus, "a")
    if hardware.dump_disk is not None:
        _disk(devices, hardware.dump_disk, "raw", hardware.profile.disk_bus, "b")
    serial = ET.SubElement(devices, "serial", type="unix")
    ET.SubElement(serial, "source", mode="bind", path=str(hardware.sockets / "serial.sock"))
    ET.SubElement(serial, "log", file=str(hardware.serial_log), append="on")
    ET.SubElement(serial, "target", port="0")
    agent = ET.SubElement(devices, "channel", type="unix")
    ET.SubElement(agent, "source", mode="bind", path=str(hardware.sockets / "agent.sock"))
    ET.SubElement(agent, "target", type="virtio", name="org.qemu.guest_agent.0")
    panic = "hyperv" if hardware.family is Family.WINDOWS else "isa"
    ET.SubElement(devices, "panic", model=panic)
    ET.SubElement(devices, "watchdog", model="i6300esb", action="none")
    rng = ET.SubElement(devices, "rng", model="virtio")
    _text(rng, "backend", "/dev/urandom", model="random")
    ET.SubElement(devices, "input", type="keyboard", bus="ps2")
    ET.SubElement(devices, "graphics", type="vnc", socket=str(hardware.sockets / "vnc.sock"))
    video = ET.SubElement(devices, "video")
    ET.SubElement(video, "model", type=hardware.profile.video)
    if hardware.family is Family.WINDOWS:
        windows.devices(devices)
    # Whoever inflates it looks at `Machine.squeeze` first: in a clone it would damage the template.
    balloon = ET.SubElement(devices, "memballoon", model="virtio")
    ET.SubElement(balloon, "stats", period=str(BALLOON_STATS_S))
    if hardware.profile.tpm:
        tpm = ET.SubElement(devices, "tpm", model="tpm-crb")
        ET.SubElement(tpm, "backend", type="emulator", version="2.0")


def _disk(devices: ET.Element, file: Path, kind: str, bus: str, letter: str) -> None:
    disk = ET.SubElement(devices, "disk", type="file", device="disk")
    # `discard` is about host space; `unsafe` caching skips host flushes: the disks die with the attempt.
    ET.SubElement(disk, "driver", name="qemu", type=kind, cache="unsafe", discard="unmap")
    ET.SubElement(disk, "source", file=str(file))
    ET.SubElement(disk, "target", dev=f"{'vd' if bus == 'virtio' else 'sd'}{letter}", bus=bus)


def _qemu_arguments(domain: ET.Element, hardware: Hardware) -> None:
    arguments = [
        *("-action", "panic=none,watchdog=none"),
        *_network(hardware),
        *(TIME_WARP if hardware.profile.time_warp else ()),
        *_frozen(hardware),
        *hardware.extra,
    ]
    line = ET.SubElement(domain, f"{{{QEMU_NAMESPACE}}}commandline")
    for argument in arguments:
        ET.SubElement(line, f"{{{QEMU_NAMESPACE}}}arg", value=argument)


def _frozen(hardware: Hardware) -> list[str]:
    """RAM in a file. libvirt has no words for a file that is mapped privately, so QEMU gets a back end of
    ours and the one libvirt made stays untouched (its pages are never written, so it costs nothing)."""
    if hardware.ram is None:
        return []
    share = "off" if hardware.clone else "on"
    size = hardware.profile.memory_mib
    return [
        "-object", f"memory-backend-file,id=lab.ram,size={size}M,mem-path={hardware.ram},share={share}",
        "-machine", "memory-backend=lab.ram",
        *(("-incoming", "defer") if hardware.clone and not hardware.restarted else ()),
    ]  # fmt: skip


def hardware_digest(hardware: Hardware) -> str:
    """sha256 of what the guest can see of its machine: equal for a template and its clones."""
    nowhere = Path("/")
    same = replace(
        hardware,
        name="x",
        uuid="x",
        owner=Ownership(lab="", run="", cell="", attempt=0, deadline=""),
        overlay=nowhere,
        serial_log=nowhere,
        sockets=nowhere,
        nvram=None if hardware.nvram is None else nowhere,
        dump_disk=None if hardware.dump_disk is None else nowhere,
        run_as=None,
        ram=None,
        clone=False,
        restarted=False,
        ssh_port=0,
        winrm_port=0,
    )
    return hashlib.sha256(domain_xml(same).encode()).hexdigest()


def _network(hardware: Hardware) -> list[str]:
    """User-mode networking: needs no root, and each guest has a network of its own.

    `restrict=on` keeps the guest from the host and from everything beyond it; only the
    forwarded ports on 127.0.0.1 (SSH; WinRM of Windows) lead in (QEMU's `-netdev user` documentation).
    Without a boot ROM on the card, since nothing here boots from the network.
    """
    profile = hardware.profile
    if profile.network == "none":
        return []
    restrict = "off" if profile.network == "outbound" else "on"
    model = {"virtio": "virtio-net-pci", "e1000e": "e1000e"}[profile.nic]
    forwarded = f"hostfwd=tcp:127.0.0.1:{hardware.ssh_port}-:22"
    if hardware.family is Family.WINDOWS:
        forwarded += f",hostfwd=tcp:127.0.0.1:{hardware.winrm_port}-:{windows.WINRM_PORT}"
    return [
        "-netdev", f"user,id=lab0,ipv6=off,restrict={restrict},{forwarded}",
        "-device", f"{model},netdev=lab0,mac=52:54:00:1a:b0:01,addr=0x10,romfile=",
    ]  # fmt: skip


def owner_of(xml_text: str) -> Ownership | None:
    """The ownership written in a domain's XML, or None when the domain is not a lab's."""
    element = ET.fromstring(xml_text).find(f"metadata/{{{NAMESPACE}}}owner")
    if element is None:
        return None
    return Ownership(
        lab=element.get("lab", ""),
        run=element.get("run", ""),
        cell=element.get("cell", ""),
        attempt=int(element.get("attempt", "0")),
        deadline=element.get("deadline", ""),
    )


def probe_xml(*, accelerator: str, name: str, identity: str, code: Path, nvram: Path, serial: Path) -> str:
    """The smallest domain that shows whether guests run: firmware and a serial log, no disk."""
    domain = ET.Element("domain", type="kvm" if accelerator == "kvm" else "qemu")
    _text(domain, "name", name)
    _text(domain, "uuid", identity)
    _text(domain, "memory", "128", unit="MiB")
    _text(domain, "vcpu", "1")
    system = ET.SubElement(domain, "os")
    _text(system, "type", "hvm", arch="x86_64", machine="q35")
    _text(system, "loader", str(code), readonly="yes", type="pflash")
    _text(system, "nvram", str(nvram))
    ET.SubElement(ET.SubElement(domain, "features"), "acpi")
    if accelerator == "kvm":
        ET.SubElement(domain, "cpu", mode="host-passthrough", migratable="on")
    _text(domain, "on_reboot", "destroy")
    if os.getuid() == 0:
        label = ET.SubElement(domain, "seclabel", type="static", model="dac", relabel="no")
        _text(label, "label", "+0:+0")
    devices = ET.SubElement(domain, "devices")
    _text(devices, "emulator", "/usr/bin/qemu-system-x86_64")
    console = ET.SubElement(devices, "serial", type="file")
    ET.SubElement(console, "source", path=str(serial))
    ET.SubElement(console, "target", port="0")
    ET.SubElement(devices, "memballoon", model="none")
    return ET.tostring(domain, encoding="unicode")
