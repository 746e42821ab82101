"""images/NAME.yaml of `kind: windows`: what may be written, and the recipe it makes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from lab.config import located
from lab.config.units import Flag, MiB
from lab.errors import ConfigError, InputError
from lab.images.recipe import WindowsRecipe
from lab.images.recipe_model import AnyImageModel, beside
from lab.images.windows import languages
from lab.images.windows.editions import editions, named
from lab.images.windows.releases import RELEASES
from lab.images.windows.wanted import Wanted
from lab.model import Firmware

Dump = Literal["none", "complete", "kernel", "small", "automatic", "active"]
Verifier = Literal["off", "standard", "low-resources", "pool"]


class WantedModel(located.Model):
    """The variant; everything has the quiet, well-watched default."""

    updates: Flag = Field(default=False, description="Windows Update works by itself")
    sample_submission: Flag = Field(default=False, description="Defender may send samples")
    auto_reboot: Flag = Field(default=True, description="a stop restarts the guest")
    dump: Dump = Field(default="kernel", description="type of crash dump")
    dump_disk: MiB | Literal["none"] = Field(
        default=4096, description="size of the disk for dumps, or `none`"
    )
    pagefile: MiB | None = Field(default=None, description="size of the page file; Windows decides without")
    ems: Flag = Field(default=True, description="Special Administration Console on COM1, where there is one")
    clock: Literal["localtime", "utc"] = Field(
        default="localtime", description="what the machine's clock shows"
    )
    time_sync: Flag = Field(default=False, description="Windows sets its clock from the network")
    time_zone: str = Field(default="UTC", description="as Windows names it: `W. Europe Standard Time`")
    verifier: Verifier = Field(default="off", description="Driver Verifier from the first start on")
    verifier_drivers: str = Field(default="*", description="the drivers it verifies, blanks between")
    generalize: Flag = Field(
        default=False, description="sysprep at the end: each guest gets an identity of its own"
    )


class WindowsModel(AnyImageModel):
    """Windows, installed from media of yours."""

    kind: Literal["windows"]
    os: str = Field(description="the release: `win11-24h2`, `win2025`, ...")
    edition: str = Field(description="`Enterprise`, `Pro`, `Standard`, `Datacenter Core`, ...")
    language: str = Field(default="en-US", description="language of the media")
    keyboard: str = Field(default="", description="`LCID:layout`; that of the language without")
    firmware: Firmware = Field(default=Firmware.UEFI, description="how the guest boots")
    secure_boot: Flag = Field(default=False, description="whether it is installed under Secure Boot")
    needs_tpm: Flag = Field(default=False, description="whether it is installed with a TPM, and needs one")
    disk: MiB = Field(description="size of the system disk")
    variant: WantedModel = Field(default=WantedModel(), description="what is on and what is off in it")
    iso: Path | None = Field(
        default=None, description="installation media; also --iso, or media: in lab.yaml"
    )
    virtio: Path | None = Field(default=None, description="virtio-win media; also --virtio")
    openssh: Path | None = Field(default=None, description="MSI of OpenSSH for Windows; also --openssh")
    updates: tuple[Path, ...] = Field(default=(), description="updates (.msu) to install, in this order")


def windows_recipe(parsed: WindowsModel, path: Path) -> WindowsRecipe:
    """:raise ConfigError: a release or edition that there is not, or firmware that does not go together."""
    release = RELEASES.get(parsed.os)
    if release is None:
        raise ConfigError(f"{path}:1:1: os: {located.unknown('release', parsed.os, sorted(RELEASES))}")
    if named(release, parsed.edition) is None:
        there = [one.name for one in editions(release.product)]
        raise ConfigError(f"{path}:1:1: edition: {located.unknown('edition', parsed.edition, there)}")
    if parsed.secure_boot and parsed.firmware is not Firmware.UEFI:
        raise ConfigError(
            f"{path}:1:1: secure_boot: firmware is {parsed.firmware} (Secure Boot is part of UEFI)"
        )
    try:
        languages.keyboard(parsed.language, parsed.keyboard)
    except InputError as error:
        raise ConfigError(f"{path}:1:1: {error.message}", hint=error.hint) from error
    return WindowsRecipe(
        name=path.stem, source=path, summary=parsed.summary, release=parsed.release,
        kernel=parsed.kernel or str(release.build), min_memory_mib=max(parsed.min_memory, release.memory_mib),
        first_boot_resets=parsed.first_boot_resets, windows_release=release.key, edition=parsed.edition,
        language=parsed.language, keyboard=parsed.keyboard, disk_firmware=parsed.firmware,
        secure_boot=parsed.secure_boot, needs_tpm=parsed.needs_tpm, disk_mib=parsed.disk,
        wanted=wanted(parsed.variant), iso=beside(path, parsed.iso), virtio=beside(path, parsed.virtio),
        openssh=beside(path, parsed.openssh),
        updates=tuple(beside(path, given) for given in parsed.updates),
    )  # fmt: skip


def wanted(model: WantedModel) -> Wanted:
    """The variant as a value."""
    fields = model.model_dump()
    dump_disk, pagefile = fields.pop("dump_disk"), fields.pop("pagefile")
    return Wanted(**fields, dump_disk_mib=0 if dump_disk == "none" else dump_disk, pagefile_mib=pagefile or 0)
