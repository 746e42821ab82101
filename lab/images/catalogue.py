"""The image catalogue: images/*.yaml to recipes. Reads and checks; builds nothing.

The pydantic models stay in here; what leaves is `lab.images.recipe`. Relative paths in a recipe are
relative to its file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Discriminator, Field

from lab.config import located
from lab.config.spelling import spelled
from lab.config.units import Flag, MiB
from lab.errors import ConfigError, InputError
from lab.images.recipe import DebianRecipe, DiskRecipe, Recipe, StandInRecipe, TinyRecipe
from lab.images.recipe_model import AnyImageModel, beside, of_any_image
from lab.images.windows.recipe_file import WindowsModel, windows_recipe
from lab.model import Family, Firmware

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,40}")


Suite = Annotated[
    str, spelled(r"[a-z][a-z0-9-]*", "the name of a suite such as bookworm or bookworm-security")
]
Package = Annotated[str, spelled(r"[a-z0-9][a-z0-9.+-]+", "the name of a Debian package")]
PathPattern = Annotated[str, spelled(r"/[A-Za-z0-9_.+*/-]+", "an absolute path, with * for anything")]
Sha256 = Annotated[str, spelled(r"[0-9a-f]{64}", "a sha256, 64 hexadecimal digits in lower case")]


class DebianModel(AnyImageModel):
    """A Debian release, made from packages."""

    kind: Literal["debian"]
    suite: Suite = Field(description="suite of the release (bookworm)")
    also: tuple[Suite, ...] = Field(
        default=(), description="more suites (bookworm-security, bookworm-backports)"
    )
    kernel_from: Suite | None = Field(default=None, description="suite that the kernel comes from")
    packages: tuple[Package, ...] = Field(default=(), description="packages beside the lab's own")
    without: tuple[PathPattern, ...] = Field(
        default=(), description="paths of packages that are not unpacked (GPU drivers, documentation)"
    )
    disk: MiB = Field(default=2048, description="size of the disk")
    loader: Literal["systemd-boot"] | None = Field(
        default=None, description="boot through UEFI and this loader; without it QEMU loads the kernel"
    )
    cmdline: str = Field(default="", description="added to the kernel command line")


class TinyModel(AnyImageModel):
    """A kernel, busybox and the guest agent."""

    kind: Literal["tiny"]
    suite: Suite = Field(description="suite that kernel and programs come from")
    also: tuple[Suite, ...] = Field(default=(), description="more suites")
    disk: MiB = Field(default=192, description="size of the disk")
    cmdline: str = Field(default="", description="added to the kernel command line")


class StandInModel(AnyImageModel):
    """A STAND-IN for a Windows guest: a Linux that is talked to as Windows is."""

    kind: Literal["stand-in"]
    suite: Suite = Field(description="suite that kernel and programs come from")
    also: tuple[Suite, ...] = Field(default=(), description="more suites")
    disk: MiB = Field(default=64, description="size of the system disk")


class DiskModel(AnyImageModel):
    """A disk that the user brings."""

    kind: Literal["disk"]
    path: Path = Field(description="a qcow2, or a VHDX, VHD or VMDK that is converted; never written to")
    sha256: Sha256 = Field(description="digest of the file")
    firmware: Firmware = Field(default=Firmware.BIOS, description="how it boots")
    family: Family = Field(default=Family.LINUX, description="operating-system family")
    kernel_image: Path | None = Field(
        default=None, description="kernel that QEMU loads, instead of a boot loader"
    )
    initrd: Path | None = Field(default=None, description="RAM disk for kernel_image")
    cmdline: str = Field(default="", description="command line for kernel_image")
    kernel_release: str = Field(default="", description="`uname -r` of the guest, where it is known")
    channels: tuple[Literal["agent", "ssh", "winrm"], ...] = Field(
        default=("agent",), description="ways into the guest, best first"
    )
    user: str = Field(default="root", description="who logs in over ssh")
    host_key: str = Field(
        default="", description="the guest's public ssh host key, needed for the channel ssh"
    )
    needs_tpm: Flag = Field(default=False, description="whether a machine must have a TPM")


AnyModel = DebianModel | TinyModel | DiskModel | WindowsModel | StandInModel
Model = Annotated[AnyModel, Discriminator("kind")]


def load(directory: Path) -> dict[str, Recipe]:
    """Every recipe of the catalogue by name (the file's name without `.yaml`), in order of name.

    :raise ConfigError: the directory is missing, or recipes are wrong: all of them are reported.
    """
    if not directory.is_dir():
        raise ConfigError(f"image catalogue {str(directory)!r}: no such directory (wanted images/NAME.yaml)")
    recipes: dict[str, Recipe] = {}
    problems: list[str] = []
    for path in sorted(directory.glob("*.yaml")):
        try:
            recipes[path.stem] = read(path)
        except ConfigError as error:
            problems.append(error.message)
    if problems:
        raise ConfigError("\n".join(problems))
    return recipes


def read(path: Path) -> Recipe:
    """One recipe.

    :raise ConfigError: with file:line:column of every problem.
    """
    if not NAME.fullmatch(path.stem):
        raise ConfigError(
            f"{path}:1:1: image name {path.stem!r} (wanted lower-case letters, digits, '-' and '.')"
        )
    parsed: AnyModel = located.parse(Model, path)  # type: ignore[arg-type]
    return _recipe(parsed, path)


def _recipe(parsed: AnyModel, path: Path) -> Recipe:
    match parsed:
        case DebianModel():
            return _debian(parsed, path)
        case TinyModel():
            return TinyRecipe(
                **of_any_image(parsed, path), suite=parsed.suite, suites=(parsed.suite, *parsed.also),
                disk_mib=parsed.disk, cmdline=parsed.cmdline,
            )  # fmt: skip
        case DiskModel():
            return _disk(parsed, path)
        case WindowsModel():
            return windows_recipe(parsed, path)
        case StandInModel():
            return StandInRecipe(
                **of_any_image(parsed, path), suite=parsed.suite, suites=(parsed.suite, *parsed.also),
                disk_mib=parsed.disk,
            )  # fmt: skip


def _debian(parsed: DebianModel, path: Path) -> DebianRecipe:
    suites = (parsed.suite, *parsed.also)
    kernel_suite = parsed.kernel_from or parsed.suite
    if kernel_suite not in suites:
        known = ", ".join(repr(suite) for suite in suites)
        raise ConfigError(
            f"{path}:1:1: kernel_from: {kernel_suite!r} is not among the suites {known} (add it to `also`)"
        )
    return DebianRecipe(
        **of_any_image(parsed, path), suite=parsed.suite, suites=suites, kernel_suite=kernel_suite,
        packages=parsed.packages, without=parsed.without, disk_mib=parsed.disk, loader=parsed.loader,
        cmdline=parsed.cmdline,
    )  # fmt: skip


def _disk(parsed: DiskModel, path: Path) -> DiskRecipe:
    if "ssh" in parsed.channels and not parsed.host_key:
        raise ConfigError(
            f"{path}:1:1: host_key: required key is missing (the channel 'ssh' pins it)",
            hint="it is the guest's /etc/ssh/ssh_host_ed25519_key.pub",
        )
    return DiskRecipe(
        **of_any_image(parsed, path), path=beside(path, parsed.path), sha256=parsed.sha256,
        disk_firmware=parsed.firmware, kernel_path=beside(path, parsed.kernel_image),
        initrd_path=beside(path, parsed.initrd), cmdline=parsed.cmdline, host_key=parsed.host_key,
        user=parsed.user, channels=parsed.channels, os_family=parsed.family,
        needs_tpm=parsed.needs_tpm, kernel_release=parsed.kernel_release,
    )  # fmt: skip


def pick(recipes: Mapping[str, Recipe], names: Iterable[str]) -> dict[str, Recipe]:
    """The named recipes, in the order asked for.

    :raise InputError: a name is not in the catalogue; the closest one is suggested.
    """
    chosen: dict[str, Recipe] = {}
    for name in names:
        if name not in recipes:
            raise InputError(
                located.unknown("image", name, sorted(recipes)), hint="lab image list shows the catalogue"
            )
        chosen[name] = recipes[name]
    return chosen
