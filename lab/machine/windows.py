"""What a Windows guest's machine has beside the others: enlightenments, Secure Boot, tablet, display.

Pure, like `lab.machine.xml`, whose element tree it adds to. Nothing here touches a Linux machine.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from lab.model import Profile

SECURE_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.ms.fd")
SECURE_VARS = Path("/usr/share/OVMF/OVMF_VARS_4M.ms.fd")
"""Debian's OVMF with Secure Boot: firmware that needs SMM, and Microsoft's keys enrolled."""
ENLIGHTENMENTS = (
    "relaxed", "vapic", "vpindex", "runtime", "synic", "stimer", "reset", "frequencies", "tlbflush", "ipi",
)  # fmt: skip
"""Of QEMU's docs/system/i386/hyperv.rst; without `relaxed` a busy host makes Windows stop with 0x101."""
WINRM_PORT = 5986
"""WS-Management over HTTPS."""
SPINLOCK_RETRIES = 8191
"""virt-manager's and virtio-win's usual value."""


def features(parent: ET.Element, profile: Profile, accelerator: str) -> None:
    """Hyper-V enlightenments, which only KVM gives, and SMM for Secure Boot.

    The crash registers (`<panic model='hyperv'>`) are a device of their own to libvirt. Through vmcoreinfo
    the virtio-win fwcfg driver hands QEMU the header of a memory dump in Windows' format.
    """
    if accelerator == "kvm":
        hyperv = ET.SubElement(parent, "hyperv", mode="custom")
        for name in ENLIGHTENMENTS:
            ET.SubElement(hyperv, name, state="on")
        ET.SubElement(hyperv, "spinlocks", state="on", retries=str(SPINLOCK_RETRIES))
    ET.SubElement(parent, "vmcoreinfo", state="on")
    secure_features(parent, profile)


def secure_features(parent: ET.Element, profile: Profile) -> None:
    """System management mode keeps the firmware's variables from the guest (libvirt: `secure='yes'`)."""
    if profile.secure_boot:
        ET.SubElement(parent, "smm", state="on")


def timers(clock: ET.Element, accelerator: str) -> None:
    """Clocks as Windows wants them: missed ticks are caught up, and there is no HPET."""
    ET.SubElement(clock, "timer", name="rtc", tickpolicy="catchup")
    ET.SubElement(clock, "timer", name="pit", tickpolicy="delay")
    ET.SubElement(clock, "timer", name="hpet", present="no")
    if accelerator == "kvm":
        ET.SubElement(clock, "timer", name="hypervclock", present="yes")


def devices(parent: ET.Element) -> None:
    """A pointer that knows where it is, and the ISA panic device beside the Hyper-V one: the one that the
    guest has a driver for speaks."""
    ET.SubElement(parent, "controller", type="usb", model="qemu-xhci")
    ET.SubElement(parent, "input", type="tablet", bus="usb")
    ET.SubElement(parent, "panic", model="isa")
