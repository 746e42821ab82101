"""A dump file: what it is, whether a kernel crashed in it, and the finding that follows.

Takes anything that looks like bytes, memory maps included, and keeps no reference to it. The only
exception is DumpError. Refuses to open files.
"""

from __future__ import annotations

from dataclasses import dataclass
from mmap import mmap

from lab.detect.dumps.blame import blamed_module
from lab.detect.dumps.foreign import foreign
from lab.detect.dumps.header import KERNEL32, KERNEL64, Header, read_header
from lab.detect.dumps.layout import Bytes, DumpError
from lab.detect.dumps.memory import memory_modules
from lab.detect.dumps.triage import Module, triage_modules
from lab.detect.faults import FaultClass, brief, fold
from lab.detect.windows.stop import sentence, signature
from lab.model import EvidenceRef, Finding, FindingKind

TRIAGE = 4
LIVE = "a live dump"
TYPES = {
    1: "full",
    2: "kernel",
    3: "header",
    5: "bitmap",
    6: "kernel",
    7: "kernel",
    8: "kernel",
    9: "kernel",
    10: "full",
}
"""DumpType (ntiodump.h; 8 to 10 are written by newer debuggers, named after what they hold)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dump:
    """What a dump file says."""

    format: str
    """full, kernel, bitmap, header, minidump64, minidump32, live, user-mode, elf-core, kdump, kdump-flat,
    lime, hibernation."""
    is_kernel_crash: bool
    reason: str
    """Why it is a kernel crash, or why not."""
    code: int | None = None
    """Stop code, minidump forms folded."""
    parameters: tuple[int, ...] = ()
    build: int = 0
    machine: str = ""
    """x64, x86, arm64, or "" when unknown."""
    processors: int = 0
    time: str = ""
    """When it stopped, by the guest's clock: UTC, ISO 8601."""
    uptime_s: float | None = None
    comment: str = ""
    modules: tuple[Module, ...] = ()
    """By address; () where the dump holds no list that can be reached."""
    module: str = ""
    """The module to blame, "" when the dump does not tell."""
    missing: int = 0
    """Bytes that the header promises and the file does not have: it is half written, or cut off."""

    def finding(self, *, t_s: float = 0.0, path: str = "") -> Finding | None:
        """The finding for a kernel crash, None for anything else."""
        if not self.is_kernel_crash:
            return None
        return Finding(
            kind=FindingKind.BUGCHECK,
            signature=signature(self.code, self.module),
            fatal=True,
            t_s=t_s,
            evidence=(EvidenceRef(path=path),) if path else (),
            channels=("dump",),
            module=self.module,
            detail=self.reason,
            code=self.code,
            parameters=self.parameters,
        )


def read_dump(data: bytes | bytearray | memoryview | mmap) -> Dump:
    """Read a dump file's bytes. DumpError, with the reason, when it is no dump or cut in its header."""
    with memoryview(data) as whole, whole.cast("B") as view:
        return dump_of(Bytes(view))


def dump_of(data: Bytes) -> Dump:
    """The dump in `data`."""
    start = data.take(0, 64)
    other = foreign(start)
    if other is not None:
        return Dump(format=other.format, is_kernel_crash=False, reason=other.reason)
    if start[:8] in (KERNEL64, KERNEL32):
        return kernel_dump(data, read_header(data))
    if not start:
        raise DumpError("the file is empty")
    if start[:4] == b"PAGE":
        raise DumpError("a Windows dump that was never completed: its header is not marked valid")
    raise DumpError(f"not a dump: it starts with {start[:8]!r}")


def kernel_dump(data: Bytes, header: Header) -> Dump:
    """A Windows kernel dump with a readable header."""
    kind = header.dump_type
    bits = header.layout.bits
    if kind == TRIAGE:
        modules, blamed = triage_modules(data, header.layout)
    else:
        modules, blamed = memory_modules(data, header), ""
    code = None if header.code is None else fold(header.code)
    crash = f"{sentence(code, header.parameters)}{about(header)}"
    stopped, why = is_crash(header)
    missing = 0 if kind == TRIAGE else max(0, header.takes - data.size)
    form = f"minidump{bits}" if kind == TRIAGE else TYPES.get(kind or 0, "header")
    return Dump(
        format="live" if why.startswith(LIVE) else form,
        is_kernel_crash=stopped,
        reason=crash + cut(missing, header) if stopped else why,
        missing=missing,
        code=code,
        parameters=header.parameters,
        build=header.build,
        machine=header.machine,
        processors=header.processors,
        time=header.time,
        uptime_s=header.uptime_s,
        comment=header.comment,
        modules=modules,
        module=blamed_module(header, modules, blamed) if stopped else "",
    )


def is_crash(header: Header) -> tuple[bool, str]:
    """Whether the kernel stopped, and otherwise why the dump exists."""
    if not header.code:
        return False, "the header holds no stop code"
    if header.live:
        return False, f"{LIVE}: the system went on running"
    known = brief().by_code(header.code)
    if known is not None and known.fault_class is FaultClass.LIVE_DUMP:
        return False, f"{LIVE} ({known.name}): the system went on running"
    if known is not None and known.fault_class is FaultClass.MESSAGE:
        return False, f"the code is that of a message ({known.name}), not of a stop"
    return True, ""


def cut(missing: int, header: Header) -> str:
    """For a person, of a dump that is not whole."""
    return f"; the dump lacks {missing} of {header.takes} bytes: half written or cut off" if missing else ""


def about(header: Header) -> str:
    """Build, architecture and time for a person."""
    parts = [
        f"build {header.build}" if header.build else "",
        header.machine,
        header.time and f"at {header.time}",
    ]
    told = ", ".join(part for part in parts if part)
    return f" ({told})" if told else ""
