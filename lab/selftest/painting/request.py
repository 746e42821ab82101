"""What is to be painted, as one value, and the few stop codes that are known by name here."""

from __future__ import annotations

from dataclasses import dataclass

from lab.selftest.painting.canvas import Size
from lab.selftest.painting.words import LANGUAGES, Words

STOP_NAMES = {
    0x0A: "IRQL_NOT_LESS_OR_EQUAL",
    0x1A: "MEMORY_MANAGEMENT",
    0x1E: "KMODE_EXCEPTION_NOT_HANDLED",
    0x24: "NTFS_FILE_SYSTEM",
    0x3B: "SYSTEM_SERVICE_EXCEPTION",
    0x50: "PAGE_FAULT_IN_NONPAGED_AREA",
    0x74: "BAD_SYSTEM_CONFIG_INFO",
    0x7B: "INACCESSIBLE_BOOT_DEVICE",
    0x7E: "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED",
    0x7F: "UNEXPECTED_KERNEL_MODE_TRAP",
    0x80: "NMI_HARDWARE_FAILURE",
    0x9F: "DRIVER_POWER_STATE_FAILURE",
    0xC2: "BAD_POOL_CALLER",
    0xD1: "DRIVER_IRQL_NOT_LESS_OR_EQUAL",
    0xE2: "MANUALLY_INITIATED_CRASH",
    0xEF: "CRITICAL_PROCESS_DIED",
    0xF4: "CRITICAL_OBJECT_TERMINATION",
    0xF7: "DRIVER_OVERRAN_STACK_BUFFER",
    0x116: "VIDEO_TDR_FAILURE",
    0x124: "WHEA_UNCORRECTABLE_ERROR",
    0x133: "DPC_WATCHDOG_VIOLATION",
    0x139: "KERNEL_SECURITY_CHECK_FAILURE",
    0x154: "UNEXPECTED_STORE_EXCEPTION",
    0x19C: "WIN32K_POWER_WATCHDOG_TIMEOUT",
}
"""Names from the public bug check reference; the whole list is the fault catalogue's."""

PARAMETERS = (0xFFFFFFFFC0000005, 0xFFFFF80214A1C2B4, 0xFFFFD08A3F5E7488, 0xFFFFD08A3F5E6CC0)
"""Of the shape that 0x7E has on 64-bit Windows: exception, its address, two records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One screen to paint."""

    size: Size
    language: str
    code: int
    name: str
    module: str
    progress: int
    qr: bool
    parameters: tuple[int, ...]

    @property
    def words(self) -> Words:
        return LANGUAGES[self.language]

    @property
    def width(self) -> int:
        return self.size[0]

    @property
    def height(self) -> int:
        return self.size[1]


def stop_name(code: int) -> str:
    """The name a screen shows; without one, Windows shows the number itself."""
    return STOP_NAMES.get(code, f"0x{code:08X}")
