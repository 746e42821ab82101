"""The stand-ins: what each shows, and what must be found in it by which channels. Data only."""

from __future__ import annotations

from dataclasses import dataclass

from lab.model import FindingKind
from lab.selftest.painting.canvas import Size
from lab.selftest.painting.request import PARAMETERS, stop_name
from lab.selftest.standin.serial_text import debugger_stop, ems_boot, ems_stop
from lab.selftest.standin.steps import (
    Boots,
    Dump,
    Reset,
    Say,
    Show,
    Stay,
    TellPanicDevice,
    Wait,
)

DUMP_MIB = 16
DRIVER = "demosens.sys"
"""What the stops blame; no product has a driver of this name."""
STARTS_S = 1.0
"""Guest seconds between the start of the stand-in's program and what it does first, so that a look at the
screen finds the healthy state before."""
READABLE_S = 4.0
"""Guest seconds that a screen stays before it goes: longer than the screen is looked at (every 2 s)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """One guest that only looks like Windows."""

    name: str
    summary: str
    boots: Boots
    kind: FindingKind | None
    """What must be found; None: nothing fatal may be found."""
    seen_by: tuple[str, ...] = ()
    """Channels whose reports make that finding: `event`, `serial`, `screen`, `dump`; a loop is counted from
    reset events, whatever else shows each stop in it."""
    fatal: bool = True
    """Whether it is fatal at first sight; a recovery page only becomes it when it stays."""
    code: int = 0x7E
    """Stop code, or the boot manager's status; meaningless where `kind` is None."""
    module: str = DRIVER
    parameters: tuple[int, ...] = PARAMETERS
    size: Size = (1024, 768)
    dump_disk_mib: int = 0
    """For `Order.dump_disk_mib`."""
    lasts_s: float = 10.0
    """Guest seconds until everything has been shown at least once (a loop: three times)."""

    @property
    def image_name(self) -> str:
        return f"stand-in-{self.name}"


DESKTOP = Show("blue-desktop", decoy=True)
EMS_STOP = Say(ems_stop(0x7E, stop_name(0x7E), PARAMETERS, DRIVER))
KD_STOP_XP = Say(debugger_stop(0xD1, PARAMETERS, "viostor.sys"))

_ALL = (
    StandIn(
        name="bugcheck-10",
        summary="Windows 10: EMS text, stop screen with progress, dump, one reset, then well again",
        boots=(
            (
                DESKTOP, Say(ems_boot()), Wait(STARTS_S), Show("10-qr"), EMS_STOP,
                Dump("10-qr", mib=DUMP_MIB), Wait(READABLE_S), Reset(),
            ),
            (DESKTOP, Say(ems_boot()), Stay()),
        ),
        kind=FindingKind.BUGCHECK,
        seen_by=("serial", "screen", "dump"),
        dump_disk_mib=DUMP_MIB,
        lasts_s=12.0,
    ),
    StandIn(
        name="bugcheck-screen-only",
        summary="Windows 11 without EMS, debugger or panic device: only the screen shows it, and stays",
        boots=((DESKTOP, Wait(STARTS_S), Show("11", progress=0), Stay()),),
        kind=FindingKind.BUGCHECK,
        seen_by=("screen",),
    ),
    StandIn(
        name="bugcheck-event",
        summary="Windows with the panic device's driver: an event and a black 24H2 screen",
        boots=((DESKTOP, Wait(STARTS_S), TellPanicDevice(), Show("11-24h2", progress=40), Stay()),),
        kind=FindingKind.BUGCHECK,
        seen_by=("event", "screen"),
    ),
    StandIn(
        name="xp-text",
        summary="Windows XP: text screen of 640x480, kernel debugger text on the serial port, stays",
        boots=((Show("just-one-colour", decoy=True), Wait(STARTS_S), Show("xp"), KD_STOP_XP, Stay()),),
        kind=FindingKind.BUGCHECK,
        seen_by=("serial", "screen"),
        code=0xD1,
        module="viostor.sys",
        size=(640, 480),
    ),
    StandIn(
        name="boot-loop",
        summary="the same stop at every boot, then a reset: the loop of July 2024",
        boots=(
            (Show("splash", decoy=True), Wait(STARTS_S), Show("10"), EMS_STOP, Wait(READABLE_S), Reset()),
        ),
        kind=FindingKind.BOOT_LOOP,
        seen_by=("event",),
        lasts_s=25.0,
    ),
    StandIn(
        name="recovery-loop",
        summary="automatic repair again and again, and at last the page that gives up",
        boots=(
            (Show("automatic-repair"), Wait(READABLE_S), Reset()),
            (Show("automatic-repair"), Wait(READABLE_S), Show("diagnosing"), Wait(READABLE_S), Reset()),
            (Show("automatic-repair"), Wait(READABLE_S), Show("repair-failed"), Stay()),
        ),
        kind=FindingKind.RECOVERY_SCREEN,
        seen_by=("screen",),
        fatal=False,
        lasts_s=25.0,
    ),
    StandIn(
        name="recovery-screen",
        summary="the page on which automatic repair gives up, from the first moment on",
        boots=((Show("repair-failed"), Stay()),),
        kind=FindingKind.RECOVERY_SCREEN,
        seen_by=("screen",),
        fatal=False,
    ),
    StandIn(
        name="boot-manager-page",
        summary="the boot manager's blue page with a file and a status, as since Windows 8",
        boots=((Show("winre-error"), Stay()),),
        kind=FindingKind.BOOT_FAILURE,
        seen_by=("screen",),
        code=0xC0000225,
        module="drivers\\demosens.sys",
    ),
    StandIn(
        name="update-then-bugcheck",
        summary="an update at work, a stop in the middle of it, then the update again",
        boots=(
            (
                Show("update", progress=12), Wait(READABLE_S), Show("update", progress=35), Wait(STARTS_S),
                Show("10-qr"), EMS_STOP, Wait(READABLE_S), Reset(),
            ),
            (Show("update", progress=35), Wait(READABLE_S), Show("login", decoy=True), Stay()),
        ),
        kind=FindingKind.BUGCHECK,
        seen_by=("serial", "screen"),
        lasts_s=20.0,
    ),
    StandIn(
        name="boot-manager-error",
        summary="the boot manager cannot load a driver; text mode, nothing on the serial port",
        boots=((Show("boot-manager-error"), Stay()),),
        kind=FindingKind.BOOT_FAILURE,
        seen_by=("screen",),
        code=0xC0000225,
        module="drivers\\atapi.sys",
        size=(640, 480),
    ),
    StandIn(
        name="healthy-desktop",
        summary="splash, sign-in, a blue desktop: nothing may be found",
        boots=(
            (
                Show("splash", decoy=True), Say(ems_boot()), Wait(2.0), Show("login", decoy=True), Wait(2.0),
                DESKTOP, Stay(),
            ),
        ),
        kind=None,
    ),
)  # fmt: skip

STANDINS: dict[str, StandIn] = {one.name: one for one in _ALL}
