"""The Windows releases that are in support in 2026, as data: builds, requirements, what their Setup is like.

Sources: Microsoft's release information and lifecycle pages (`BUILDS`), its hardware requirements
(`NEEDS_11`, `NEEDS_10`, `NEEDS_SERVER`). What a release's *media* say of themselves differs from what it is
once installed: releases that are enablement packages carry the number of the release below them
(`media_builds`), so the build is read back from the installed guest and compared again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

BUILDS = "learn.microsoft.com/windows/release-health; /lifecycle/products"
NEEDS_11 = "learn.microsoft.com/windows/whats-new/windows-11-requirements"
NEEDS_10 = "learn.microsoft.com/windows-hardware/design/minimum/minimum-hardware-requirements-overview"
NEEDS_SERVER = "learn.microsoft.com/windows-server/get-started/hardware-requirements"
ENABLEMENT = "rufus#2424, MediaCreationTool.bat#375: install.wim tells the build below"


class Product(StrEnum):
    """What decides which components an answer file may speak to."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release of Windows."""

    key: str
    name: str
    """As Microsoft writes it."""
    product: Product
    build: int
    """`CurrentBuildNumber` of the installed system."""
    media_builds: tuple[int, ...]
    """Builds that the WIM of its media may tell; several where it is an enablement package."""
    image_words: str
    """How the names of its images in the WIM begin (`Windows 11`)."""
    display_version: str
    """`DisplayVersion` (or `ReleaseId` where there is none) in the registry; tells 24H2 from 25H2."""
    supported_until: str
    """Last day for the editions that are supported longest without extra payment, ISO 8601."""
    support: str
    """The same in words, with extended updates."""
    driver_directory: str
    """Its directory name on virtio-win media (viostor/w11/amd64)."""
    memory_mib: int
    disk_gib: int
    checks_hardware: bool = False
    """Setup refuses machines without TPM 2.0, Secure Boot, 4 GiB and a listed processor."""
    needs_network_at_oobe: bool = False
    """The first-run pages insist on a network unless told otherwise."""
    new_setup: bool = False
    """Setup of 24H2 and later, which has refused virtio-scsi drivers that an answer file names
    (virtio-win#1100): the system disk is then on SATA while Windows is being installed."""
    inbox_sshd: bool = False
    """The OpenSSH server is installed with the system; elsewhere it is a download or an MSI."""
    has_ems: bool = False
    """Special Administration Console: servers (and WinPE)."""
    sources: tuple[str, ...] = (BUILDS,)


def _client(key: str, build: int, media: tuple[int, ...], version: str, **facts: object) -> Release:
    eleven = key.startswith("win11")
    fields: dict[str, object] = {
        "key": key, "product": Product.CLIENT, "build": build, "media_builds": media,
        "image_words": "Windows 11" if eleven else "Windows 10", "display_version": version,
        "driver_directory": "w11" if eleven else "w10", "memory_mib": 4096 if eleven else 2048,
        "disk_gib": 64 if eleven else 40, "checks_hardware": eleven, "needs_network_at_oobe": eleven,
        "sources": (BUILDS, NEEDS_11 if eleven else NEEDS_10, *((ENABLEMENT,) if len(media) > 1 else ())),
    }  # fmt: skip
    return Release(**(fields | facts))  # type: ignore[arg-type]


def _server(key: str, build: int, version: str, **facts: object) -> Release:
    year = key.removeprefix("win")
    fields: dict[str, object] = {
        "key": key, "name": f"Windows Server {year}", "product": Product.SERVER, "build": build,
        "media_builds": (build,), "image_words": f"Windows Server {year}", "display_version": version,
        "driver_directory": f"2k{year[2:]}", "memory_mib": 2048, "disk_gib": 40, "has_ems": True,
        "sources": (BUILDS, NEEDS_SERVER),
    }  # fmt: skip
    return Release(**(fields | facts))  # type: ignore[arg-type]


_ALL = (
    _client(
        "win10-22h2", 19045, (19041, 19045), "22H2", name="Windows 10, version 22H2",
        supported_until="2025-10-14", support="ended 2025-10-14; extended security updates until 2028-10",
    ),
    _client(
        "win10-ltsc-2019", 17763, (17763,), "1809", name="Windows 10 Enterprise LTSC 2019",
        supported_until="2029-01-09", support="until 2029-01-09",
    ),
    _client(
        "win10-ltsc-2021", 19044, (19041, 19044), "21H2", name="Windows 10 Enterprise LTSC 2021",
        supported_until="2027-01-12", support="until 2027-01-12 (IoT Enterprise: 2032-01-13)",
    ),
    _client(
        "win11-23h2", 22631, (22621, 22631), "23H2", name="Windows 11, version 23H2",
        supported_until="2026-11-10",
        support="Enterprise and Education until 2026-11-10; Home and Pro ended 2025-11-11",
    ),
    _client(
        "win11-24h2", 26100, (26100,), "24H2", name="Windows 11, version 24H2", new_setup=True,
        supported_until="2027-10-12",
        support="Enterprise and Education until 2027-10-12; Home and Pro until 2026-10-13",
    ),
    _client(
        "win11-25h2", 26200, (26100, 26200), "25H2", name="Windows 11, version 25H2", new_setup=True,
        supported_until="2028-10-10",
        support="Enterprise and Education until 2028-10-10; Home and Pro until 2027-10-12",
    ),
    _client(
        "win11-ltsc-2024", 26100, (26100,), "24H2", name="Windows 11 Enterprise LTSC 2024", new_setup=True,
        supported_until="2029-10-09", support="until 2029-10-09 (IoT Enterprise: 2034-10-10)",
    ),
    _server(
        "win2016", 14393, "1607", supported_until="2027-01-12", support="extended support until 2027-01-12"
    ),
    _server(
        "win2019", 17763, "1809", supported_until="2029-01-09", support="extended support until 2029-01-09"
    ),
    _server(
        "win2022", 20348, "21H2", supported_until="2031-10-14",
        support="mainstream support until 2026-10-13, extended until 2031-10-14",
    ),
    _server(
        "win2025", 26100, "24H2", supported_until="2034-11-14", new_setup=True, inbox_sshd=True,
        support="mainstream support until 2029-11-13, extended until 2034-11-14",
    ),
)  # fmt: skip

RELEASES: dict[str, Release] = {one.key: one for one in _ALL}
