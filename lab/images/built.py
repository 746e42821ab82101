"""An image that exists: where its files are, how it boots, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lab.model import BootPath, Family, Firmware

PROVENANCE = "provenance.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """What starting and reaching a guest of this image needs. Its files are never written to."""

    name: str
    directory: Path
    disk: Path
    """The qcow2 that attempts put their overlays on."""
    kernel: Path | None
    """For QEMU's `-kernel`; None where the image boots through its own loader."""
    initrd: Path | None
    cmdline: str
    firmware: Firmware
    boot: BootPath
    family: Family
    release: str
    kernel_release: str
    """`uname -r` of the guest, or "" where the lab does not know it."""
    digest: str
    """sha256 over the digests of its files: the identity of the image in recordings and reports."""
    host_key: str
    """The guest's public SSH host key line to pin, or ""."""
    user: str = "root"
    channels: tuple[str, ...] = ("agent", "ssh")
    sdk: Path | None = None
    """Tarball of a chroot that builds modules for exactly this kernel (lab.images.sdk)."""
    min_memory_mib: int = 256
    winrm_thumbprint: str = ""
    """SHA-1 of the certificate of the guest's WinRM listener, to pin, or ""."""
    stand_in: bool = False
    """It only looks like what `family` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """provenance.json: how an image came to be, and the digests that prove it is whole."""

    schema: int = 1
    name: str
    kind: str
    recipe_digest: str
    """sha256 of the recipe, the builder's version and the lab's public key."""
    lab: str
    """Version of the lab that built it."""
    built: str
    """UTC, ISO 8601."""
    build_s: float
    digest: str
    """sha256 over `files`."""
    files: dict[str, str]
    """File name -> sha256."""
    sizes: dict[str, int]
    """File name -> bytes; a cheap check before each run."""
    release: str
    kernel_release: str
    kernel_build: str
    """The kernel's own version line (`#1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2025-...)`)."""
    cmdline: str
    firmware: Firmware
    boot: BootPath
    family: Family = Family.LINUX
    channels: tuple[str, ...] = ("agent", "ssh")
    user: str = "root"
    host_key: str = ""
    suites: tuple[str, ...] = ()
    packages: dict[str, str] = field(default_factory=dict)
    """Package -> version of everything in the guest."""
    sdk: str = ""
    """The SDK's directory name in the cache, or ""."""
    min_memory_mib: int = 256
    notes: tuple[str, ...] = ()
    """What differed from the recipe on this machine (a suite without an archive here)."""
    expires: str = ""
    """Last day on which the guest works (evaluation media), ISO 8601, or ""."""
    winrm_thumbprint: str = ""
    stand_in: bool = False


def to_image(provenance: Provenance, directory: Path, *, sdk: Path | None) -> BuiltImage:
    """The image in `directory`, as its provenance describes it."""
    kernel, initrd = directory / "vmlinuz", directory / "initrd"
    return BuiltImage(
        name=provenance.name,
        directory=directory,
        disk=directory / "disk.qcow2",
        kernel=kernel if "vmlinuz" in provenance.files else None,
        initrd=initrd if "initrd" in provenance.files else None,
        cmdline=provenance.cmdline,
        firmware=provenance.firmware,
        boot=provenance.boot,
        family=provenance.family,
        release=provenance.release,
        kernel_release=provenance.kernel_release,
        digest=provenance.digest,
        host_key=provenance.host_key,
        user=provenance.user,
        channels=provenance.channels,
        sdk=sdk,
        min_memory_mib=provenance.min_memory_mib,
        winrm_thumbprint=provenance.winrm_thumbprint,
        stand_in=provenance.stand_in,
    )
