"""Everything a Windows build needs, checked before anything is started; each refusal names its remedy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.errors import ArtefactError, HostError
from lab.images import workshop
from lab.images.recipe import WindowsRecipe
from lab.images.windows import given, media
from lab.images.windows.editions import Edition, named
from lab.images.windows.media import VirtioMedia, WindowsMedia
from lab.images.windows.releases import RELEASES, Release
from lab.images.windows.wim import WimImage
from lab.machine import windows as hardware
from lab.machine.machine import OVMF_CODE, OVMF_VARS
from lab.model import Firmware

MIB = 1 << 20
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How an MSI begins: an OLE compound file."""
CABINET, ZIPPED = b"MSCF", b"PK"
"""How an .msu begins: a cabinet; those of some cumulative updates since 2025 are WIM files."""
SPARE_MIB = 6144
"""Page file, updates and setup logs beside the files of the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Checked inputs of one build."""

    release: Release
    edition: Edition
    windows: WindowsMedia
    image: WimImage
    virtio: VirtioMedia
    openssh: Path | None
    updates: tuple[Path, ...]

    @property
    def ssh(self) -> bool:
        """Whether the guest gets an SSH server."""
        return self.openssh is not None or self.release.inbox_sshd


def check(
    recipe: WindowsRecipe,
    room: Path,
    *,
    program: Callable[[str], str | None] = shutil.which,
    present: Callable[[Path], bool] = Path.is_file,
) -> Inputs:
    """All inputs of the recipe; `room` is the directory that the build happens in.

    :raise ArtefactError: a file of the user's is missing or is not what it should be.
    :raise HostError: this machine has no firmware or TPM emulator for it.
    :raise BuildError: there is too little room.
    """
    release = RELEASES[recipe.windows_release]
    edition = named(release, given.checked(recipe).edition)
    reason, hint = given.missing(recipe)
    if reason or recipe.iso is None or recipe.virtio is None or edition is None:
        raise ArtefactError(f"image {recipe.name!r}: {reason}", hint=hint)
    check_host(recipe, program=program, present=present)
    windows = media.windows(recipe.iso, release)
    image = media.choose(windows, release, edition, recipe.language)
    _check_boots(windows, recipe)
    virtio = media.virtio(recipe.virtio, release)
    _check_parts(recipe)
    workshop.check_room(room, room_mib(recipe, image), recipe.name)
    return Inputs(
        release=release, edition=edition, windows=windows, image=image, virtio=virtio,
        openssh=recipe.openssh, updates=recipe.updates,
    )  # fmt: skip


def room_mib(recipe: WindowsRecipe, image: WimImage) -> int:
    """What the build writes at its peak: the system twice (installed, then copied compactly), and updates."""
    installed = max(image.size // MIB, 8 * 1024) + SPARE_MIB
    updates = sum(path.stat().st_size // MIB for path in recipe.updates if path.is_file())
    return 2 * min(installed + 2 * updates, recipe.disk_mib) + updates


def check_host(
    recipe: WindowsRecipe, *, program: Callable[[str], str | None], present: Callable[[Path], bool]
) -> None:
    """:raise HostError: the firmware or the TPM emulator that the image is installed with is not there."""
    what = f"image {recipe.name!r}"
    if recipe.disk_firmware is Firmware.UEFI:
        files = (hardware.SECURE_CODE, hardware.SECURE_VARS) if recipe.secure_boot else (OVMF_CODE, OVMF_VARS)
        absent = [path for path in files if not present(path)]
        if absent:
            kind = "UEFI firmware with Secure Boot" if recipe.secure_boot else "UEFI firmware"
            raise HostError(f"{what}: {kind} is missing: {absent[0]}", hint="apt-get install ovmf")
    if recipe.needs_tpm and not all(program(name) for name in ("swtpm", "swtpm_setup")):
        raise HostError(
            f"{what}: is installed with a TPM 2.0, and swtpm is not on this host",
            hint="apt-get install swtpm swtpm-tools",
        )


def _check_boots(windows: WindowsMedia, recipe: WindowsRecipe) -> None:
    boots = windows.boots_uefi if recipe.disk_firmware is Firmware.UEFI else windows.boots_bios
    if not boots:
        raise ArtefactError(
            f"{windows.path}: does not boot with {recipe.disk_firmware} firmware (no El Torito entry for it)",
            hint="use the ISO as Microsoft publishes it, not one that was packed again",
        )


def _check_parts(recipe: WindowsRecipe) -> None:
    """The other files are what their names say."""
    if recipe.openssh is not None and not _begins(recipe.openssh, OLE):
        raise ArtefactError(
            f"{recipe.openssh}: no MSI file",
            hint="OpenSSH-Win64-*.msi of github.com/PowerShell/Win32-OpenSSH",
        )
    for path in recipe.updates:
        if path.suffix.lower() != ".msu" or not any(
            _begins(path, one) for one in (CABINET, b"MSWIM", ZIPPED)
        ):
            raise ArtefactError(
                f"{path}: no update of Windows (wanted an .msu)", hint="catalog.update.microsoft.com has them"
            )


def _begins(path: Path, magic: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(magic)) == magic
