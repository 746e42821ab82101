"""What a Linux guest says of itself, read from the output of one command. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.guest.shell import assignments


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A guest's own account; texts it does not tell are empty, numbers are 0."""

    os: str
    """For people: `Debian GNU/Linux 12 (bookworm)`."""
    os_id: str
    os_version: str
    kernel: str
    uptime_s: float
    boot_id: str
    memory_mib: int


_UPTIME = re.compile(r"^(\d+\.\d+) \d+\.\d+$", re.MULTILINE)
_BOOT_ID = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.MULTILINE)
_MEMORY = re.compile(r"^MemTotal:\s*(\d+) kB$", re.MULTILINE)


def parse(text: str) -> Facts:
    """The facts in what `lab.guest.shell.FACTS` printed."""
    release, _mark, rest = text.partition("--lab--\n")
    named = assignments(release)
    uptime, boot_id, memory = _UPTIME.search(rest), _BOOT_ID.search(rest), _MEMORY.search(rest)
    return Facts(
        os=named.get("PRETTY_NAME") or named.get("NAME", ""),
        os_id=named.get("ID", ""),
        os_version=named.get("VERSION_ID", ""),
        kernel=rest.partition("\n")[0].strip(),
        uptime_s=float(uptime[1]) if uptime else 0.0,
        boot_id=boot_id[0] if boot_id else "",
        memory_mib=int(memory[1]) // 1024 if memory else 0,
    )
