"""What a frozen guest depends on. A template whose key differs in anything is not run, but made again.

Device state is a dump of QEMU's own structures: another QEMU, machine type or CPU model may read
it wrongly without noticing. Refuses to look at files.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields

from lab.model import Profile

FORMAT = 2
"""Of the template's directory and of how it is frozen; another one is another key."""
SHORT = 12
"""Digits of the digest in a directory name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateKey:
    """The identity of a template."""

    image: str
    image_digest: str
    profile: Profile
    accelerator: str
    qemu: str
    libvirt: str
    hardware: str
    """Digest of the domain XML without names and paths: CPU model, devices, kernel arguments."""
    host_cpu: str = ""
    """Model and microcode of the host's CPU where the guest sees it (KVM), "" under emulation."""
    warm: str = ""
    """The agent that was installed before freezing (`demo-sensor 1.0/289`), or ""."""
    dump_disk_mib: int = 0
    """Size of the disk for the guest's own dump, 0 for none."""
    format: int = FORMAT

    @property
    def digest(self) -> str:
        """sha256 over all fields."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, default=str).encode()).hexdigest()

    @property
    def directory(self) -> str:
        """The name of its directory below the image's."""
        return self.digest[:SHORT]

    def differences(self, other: TemplateKey) -> tuple[str, ...]:
        """Why `other` cannot stand for this one: `qemu 7.2.0 (wanted 8.2.2)`."""
        return tuple(
            f"{field.name.replace('_', ' ')} {_short(getattr(other, field.name))}"
            f" (wanted {_short(getattr(self, field.name))})"
            for field in fields(self)
            if getattr(other, field.name) != getattr(self, field.name)
        )


def _short(value: object) -> str:
    if isinstance(value, Profile):
        return f"{value.name} {value.vcpus} vCPU {value.memory_mib} MiB"
    text = str(value)
    return f"{text[:SHORT]}…" if len(text) == 64 else text or "none"
