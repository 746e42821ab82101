"""The host programs that image builders call, and the Debian packages that have them.

`lab doctor` shows what is missing with the command that installs it; a builder asks `require` first, so
that a build fails in its first second and not in its last.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.errors import HostError

SEARCH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
"""PATH as a user has it leaves out the directories of mke2fs and sfdisk on Debian."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A program and the Debian package that contains it."""

    name: str
    package: str

    @property
    def path(self) -> str | None:
        """Where it is on this host, or None."""
        return shutil.which(self.name, path=SEARCH)


APT = Tool("apt-get", "apt")
MMDEBSTRAP = Tool("mmdebstrap", "mmdebstrap")
MKE2FS = Tool("mke2fs", "e2fsprogs")
QEMU_IMG = Tool("qemu-img", "qemu-utils")
SSH_KEYGEN = Tool("ssh-keygen", "openssh-client")
ZSTD = Tool("zstd", "zstd")
SFDISK = Tool("sfdisk", "fdisk")
MKFS_VFAT = Tool("mkfs.vfat", "dosfstools")
MCOPY = Tool("mcopy", "mtools")
UIDMAP = Tool("newuidmap", "uidmap")


def missing(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """The tools that this host does not have, each once."""
    return tuple(tool for tool in dict.fromkeys(tools) if tool.path is None)


def install_command(tools: Sequence[Tool]) -> str:
    """The apt command that installs them."""
    return f"apt-get install {' '.join(sorted({tool.package for tool in tools}))}"


def require(tools: Iterable[Tool], what: str) -> None:
    """:raise HostError: a tool for `what` is not installed; the hint installs all that are missing."""
    absent = missing(tools)
    if absent:
        names = ", ".join(repr(tool.name) for tool in absent)
        raise HostError(f"{what} needs {names} (not on this host)", hint=install_command(absent))
