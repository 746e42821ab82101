"""Which module a kernel dump points at.

In this order: the driver that Windows itself named, the module at the address that the stop's
parameters give as the instruction, at the exception's address, at the saved instruction pointer.
The kernel and the HAL are blamed only for an instruction that a parameter names: they are on every
stack. Refuses to search stacks for old addresses.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.detect.dumps.header import Header
from lab.detect.dumps.triage import Module
from lab.detect.faults import fold

INSTRUCTION_PARAMETER: dict[int, int] = {
    0x0A: 4,
    0x1E: 2,
    0x3B: 2,
    0x50: 3,
    0x7E: 2,
    0x8E: 2,
    0xC5: 4,
    0xCC: 3,
    0xCD: 3,
    0xCE: 3,
    0xD0: 4,
    0xD1: 4,
    0xD3: 4,
    0xD5: 3,
    0xD6: 3,
    0x116: 2,
}
"""Which parameter of a stop (from 1) is an address inside the code that did it (bug check reference)."""
CORE = frozenset(
    (
        "ntoskrnl.exe",
        "ntkrnlmp.exe",
        "ntkrnlpa.exe",
        "ntkrpamp.exe",
        "ntkrla57.exe",
        "nt",
        "hal.dll",
        "halacpi.dll",
        "halmacpi.dll",
    )
)


def blamed_module(header: Header, modules: Sequence[Module], named: str) -> str:
    """The name of the module to blame, "" when none can be named. `named`: by Windows itself."""
    if named and named not in CORE:
        return named
    place = INSTRUCTION_PARAMETER.get(fold(header.code or 0), 0)
    told = header.parameters[place - 1] if 0 < place <= len(header.parameters) else None
    owners = [owner(modules, address) for address in (told, header.exception_address, header.instruction)]
    for name in owners:
        if name and name not in CORE:
            return name
    return owners[0] or owners[1] or named


def owner(modules: Sequence[Module], address: int | None) -> str:
    """The module that holds an address, "" for none."""
    if address is None:
        return ""
    return next((module.name for module in modules if module.holds(address)), "")
