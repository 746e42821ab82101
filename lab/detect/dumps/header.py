"""The header of a Windows crash dump: what stopped, when, on what.

Refuses to read beyond the header, and to guess: a field that Windows never wrote is None or empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lab.detect.dumps.layout import (
    HEADER32,
    HEADER64,
    INSTRUCTION_POINTER,
    KNOWN_ATTRIBUTES,
    LIVE_DUMP_ATTRIBUTE,
    MACHINES,
    REQUIRED_SPACE,
    UNSET32,
    UNSET64,
    Bytes,
    DumpError,
    HeaderLayout,
)

KERNEL64, KERNEL32 = b"PAGEDU64", b"PAGEDUMP"
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Header:
    """The fields that detection needs."""

    layout: HeaderLayout
    code: int | None
    parameters: tuple[int, ...]
    build: int
    """0 when it was not written."""
    checked: bool
    """A checked build of Windows (major version 0xC instead of 0xF)."""
    machine: str
    processors: int
    dump_type: int | None
    time: str
    """UTC, ISO 8601; "" when it was not written."""
    uptime_s: float | None
    comment: str
    takes: int
    """Bytes that the whole dump takes, 0 when it was not written or cannot be."""
    live: bool
    """The header itself says that the system went on running."""
    directory: int
    module_list: int
    exception_address: int | None
    instruction: int | None
    pae: bool


def read_header(data: Bytes) -> Header:
    """The header at the start of a file that begins with PAGEDU64 or PAGEDUMP. DumpError when it is cut."""
    layout = HEADER64 if data.take(0, 8) == KERNEL64 else HEADER32
    if data.size < layout.size:
        raise DumpError(f"the dump is cut off: {data.size} bytes of a header of {layout.size}")
    machine = MACHINES.get(data.u32(layout.machine), "")
    attributes = unless_unset(data.u32(layout.attributes)) or 0
    known = attributes & ~KNOWN_ATTRIBUTES == 0
    return Header(
        layout=layout,
        code=unless_unset(data.u32(layout.code)),
        parameters=parameters_of(data, layout),
        build=unless_unset(data.u32(layout.build)) or 0,
        checked=data.u32(layout.major) == 0xC,
        machine=machine,
        processors=unless_unset(data.u32(layout.processors)) or 0,
        dump_type=unless_unset(data.u32(layout.dump_type)),
        time=time_of(data.u64(layout.system_time)),
        uptime_s=uptime_of(data.u64(layout.up_time)),
        comment=comment_of(data.take(layout.comment, 128)),
        takes=space_of(data.u64(REQUIRED_SPACE)),
        live=known and bool(attributes & LIVE_DUMP_ATTRIBUTE),
        directory=data.word(layout.directory, layout.word) or 0,
        module_list=data.word(layout.modules, layout.word) or 0,
        exception_address=address(data, layout, layout.exception + layout.exception_address),
        instruction=address(data, layout, layout.context + INSTRUCTION_POINTER[machine])
        if machine in INSTRUCTION_POINTER
        else None,
        pae=layout.pae >= 0 and data.word(layout.pae, 1) == 1,
    )


def parameters_of(data: Bytes, layout: HeaderLayout) -> tuple[int, ...]:
    """The stop code's four parameters."""
    offsets = range(layout.parameters, layout.parameters + 4 * layout.word, layout.word)
    return tuple(data.word(offset, layout.word) or 0 for offset in offsets)


def unless_unset(value: int) -> int | None:
    """A 32-bit field, None when Windows never wrote it."""
    return None if value == UNSET32 else value


def address(data: Bytes, layout: HeaderLayout, offset: int) -> int | None:
    """A virtual address, None when it was not written or is null."""
    value = data.word(offset, layout.word)
    return None if value in (None, 0, UNSET32, UNSET64) else value


def space_of(value: int) -> int:
    """Bytes of a dump, 0 for what no dump can take."""
    return value if value != UNSET64 and value < 1 << 46 else 0


def time_of(filetime: int) -> str:
    """A FILETIME (100 ns since 1601) as UTC text, "" for what cannot be a crash's time."""
    if filetime in (0, UNSET64):
        return ""
    try:
        when = EPOCH + timedelta(microseconds=filetime // 10)
    except OverflowError:
        return ""
    return when.isoformat(timespec="seconds") if datetime(1990, 1, 1, tzinfo=UTC) < when < LATEST else ""


def uptime_of(ticks: int) -> float | None:
    """Seconds from 100 ns, None for what cannot be an uptime."""
    return None if ticks in (0, UNSET64) or ticks > 10**16 else ticks / 1e7


def comment_of(raw: bytes) -> str:
    """The dump's comment: `.dump` writes the user's words there, some hypervisors their name."""
    text = raw.split(b"\0", 1)[0].decode("ascii", "replace")
    return "" if text.startswith("PAGE") or not text.isprintable() else text.strip()
