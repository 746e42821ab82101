"""Text by which a boot shows on a serial console: firmware, boot loader, kernel banner, panic, restart.

Finds the few lines that matter in much text that does not: a plain search for each anchor costs about
0.3 ns per byte (CPython's two-way search), an alternation of them in `re` 4 ns. So only texts that come
once in each boot are here, not everything that is printed on the way. Refuses to count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from lab.detect.lines import Block, line_start


class Sign(StrEnum):
    """What a line of the console says about the boot."""

    FIRMWARE = "firmware"
    KERNEL = "kernel"
    PANIC = "panic"
    RESTART = "restart"
    """The kernel restarts or switches off because it was told to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One text. `word` is searched as bytes; `start` must then match the undecorated line's beginning."""

    sign: Sign
    word: bytes
    start: re.Pattern[str]
    example: str
    source: str


def _anchor(sign: Sign, word: str, start: str, example: str, source: str) -> Anchor:
    pattern = re.compile(start, re.ASCII)
    return Anchor(sign=sign, word=word.encode(), start=pattern, example=example, source=source)


_FIRMWARE = (
    (
        "SeaBIOS (version ",
        r"SeaBIOS \(version ",
        "SeaBIOS (version 1.16.2-1)",
        "SeaBIOS src/bootsplash.c, post.c",
    ),
    (
        "BdsDxe: ",
        r"BdsDxe: (?:loading|starting) Boot",
        'BdsDxe: loading Boot0001 "UEFI QEMU HARDDISK"',
        "edk2 UefiBootManagerLib/BmBoot.c",
    ),
    (
        "UEFI firmware (version ",
        r"UEFI firmware \(version ",
        "UEFI firmware (version 2022.11 built at 00:00)",
        "edk2 OvmfPkg QemuKernelLoader, ArmVirtPkg PrintVersion",
    ),
    ("Welcome to GRUB!", r"Welcome to GRUB!", "Welcome to GRUB!", "grub-core/kern/main.c"),
)

ANCHORS: tuple[Anchor, ...] = (
    *(_anchor(Sign.FIRMWARE, *entry) for entry in _FIRMWARE),
    _anchor(
        Sign.KERNEL,
        "Linux version ",
        r"Linux version \d",
        "Linux version 6.1.0-25-amd64 (debian-kernel@lists.debian.org)",
        "linux init/version.c: linux_banner",
    ),
    _anchor(
        Sign.KERNEL,
        "SAC started and initialized",
        r"Computer is booting, SAC started and initialized",
        "Computer is booting, SAC started and initialized.",
        "Windows Special Administration Console, printed once by each kernel that starts",
    ),
    _anchor(
        Sign.PANIC,
        "Kernel panic - not syncing",
        r"Kernel panic - not syncing",
        "Kernel panic - not syncing: Fatal exception in interrupt",
        "linux kernel/panic.c: panic()",
    ),
    _anchor(
        Sign.RESTART,
        "reboot: ",
        r"reboot: (?:Restarting system|machine restart|Power down|System halted)",
        "reboot: Restarting system",
        "linux kernel/reboot.c: kernel_restart(), kernel_power_off(), kernel_halt()",
    ),
)
STAMP = re.compile(rb"\[ {0,6}(\d{1,8}\.\d{6})\]")
"""The kernel's clock at the beginning of a line, or after a prompt that left the cursor somewhere."""
_WORDS = tuple(anchor.word for anchor in ANCHORS)


def read_sign(text: str) -> Sign | None:
    """What an undecorated line says, or None."""
    return next((anchor.sign for anchor in ANCHORS if anchor.start.match(text)), None)


def marked_lines(block: Block) -> list[int]:
    """Where the lines that hold an anchor start in `block.data`, in order, each once."""
    data = block.data
    found: list[int] = []
    for word in _WORDS:
        at = data.find(word)
        while at >= 0:
            found.append(at)
            at = data.find(word, at + len(word))
    starts: list[int] = []
    for at in sorted(found):
        begins = line_start(block, at, starts[-1] if starts else 0)
        if not starts or begins > starts[-1]:
            starts.append(begins)
    return starts
