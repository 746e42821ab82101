"""What a Windows image is to be like: the variants a recipe can ask for, as values with their presets."""

from __future__ import annotations

from dataclasses import dataclass

DUMP_TYPES = {"none": 0, "complete": 1, "kernel": 2, "small": 3, "automatic": 7, "active": 1}
"""CrashDumpEnabled; `active` is a complete dump with FilterPages."""


@dataclass(frozen=True, slots=True)
class VerifierPreset:
    """A set of Driver Verifier checks: bits of VerifyDriverLevel."""

    name: str
    flags: int
    """Sum of the documented bits (windows-driver-docs, "Driver Verifier command syntax")."""
    summary: str


SPECIAL_POOL, FORCE_IRQL, POOL_TRACKING, IO, DEADLOCK = 0x1, 0x2, 0x8, 0x10, 0x20
DMA, SECURITY, MISC, DDI, LOW_RESOURCES = 0x80, 0x100, 0x800, 0x20000, 0x4
_STANDARD = SPECIAL_POOL | FORCE_IRQL | POOL_TRACKING | IO | DEADLOCK | DMA | SECURITY | MISC | DDI
VERIFIER: dict[str, VerifierPreset] = {
    one.name: one
    for one in (
        VerifierPreset("off", 0, "no verification"),
        VerifierPreset("standard", _STANDARD, "the standard settings of verifier /standard"),
        VerifierPreset("low-resources", _STANDARD | LOW_RESOURCES, "and allocations fail at random"),
        VerifierPreset("pool", SPECIAL_POOL | POOL_TRACKING, "memory errors only; cheap"),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The variant of an image. Everything a recipe leaves open has the quiet, well-watched default."""

    updates: bool = False
    """Windows Update works by itself."""
    sample_submission: bool = False
    """Defender may send samples and ask its cloud."""
    auto_reboot: bool = True
    dump: str = "kernel"
    dump_disk_mib: int = 4096
    """Size of the disk for dumps; 0: dumps go to the system disk."""
    pagefile_mib: int = 0
    """0: Windows decides."""
    ems: bool = True
    """Special Administration Console on COM1 where the release has it."""
    clock: str = "localtime"
    """What the machine's clock shows: `localtime` or `utc`."""
    time_sync: bool = False
    time_zone: str = "UTC"
    verifier: str = "off"
    verifier_drivers: str = "*"
    """Names with blanks between, or `*`: all drivers that are not Microsoft's boot drivers."""
    generalize: bool = False
    """Sysprep at the end: the next start is a first start, with a new identity."""

    @property
    def verifier_preset(self) -> VerifierPreset:
        return VERIFIER[self.verifier]

    @property
    def dump_file_mib(self) -> int:
        """The dedicated dump file: what the dump disk holds, less its file system's own."""
        return max(64, self.dump_disk_mib - max(32, self.dump_disk_mib // 50))
