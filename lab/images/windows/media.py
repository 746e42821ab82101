"""What the user's media are: which Windows, editions, languages; which virtio-win, with which drivers.

Reads, compares with what a recipe wants, and refuses with the remedy. Starts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.errors import ArtefactError
from lab.images.windows import disc, wim
from lab.images.windows.editions import CORE, Edition, editions, is_evaluation
from lab.images.windows.releases import Release
from lab.images.windows.wim import WimImage

INSTALL_FILES = ("sources/install.wim", "sources/install.esd")
SPLIT = "sources/install.swm"
VIRTIO_WIN = "https://fedorapeople.org/groups/virt/virtio-win/direct-downloads/"
GUEST_AGENT = "guest-agent/qemu-ga-x86_64.msi"
DRIVERS = ("viostor", "vioscsi", "NetKVM", "vioserial", "viorng", "Balloon", "pvpanic")
"""virtio-win's directories. Balloon, viorng and pvpanic are taken where they are there."""
NEEDED_DRIVERS = ("viostor", "NetKVM", "vioserial")
"""Disk, network, and the port of the guest agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsMedia:
    """Installation media, recognised."""

    path: Path
    label: str
    install_file: str
    """`sources/install.wim` or `.esd`."""
    images: tuple[WimImage, ...]
    boots_uefi: bool
    boots_bios: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtioMedia:
    """virtio-win media."""

    path: Path
    label: str
    drivers: tuple[str, ...]
    """Directories of drivers for the release, `viostor/w11/amd64`, in the order of `DRIVERS`."""


def windows(path: Path, release: Release) -> WindowsMedia:
    """The installation media at `path`, of any release.

    :raise ArtefactError: no ISO, or nothing of Windows on it.
    """
    with disc.opened(path, f"the ISO of {release.name}") as opened:
        found = next((name for name in INSTALL_FILES if opened.has(name)), None)
        if found is None:
            raise ArtefactError(
                f"{path}: {_not_windows(opened)} (wanted the ISO of {release.name})", hint=_get(release)
            )
        try:
            with opened.open(found) as stream:
                read = wim.read(stream)
        except wim.NotAWim as error:
            raise ArtefactError(f"{path}: {found} is damaged: {error}", hint=_get(release)) from error
        boots = opened.boots
        return WindowsMedia(
            path=path, label=opened.label, install_file=found, images=read.images,
            boots_uefi=disc.EFI in boots, boots_bios=disc.BIOS in boots,
        )  # fmt: skip


def _not_windows(opened: disc.Disc) -> str:
    if opened.has(SPLIT):
        return f"has a split {SPLIT}, which Setup takes and the lab does not"
    if all(opened.has(name) for name in NEEDED_DRIVERS):
        return "virtio-win media, not Windows"
    files = ", ".join(opened.entries()[:6]) or "nothing"
    neither = " nor ".join(INSTALL_FILES)
    return f"no installation media of Windows: has neither {neither} (label {opened.label!r}, holds {files})"


def _get(release: Release) -> str:
    return f"lab image build {release.key} --iso FILE with the ISO of {release.name} (64-bit)"


def choose(media: WindowsMedia, release: Release, edition: Edition, language: str) -> WimImage:
    """The image on the media that a recipe means.

    :raise ArtefactError: the media are of another release, architecture, edition or language.
    """
    ours = [one for one in media.images if one.architecture == "amd64"]
    if not ours:
        kinds = ", ".join(sorted({one.architecture for one in media.images})) or "no image at all"
        raise ArtefactError(f"{media.path}: for {kinds} (wanted amd64)", hint=_get(release))
    of_release = [one for one in ours if _is_of(one, release)]
    if not of_release:
        shown = "; ".join(dict.fromkeys(f"{one.display_name}, build {one.build}" for one in ours))
        wanted = " or ".join(map(str, release.media_builds))
        raise ArtefactError(
            f"{media.path}: holds {shown} (wanted {release.name}, build {wanted})", hint=_get(release)
        )
    fitting = [
        one
        for one in of_release
        if one.edition_id in edition.ids and (one.installation == CORE) == edition.core
    ]
    if not fitting:
        there = ", ".join(
            repr(name) for name in dict.fromkeys(_edition_name(one, release) for one in of_release)
        )
        raise ArtefactError(
            f"{media.path}: has no edition {edition.name!r} (it has {there})",
            hint=f"lab image build {release.key} --edition NAME with one of them, or other media",
        )
    spoken = [one for one in fitting if not one.languages or language in one.languages]
    if not spoken:
        there = ", ".join(dict.fromkeys(name for one in fitting for name in one.languages))
        raise ArtefactError(
            f"{media.path}: language {language!r} is not on it (it has {there})",
            hint=f"lab image build {release.key} --language {there.split(', ')[0]}, or other media",
        )
    return spoken[0]


def _is_of(image: WimImage, release: Release) -> bool:
    words = release.image_words.casefold()
    named = image.name.casefold().startswith(words) or image.display_name.casefold().startswith(words)
    return image.build in release.media_builds and named


def _edition_name(image: WimImage, release: Release) -> str:
    for one in editions(release.product):
        if image.edition_id in one.ids and one.core == (image.installation == CORE):
            return f"{one.name} (evaluation)" if is_evaluation(image.edition_id) else one.name
    return image.display_name


def virtio(path: Path, release: Release) -> VirtioMedia:
    """virtio-win media, with drivers for the release.

    :raise ArtefactError: no ISO, other media, or without the drivers or the guest agent.
    """
    hint = f"virtio-win.iso of {VIRTIO_WIN} (0.1.248 or later has all releases), given with --virtio FILE"
    with disc.opened(path, "virtio-win media") as opened:
        if any(opened.has(name) for name in INSTALL_FILES):
            raise ArtefactError(f"{path}: installation media of Windows (wanted virtio-win media)", hint=hint)
        where = {name: f"{name}/{release.driver_directory}/amd64" for name in DRIVERS}
        there = {name: way for name, way in where.items() if opened.has(f"{way}/{_inf(name)}")}
        missing = [name for name in NEEDED_DRIVERS if name not in there]
        if missing:
            raise ArtefactError(
                f"{path}: no driver {', '.join(missing)} for {release.name} "
                f"(wanted {where[missing[0]]!r}; label {opened.label!r})",
                hint=hint,
            )
        if not opened.has(GUEST_AGENT):
            raise ArtefactError(f"{path}: has no {GUEST_AGENT} (the QEMU guest agent)", hint=hint)
        return VirtioMedia(path=path, label=opened.label, drivers=tuple(there.values()))


def _inf(name: str) -> str:
    """The driver's INF file, named after its directory but for these."""
    return {"vioserial": "vioser.inf", "NetKVM": "netkvm.inf", "Balloon": "balloon.inf"}.get(
        name, f"{name}.inf"
    )
