"""The one interface of image builders; a recipe's `kind` chooses one.

Another kind of image is a type in `lab.images.recipe`, a model in `lab.images.catalogue`, a builder here
and its line in `lab.images.builders.table`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lab.images.keys import KeyPair
from lab.images.progress import Progress
from lab.images.tools import Tool
from lab.places import Places


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a builder works with."""

    scratch: Path
    """Its own directory, removed afterwards; `scratch/draft` becomes the image's directory."""
    draft: Path
    keys: KeyPair
    places: Places
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a builder knows of the files that it left in `Job.draft`."""

    release: str
    kernel_release: str
    kernel_build: str
    cmdline: str
    host_key: str
    channels: tuple[str, ...] = ("agent", "ssh")
    user: str = "root"
    packages: dict[str, str] = field(default_factory=dict)
    suites: tuple[str, ...] = ()
    sdk: str = ""
    notes: tuple[str, ...] = ()
    expires: str = ""
    """Last day on which the guest works (evaluation media), ISO 8601, or ""."""
    winrm_thumbprint: str = ""
    """SHA-1 of the certificate of the guest's WinRM listener, to pin, or ""."""


class Builder(Protocol):
    """Turns one kind of recipe into the files of an image."""

    @property
    def version(self) -> int:
        """Part of every recipe digest of this kind: raised when the builder makes something else."""
        ...

    @property
    def needs(self) -> tuple[Tool, ...]:
        """Host programs without which it cannot work."""
        ...

    @property
    def room_mib(self) -> int:
        """Room on the cache's file system that a build takes at its peak."""
        ...

    def build(self, recipe: Any, job: Job) -> Made:
        """Leave disk.qcow2 and, where QEMU loads the kernel, vmlinuz and initrd in `job.draft`.

        :raise LabError: the image could not be made; the caller removes what is there.
        """
        ...
