"""The catalogue of patterns, by family. Data only; see docs/detecting-linux.md for how to add one."""

from lab.detect.linux.patterns.booting import (
    BOOT,
    BOOT_FAILURES,
    BOOT_HOT,
    FIRMWARE_LOOP,
    FIRST_STAGE,
    FIRST_STAGE_HOT,
    GOODBYE,
    GOODBYE_HOT,
    HANDED_OVER,
    REBOOT,
)
from lab.detect.linux.patterns.bugs import BUGS
from lab.detect.linux.patterns.locking import LOCKING
from lab.detect.linux.patterns.memory import MEMORY
from lab.detect.linux.patterns.oopses import OOPSES
from lab.detect.linux.patterns.panics import PANICS, SECONDARY, TRUNCATED
from lab.detect.linux.patterns.pattern import Blame, Pattern, Role
from lab.detect.linux.patterns.sanitizers import SANITIZERS
from lab.detect.linux.patterns.stalls import STALLS
from lab.detect.linux.patterns.warnings import WARNINGS

PATTERNS: tuple[Pattern, ...] = (
    *PANICS,
    *SANITIZERS,
    *OOPSES,
    *STALLS,
    *LOCKING,
    *WARNINGS,
    *BUGS,
    *MEMORY,
    *BOOT_FAILURES,
)
"""In the order in which they are tried: the first that matches a line names it."""

__all__ = [
    "BOOT",
    "BOOT_HOT",
    "FIRMWARE_LOOP",
    "FIRST_STAGE",
    "FIRST_STAGE_HOT",
    "GOODBYE",
    "GOODBYE_HOT",
    "HANDED_OVER",
    "PATTERNS",
    "REBOOT",
    "SECONDARY",
    "TRUNCATED",
    "Blame",
    "Pattern",
    "Role",
]
