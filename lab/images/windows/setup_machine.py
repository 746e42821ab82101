"""The machine that Windows is installed on: that of the later cells, with the media in it.

The system disk is where the release's Setup takes it: on virtio, with the driver from the answer medium, or
on SATA for releases whose Setup has refused such drivers (`Release.new_setup`). The dump disk is on virtio in
any case, so that the virtio disk driver is bound to a device and starts at boot from then on.
"""

from __future__ import annotations

import contextlib
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import HostError, MachineError
from lab.images.built import BuiltImage
from lab.images.recipe import WindowsRecipe
from lab.images.windows.inputs import Inputs
from lab.images.windows.preparing import Prepared
from lab.machine import windows
from lab.machine.machine import OVMF_VARS, Machine, Order
from lab.machine.xml import Hardware, domain_xml
from lab.model import BootPath, Family, Profile
from lab.places import Places

KEY_SPACE = 57
"""Linux key code: the answer to "Press any key to boot from CD or DVD". OVMF's own pages, where a disc that
does not boot ends, do nothing on it; Enter would open their lists."""
VCPUS = 2
MEMORY_MIB = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel that stands in for the ISO's boot loader, in tests without Windows; see docs/windows.md."""

    kernel: Path
    initrd: Path | None
    cmdline: str
    disk: Path
    """Its own system, attached as the first virtio disk (qcow2)."""


def profile(recipe: WindowsRecipe, inputs: Inputs) -> Profile:
    """The hardware it is installed on. No network: nothing is fetched, and nothing may ask for it."""
    return Profile(
        name=f"setup-{recipe.name}",
        vcpus=VCPUS,
        memory_mib=max(MEMORY_MIB, recipe.min_memory_mib),
        firmware=recipe.disk_firmware,
        tpm=recipe.needs_tpm,
        secure_boot=recipe.secure_boot,
        disk_bus="sata" if inputs.release.new_setup else "virtio",
        network="none",
    )


class SetupMachine(Machine):
    """A machine on the prepared disks, which are written to and stay when it is closed."""

    def __init__(
        self,
        order: Order,
        places: Places,
        prepared: Prepared,
        discs: Sequence[Path],
        kernel: Kernel | None = None,
    ) -> None:
        super().__init__(order, places)
        self._prepared = prepared
        self._discs = tuple(discs)
        self._kernel = kernel

    @property
    def overlay(self) -> Path:
        return self._prepared.disk

    @property
    def dump_disk(self) -> Path | None:
        return self._prepared.dump_disk

    def xml(self) -> str:
        return setup_xml(self.hardware, self._discs, self._kernel)

    @property
    def running(self) -> bool:
        """Whether the guest has not switched itself off."""
        return self.domain.alive and self.domain.state() not in ("shutdown", "shutoff", "gone")

    def press_a_key(self) -> None:
        """For the ISO's prompt; a guest that is not there yet is not an error."""
        with contextlib.suppress(MachineError):
            self.domain.press([KEY_SPACE])

    def _make_disks(self) -> None:
        if self.nvram is not None:
            source = windows.SECURE_VARS if self.order.profile.secure_boot else OVMF_VARS
            if not source.is_file():
                raise HostError(f"{source} is missing (UEFI firmware)", hint="apt-get install ovmf")
            shutil.copyfile(source, self.nvram)


def order(
    recipe: WindowsRecipe, prepared: Prepared, hardware: Profile, *, accelerator: str, lifetime_s: float
) -> Order:
    """What `SetupMachine` is made of; its recording is the directory of the media."""
    image = BuiltImage(
        name=recipe.name, directory=prepared.directory, disk=prepared.disk, kernel=None, initrd=None,
        cmdline="", firmware=recipe.disk_firmware, boot=BootPath.LOADER, family=Family.WINDOWS,
        release=recipe.release,
        kernel_release="", digest="", host_key="", channels=("agent",),
    )  # fmt: skip
    return Order(
        image=image, profile=hardware, uri="embed", accelerator=accelerator, run="image-build",
        cell=recipe.name,
        attempt=1, recording=prepared.directory, lifetime_s=lifetime_s,
        dump_disk_mib=recipe.wanted.dump_disk_mib,
    )  # fmt: skip


def preview(
    recipe: WindowsRecipe, inputs: Inputs, prepared: Prepared, places: Places, accelerator: str
) -> str:
    """The XML of the machine that Setup would be started on; starts nothing."""
    made = order(recipe, prepared, profile(recipe, inputs), accelerator=accelerator, lifetime_s=0.0)
    return SetupMachine(made, places, prepared, (inputs.windows.path, prepared.answers_iso)).xml()


def setup_xml(hardware: Hardware, discs: Sequence[Path], kernel: Kernel | None = None) -> str:
    """The cells' machine with CD drives. It boots from its disk; from the first disc while that is empty."""
    domain = ET.fromstring(domain_xml(hardware))
    system, devices = domain.find("os"), domain.find("devices")
    assert system is not None
    assert devices is not None
    disks = devices.findall("disk")
    if hardware.dump_disk is not None:
        _target(disks[1], "vdb" if kernel is None else "vdc", "virtio")
    if kernel is None:
        for boot in system.findall("boot"):
            system.remove(boot)
        ET.SubElement(disks[0], "boot", order="1")
    else:
        _stand_in(system, devices, kernel)
        if hardware.profile.disk_bus == "virtio":
            _target(disks[0], "vdd", "virtio")
    for number, path in enumerate(discs):
        disc = ET.SubElement(devices, "disk", type="file", device="cdrom")
        ET.SubElement(disc, "driver", name="qemu", type="raw")
        ET.SubElement(disc, "source", file=str(path))
        ET.SubElement(disc, "target", dev=f"sd{'efgh'[number]}", bus="sata")
        ET.SubElement(disc, "readonly")
        if number == 0 and kernel is None:
            ET.SubElement(disc, "boot", order="2")
    return ET.tostring(domain, encoding="unicode")


def _target(disk: ET.Element, device: str, bus: str) -> None:
    target = disk.find("target")
    assert target is not None
    target.set("dev", device)
    target.set("bus", bus)


def _stand_in(system: ET.Element, devices: ET.Element, kernel: Kernel) -> None:
    for boot in system.findall("boot"):
        system.remove(boot)
    for tag, text in (("kernel", kernel.kernel), ("initrd", kernel.initrd), ("cmdline", kernel.cmdline)):
        if text is not None:
            ET.SubElement(system, tag).text = str(text)
    disk = ET.Element("disk", type="file", device="disk")
    ET.SubElement(disk, "driver", name="qemu", type="qcow2", cache="unsafe")
    ET.SubElement(disk, "source", file=str(kernel.disk))
    ET.SubElement(disk, "target", dev="vda", bus="virtio")
    devices.insert(1, disk)
