"""QEMU's text about registers, read for what a person who looks at a silent guest wants to know first.

The text is that of the human monitor's `info registers -a` (QEMU 7.2 target/i386/cpu-dump.c); it stops
no guest and works under KVM and under emulation. Refuses any other register than these three.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

QUERY = "info registers -a"
EXAMPLE = """\
CPU#0
RAX=ffffffff81a59180 RBX=0000000000000000 RCX=0000000000000000 RDX=4000000000000000
RIP=ffffffff81a592eb RFL=00000206 [-----P-] CPL=0 II=0 A20=1 SMM=0 HLT=1
"""

_CPU = re.compile(r"^CPU#(\d+)[ \t]*\r?$", re.MULTILINE)
_POINTER = re.compile(r"\b[RE]?IP=([0-9a-fA-F]{4,16})\b")
_HALTED = re.compile(r"\bHLT=([01])\b")
_LEVEL = re.compile(r"\bCPL=([0-3])\b")
_MANAGED = re.compile(r"\bSMM=1\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuState:
    """Where one virtual CPU is."""

    cpu: int
    ip: int | None
    halted: bool | None
    where: str
    """`kernel`, `user`, `firmware` (system management mode), or "" when the text does not say."""


def parse(text: str) -> tuple[CpuState, ...]:
    """The CPUs of the text in its order; what a CPU's part does not say is None. Never raises."""
    parts = _CPU.split(text)
    if len(parts) == 1 and _POINTER.search(text):
        parts = ["", "0", text]  # one CPU and no heading: `info registers` without -a
    return tuple(_state(int(number), part) for number, part in zip(parts[1::2], parts[2::2], strict=True))


def _state(cpu: int, part: str) -> CpuState:
    pointer, halted, level = _POINTER.search(part), _HALTED.search(part), _LEVEL.search(part)
    where = ""
    if _MANAGED.search(part):
        where = "firmware"
    elif level is not None:
        where = "user" if level[1] == "3" else "kernel"
    return CpuState(
        cpu=cpu,
        ip=int(pointer[1], 16) if pointer else None,
        halted=halted[1] == "1" if halted else None,
        where=where,
    )
