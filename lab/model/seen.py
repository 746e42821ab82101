"""What a screen shows: the result of looking at one frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ScreenKind(StrEnum):
    """What a frame is a picture of."""

    BUGCHECK = "bugcheck"
    PANIC = "panic"
    """Linux panic or oops text."""
    PANIC_QR = "panic-qr"
    RECOVERY = "recovery"
    """Windows recovery environment, automatic repair, BitLocker recovery."""
    BOOT_MANAGER_ERROR = "boot-manager-error"
    NO_BOOT_DEVICE = "no-boot-device"
    UEFI_SHELL = "uefi-shell"
    FIRMWARE_SETUP = "firmware-setup"
    GRUB_RESCUE = "grub-rescue"
    EMERGENCY_SHELL = "emergency-shell"
    """Emergency mode, initramfs or dracut shell."""
    BOOT_MENU = "boot-menu"
    FIRMWARE = "firmware"
    """Firmware at work: logo, memory count, network boot attempts."""
    UPDATE = "update"
    """An operating system update in progress."""
    INSTALLER = "installer"
    LOGIN = "login"
    DESKTOP = "desktop"
    SPLASH = "splash"
    BLANK = "blank"
    TEXT = "text"
    """A text console that shows no trouble."""
    OTHER = "other"

    @property
    def verdict(self) -> ScreenVerdict:
        return VERDICTS.get(self, ScreenVerdict.HEALTHY)


class ScreenVerdict(StrEnum):
    """What the kind means for the guest."""

    CRASH = "crash"
    RECOVERY = "recovery"
    """It did not crash now, and needs help."""
    HEALTHY = "healthy"


VERDICTS = {
    ScreenKind.BUGCHECK: ScreenVerdict.CRASH,
    ScreenKind.PANIC: ScreenVerdict.CRASH,
    ScreenKind.PANIC_QR: ScreenVerdict.CRASH,
    ScreenKind.RECOVERY: ScreenVerdict.RECOVERY,
    ScreenKind.BOOT_MANAGER_ERROR: ScreenVerdict.RECOVERY,
    ScreenKind.NO_BOOT_DEVICE: ScreenVerdict.RECOVERY,
    ScreenKind.UEFI_SHELL: ScreenVerdict.RECOVERY,
    ScreenKind.FIRMWARE_SETUP: ScreenVerdict.RECOVERY,
    ScreenKind.GRUB_RESCUE: ScreenVerdict.RECOVERY,
    ScreenKind.EMERGENCY_SHELL: ScreenVerdict.RECOVERY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One frame, classified."""

    kind: ScreenKind
    reason: str
    """What it was recognised by, one sentence."""
    layout: str = ""
    """Of a bugcheck: xp, vista-7, 8, 10, 11, insider-green, server; with -qr where there is one."""
    code: int | None = None
    """Windows stop code or boot manager status."""
    name: str = ""
    """The stop code's name as the catalogue spells it."""
    parameters: tuple[int, ...] = ()
    module: str = ""
    """`What failed: csagent.sys`."""
    progress: int | None = None
    """Per cent, of a dump or an update."""
    text: str = ""
    """What was read, lines separated by newlines; "" when reading was not needed."""
    qr: str = ""
    """The decoded payload of a QR code: a support link, or a Linux kernel log."""

    @property
    def verdict(self) -> ScreenVerdict:
        return self.kind.verdict
