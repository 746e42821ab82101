"""What installers mean by their exit codes: done, done after a restart, or why not.

Sources: "MsiExec.exe and InstMsi.exe error messages", "PnPUtil return values" and "Driver Verifier" on
learn.microsoft.com. A code that no table has is a failure without words. The restart that some ask for is
made here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol


class Restart(StrEnum):
    """Whether the guest must be restarted before what was done is in force."""

    NO = "no"
    WANTED = "wanted"
    """Somebody has to: the lab does."""
    BEGUN = "begun"
    """The installer has asked Windows for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """Of one exit code."""

    name: str
    """As winerror.h has it, or ""."""
    says: str
    done: bool = False
    restart: Restart = Restart.NO


DONE = Meaning(name="ERROR_SUCCESS", says="done", done=True)
WANTS = Meaning(
    name="ERROR_SUCCESS_REBOOT_REQUIRED", says="done after a restart", done=True, restart=Restart.WANTED
)
BEGAN = Meaning(
    name="ERROR_SUCCESS_REBOOT_INITIATED", says="done, restarting", done=True, restart=Restart.BEGUN
)


def _failed(**named: tuple[int, str]) -> dict[int, Meaning]:
    return {code: Meaning(name=name, says=says) for name, (code, says) in named.items()}


PLAIN: Mapping[int, Meaning] = MappingProxyType({0: DONE})
MSI: Mapping[int, Meaning] = MappingProxyType(
    {
        0: DONE,
        3010: WANTS,
        1641: BEGAN,
        **_failed(
            ERROR_ACCESS_DENIED=(5, "access denied"),
            ERROR_INVALID_DATA=(13, "the data is invalid"),
            ERROR_INVALID_PARAMETER=(87, "a parameter is invalid"),
            ERROR_APPHELP_BLOCK=(1259, "blocked as incompatible with this Windows"),
            ERROR_INSTALL_SERVICE_FAILURE=(1601, "the Windows Installer service could not be reached"),
            ERROR_INSTALL_USEREXIT=(1602, "cancelled"),
            ERROR_INSTALL_FAILURE=(1603, "fatal error during installation; the log of /l*v says where"),
            ERROR_INSTALL_SUSPEND=(1604, "suspended, incomplete"),
            ERROR_UNKNOWN_PRODUCT=(1605, "the product is not installed"),
            ERROR_INSTALL_SOURCE_ABSENT=(1612, "the source of the installation is missing"),
            ERROR_INSTALL_PACKAGE_VERSION=(1613, "needs a newer Windows Installer"),
            ERROR_PRODUCT_UNINSTALLED=(1614, "the product is uninstalled"),
            ERROR_INSTALL_ALREADY_RUNNING=(1618, "another installation is running"),
            ERROR_INSTALL_PACKAGE_OPEN_FAILED=(1619, "the package could not be opened"),
            ERROR_INSTALL_PACKAGE_INVALID=(1620, "not a Windows Installer package"),
            ERROR_INSTALL_LOG_FAILURE=(1622, "the log could not be opened"),
            ERROR_INSTALL_LANGUAGE_UNSUPPORTED=(1623, "the language is not supported here"),
            ERROR_INSTALL_TRANSFORM_FAILURE=(1624, "a transform could not be applied"),
            ERROR_INSTALL_PACKAGE_REJECTED=(1625, "forbidden by policy"),
            ERROR_INSTALL_TEMP_UNWRITABLE=(1632, "the Temp folder is full or cannot be written"),
            ERROR_INSTALL_PLATFORM_UNSUPPORTED=(1633, "not for this processor type"),
            ERROR_PATCH_PACKAGE_INVALID=(1636, "not a patch package"),
            ERROR_PRODUCT_VERSION=(1638, "another version is installed already"),
            ERROR_INVALID_COMMAND_LINE=(1639, "the command line is invalid"),
            ERROR_PATCH_TARGET_NOT_FOUND=(1642, "what the patch is for is not installed"),
            ERROR_INSTALL_REJECTED=(1654, "will not run on this Windows"),
        ),
    }
)
PNPUTIL: Mapping[int, Meaning] = MappingProxyType(
    {
        0: DONE,
        3010: WANTS,
        1641: BEGAN,
        **_failed(
            ERROR_FILE_NOT_FOUND=(2, "no such file"),
            ERROR_ACCESS_DENIED=(5, "access denied"),
            ERROR_INVALID_PARAMETER=(87, "a parameter is invalid"),
            ERROR_NO_MORE_ITEMS=(259, "no device takes this driver, or all have a better one"),
            ERROR_NO_CATALOG_FOR_OEM_INF=(0xE000022F, "the package has no catalogue that is signed"),
            ERROR_NOT_AN_INSTALLED_OEM_INF=(0xE000023C, "no such driver package is installed"),
            ERROR_INF_IN_USE_BY_DEVICES=(0xE000023D, "a device uses it (wanted /uninstall or /force)"),
            ERROR_AUTHENTICODE_TRUST_NOT_ESTABLISHED=(0xE0000242, "the publisher is not trusted"),
        ),
    }
)
VERIFIER: Mapping[int, Meaning] = MappingProxyType(
    {
        0: DONE,
        1: Meaning(name="EXIT_CODE_ERROR", says="the settings were not changed"),
        2: Meaning(
            name="EXIT_CODE_REBOOT_NEEDED",
            says="done after a restart",
            done=True,
            restart=Restart.WANTED,
        ),
    }
)
TABLES: Mapping[str, Mapping[int, Meaning]] = MappingProxyType(
    {"plain": PLAIN, "msi": MSI, "pnputil": PNPUTIL, "verifier": VERIFIER}
)


def meaning(table: Mapping[int, Meaning], code: int) -> Meaning:
    """Of `code`, also where Windows gives it as a negative number."""
    return table.get(code & 0xFFFFFFFF) or Meaning(name="", says="")


def words(table: Mapping[int, Meaning], code: int) -> str:
    """`exit code 1603 (ERROR_INSTALL_FAILURE: fatal error ...)`."""
    found = meaning(table, code)
    told = f" ({found.name}: {found.says})" if found.says and not found.done else ""
    return f"exit code {code}{told}"


class Restartable(Protocol):
    """What of a guest a restart needs."""

    def reboot(self, wait: bool = True, timeout_s: float | None = None, *, reason: str = "") -> None: ...

    def declare_reboot(self, reason: str) -> None: ...

    def wait_rebooted(self) -> None: ...


def restart(guest: Restartable, how: Restart, what: str) -> None:
    """Restart a guest as an installer asked, expected in its recording; returns when the new boot answers."""
    if how is Restart.WANTED:
        guest.reboot(reason=f"{what} asks for a restart")
    elif how is Restart.BEGUN:
        guest.declare_reboot(f"{what} restarts the guest")
        guest.wait_rebooted()
