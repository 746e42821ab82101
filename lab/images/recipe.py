"""What an image is made of, as frozen values: one type per kind, no reading and no building.

`lab.images.catalogue` makes them from images/*.yaml; a builder turns one into files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lab.images.windows.wanted import Wanted
from lab.model import BootPath, Family, Firmware


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyImage:
    """What every kind of image says of itself."""

    name: str
    source: Path
    """The YAML file it was read from, for messages."""
    summary: str
    release: str
    kernel: str
    """The kernel or build number that is expected; the exact one is known after the build."""
    min_memory_mib: int
    first_boot_resets: int = 0
    """Resets that the image makes by itself after its first start; nothing of the image depends on it."""

    @property
    def family(self) -> Family:
        return Family.LINUX

    @property
    def stand_in(self) -> bool:
        """Whether it only looks like what its family says."""
        return False

    @property
    def firmware(self) -> Firmware:
        return Firmware.BIOS

    @property
    def boot(self) -> BootPath:
        return BootPath.DIRECT


@dataclass(frozen=True, slots=True, kw_only=True)
class DebianRecipe(AnyImage):
    """A Debian release with its own kernel and systemd."""

    kind: str = "debian"
    suite: str
    suites: tuple[str, ...]
    """Every suite packages may come from, `suite` first; `*-security` is of the security archive."""
    kernel_suite: str
    """The suite that the kernel packages are taken from (`bookworm-backports`)."""
    packages: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    """Paths (`*` matches anything) that packages bring and the image does not need; not unpacked."""
    disk_mib: int
    loader: str | None = None
    """`systemd-boot`: the image boots through UEFI firmware and this loader; None: QEMU loads the kernel."""
    cmdline: str = ""
    """Added to the kernel command line that every Debian image has."""

    @property
    def firmware(self) -> Firmware:
        return Firmware.UEFI if self.loader else Firmware.BIOS

    @property
    def boot(self) -> BootPath:
        return BootPath.LOADER if self.loader else BootPath.DIRECT


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyRecipe(AnyImage):
    """A distribution's kernel with busybox and the guest agent: a guest within seconds."""

    kind: str = "tiny"
    suite: str
    suites: tuple[str, ...]
    disk_mib: int
    cmdline: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskRecipe(AnyImage):
    """A qcow2 that the user brings; checked by digest and never written to."""

    kind: str = "disk"
    path: Path
    """Absolute."""
    sha256: str
    disk_firmware: Firmware
    kernel_path: Path | None = None
    initrd_path: Path | None = None
    cmdline: str = ""
    host_key: str = ""
    user: str = "root"
    channels: tuple[str, ...] = ("agent",)
    os_family: Family = Family.LINUX
    needs_tpm: bool = False
    kernel_release: str = ""

    @property
    def family(self) -> Family:
        return self.os_family

    @property
    def firmware(self) -> Firmware:
        return self.disk_firmware

    @property
    def boot(self) -> BootPath:
        return BootPath.DIRECT if self.kernel_path else BootPath.LOADER


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsRecipe(AnyImage):
    """Windows, installed from the user's own media (lab.images.windows)."""

    kind: str = "windows"
    windows_release: str
    """Key of `lab.images.windows.releases.RELEASES`."""
    edition: str
    language: str
    keyboard: str = ""
    disk_firmware: Firmware
    secure_boot: bool = False
    needs_tpm: bool = False
    disk_mib: int
    wanted: Wanted = field(default_factory=Wanted)
    updates: tuple[Path, ...] = ()
    iso: Path | None = None
    virtio: Path | None = None
    openssh: Path | None = None

    @property
    def family(self) -> Family:
        return Family.WINDOWS

    @property
    def firmware(self) -> Firmware:
        return self.disk_firmware

    @property
    def boot(self) -> BootPath:
        return BootPath.LOADER


@dataclass(frozen=True, slots=True, kw_only=True)
class StandInRecipe(AnyImage):
    """A guest that is talked to as Windows is, and is none (lab.images.stand_in)."""

    kind: str = "stand-in"
    suite: str
    suites: tuple[str, ...]
    disk_mib: int

    @property
    def family(self) -> Family:
        return Family.WINDOWS

    @property
    def stand_in(self) -> bool:
        return True


Recipe = DebianRecipe | TinyRecipe | DiskRecipe | WindowsRecipe | StandInRecipe
