"""The table of screens that can be painted: name, what it is a picture of, and who paints it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PIL import Image

from lab.model.seen import ScreenKind
from lab.selftest.painting import classic, linux, modern, recovery
from lab.selftest.painting.canvas import BLACK, Colour
from lab.selftest.painting.modern import Modern
from lab.selftest.painting.request import Request

Painter = Callable[[Request], Image.Image]

BLUE_8: Colour = (32, 103, 178)
BLUE_10: Colour = (0, 120, 215)
BLUE_11: Colour = (16, 113, 170)
GREEN: Colour = (16, 124, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One screen."""

    name: str
    kind: ScreenKind
    background: Colour
    painter: Painter
    shows: str
    """What it looks like and on what it is seen."""
    translated: bool = True
    """False where the real screen is English in every language."""
    qr: bool = False
    code: bool = True
    """Whether the stop code or its name can be read."""
    module: bool = True
    progress: bool = True


def _bugcheck(name: str, background: Colour, painter: Painter, shows: str, **what: bool) -> Layout:
    """A bugcheck has all but a QR code on it, unless `what` (fields of a Layout) says otherwise."""
    return Layout(
        name=name, kind=ScreenKind.BUGCHECK, background=background, painter=painter, shows=shows, **what
    )


def _modern(name: str, style: Modern, shows: str, **what: bool) -> Layout:
    painter = partial(modern.paint, style=style)
    return _bugcheck(name, style.background, painter, shows, qr=style.qr, **what)


def _centred(name: str, background: Colour, shows: str) -> Layout:
    painter = partial(modern.paint_centred, background=background)
    return _bugcheck(name, background, painter, shows)


BUGCHECKS = (
    _bugcheck(
        "xp", classic.NAVY, classic.paint_xp, "text on navy, 32-bit parameters",
        translated=False, progress=False,
    ),
    _bugcheck(
        "vista-7", classic.NAVY, classic.paint_vista, "text on navy, 64-bit parameters, dump progress",
        translated=False,
    ),
    _bugcheck(
        "hardware-malfunction", classic.NAVY, classic.paint_hardware, "text on navy without a stop code",
        translated=False, code=False, module=False, progress=False,
    ),
    _modern(
        "8", Modern(background=BLUE_8, details=False, percent_in_sentence=True),
        "face, progress within the sentence, the name in small print", module=False,
    ),
    _modern("10", Modern(background=BLUE_10), "face and stop code, no QR code"),
    _modern("10-qr", Modern(background=BLUE_10, qr=True), "face, QR code and stop code"),
    _modern("server", Modern(background=BLUE_10, face=False, qr=True), "no face, QR code"),
    _modern(
        "server-2012", Modern(background=BLUE_8, face=False, details=False, percent_in_sentence=True),
        "no face, the name in small print", module=False,
    ),
    _modern("insider-green", Modern(background=GREEN, qr=True, device=True), "preview builds"),
    _modern("11-black", Modern(background=BLACK, qr=True, device=True), "Windows 11 at its release"),
    _modern("11", Modern(background=BLUE_11, qr=True, device=True), "Windows 11 22H2 and 23H2"),
    _centred("11-24h2", BLACK, "centred on black, no face and no QR code"),
    _centred("insider-24h2", GREEN, "centred on green, previews of 24H2"),
)  # fmt: skip

NOTHING = dict.fromkeys(("translated", "code", "module", "progress"), False)


def _plain(
    name: str, kind: ScreenKind, background: Colour, painter: Painter, shows: str, **what: bool
) -> Layout:
    """Any other screen has on it what `what` (fields of a Layout) names."""
    marks = {**NOTHING, **what}
    return Layout(name=name, kind=kind, background=background, painter=painter, shows=shows, **marks)


NEEDS_HELP = (
    _plain(
        "winre-error", ScreenKind.BOOT_MANAGER_ERROR, recovery.RECOVERY_BLUE, recovery.paint_winre_error,
        "the boot manager's own page since Windows 8, with file and status",
        translated=True, code=True, module=True,
    ),
    _plain(
        "automatic-repair", ScreenKind.RECOVERY, BLACK, recovery.paint_automatic_repair,
        "preparing automatic repair", translated=True,
    ),
    _plain(
        "diagnosing", ScreenKind.RECOVERY, BLACK, recovery.paint_diagnosing,
        "automatic repair at work", translated=True,
    ),
    _plain(
        "repair-failed", ScreenKind.RECOVERY, recovery.CHOICE_BLUE, recovery.paint_repair_failed,
        "automatic repair gave up", translated=True,
    ),
    _plain(
        "bitlocker", ScreenKind.RECOVERY, recovery.RECOVERY_BLUE, recovery.paint_bitlocker,
        "asks for the recovery key",
    ),
    _plain(
        "boot-manager-error", ScreenKind.BOOT_MANAGER_ERROR, BLACK, recovery.paint_boot_manager_error,
        "text mode with file, status and keys", code=True, module=True,
    ),
    _plain(
        "boot-manager-missing", ScreenKind.BOOT_MANAGER_ERROR, BLACK, recovery.paint_boot_manager_missing,
        "two lines of the boot sector",
    ),
    _plain(
        "no-boot-device", ScreenKind.NO_BOOT_DEVICE, BLACK, recovery.paint_no_boot_device,
        "SeaBIOS has tried everything",
    ),
    _plain("initramfs", ScreenKind.EMERGENCY_SHELL, BLACK, linux.paint_initramfs, "no root device"),
    _plain("emergency", ScreenKind.EMERGENCY_SHELL, BLACK, linux.paint_emergency, "systemd asks for root"),
    _plain("grub-rescue", ScreenKind.GRUB_RESCUE, BLACK, linux.paint_grub_rescue, "GRUB without its files"),
    _plain("uefi-shell", ScreenKind.UEFI_SHELL, BLACK, linux.paint_uefi_shell, "nothing to boot"),
)  # fmt: skip
LINUX = (
    _plain("linux-panic", ScreenKind.PANIC, BLACK, linux.paint_panic, "the end of a panic on the console"),
    _plain("linux-root", ScreenKind.PANIC, BLACK, linux.paint_root_missing, "no root file system"),
    _plain(
        "linux-panic-qr", ScreenKind.PANIC_QR, BLACK, linux.paint_panic_qr,
        "drm_panic of Linux 6.12, 13 bits as 4 digits", qr=True,
    ),
    _plain(
        "linux-panic-qr-new", ScreenKind.PANIC_QR, BLACK, linux.paint_panic_qr_new,
        "drm_panic since Linux 6.15, 7 bytes as 17 digits", qr=True,
    ),
)  # fmt: skip
WELL = (
    _plain(
        "update", ScreenKind.UPDATE, BLUE_10, recovery.paint_update, "working on updates",
        translated=True, progress=True,
    ),
)  # fmt: skip

LAYOUTS: dict[str, Layout] = {one.name: one for one in (*BUGCHECKS, *NEEDS_HELP, *LINUX, *WELL)}
