"""From signs to a kind: weighs what was read and seen on one panel.

Layout and text testify independently: the face, a QR code with Microsoft's address and a stop line decide
alone and in every language; a stop name needs company, since a terminal can show one too. Refuses to look
at pixels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.detect.faults import brief
from lab.detect.screens.consoles import has_prompt, is_reading_matter, structural
from lab.detect.screens.layout import Page
from lab.detect.screens.panels import Panel
from lab.detect.screens.qr import WINDOWS as WINDOWS_QR
from lab.detect.screens.signs import DECIDED, Seen, find, weigh
from lab.detect.screens.signs_firmware import FIRMWARE
from lab.detect.screens.signs_linux import LINUX
from lab.detect.screens.signs_recovery import NOT_STARTING
from lab.detect.screens.signs_windows import WINDOWS
from lab.detect.screens.stopcode import Again, StopText, boot_status, progress, read_stop
from lab.model import Screen, ScreenKind, ScreenVerdict

SIGNS = (*WINDOWS, *NOT_STARTING, *LINUX, *FIRMWARE)
ORDER = (
    ScreenKind.BUGCHECK,
    ScreenKind.PANIC,
    ScreenKind.BOOT_MENU,
    ScreenKind.BOOT_MANAGER_ERROR,
    ScreenKind.RECOVERY,
    ScreenKind.EMERGENCY_SHELL,
    ScreenKind.GRUB_RESCUE,
    ScreenKind.UEFI_SHELL,
    ScreenKind.NO_BOOT_DEVICE,
    ScreenKind.FIRMWARE_SETUP,
    ScreenKind.UPDATE,
    ScreenKind.INSTALLER,
    ScreenKind.LOGIN,
    ScreenKind.SPLASH,
    ScreenKind.FIRMWARE,
    ScreenKind.TEXT,
    ScreenKind.OTHER,
)
"""Which kind wins where several are decided."""
NAME_READ = 86.0
COLOURED = 60
"""Chroma (0-255) of a ground that is neither black nor grey."""
WINDOWS_FILE = re.compile(r"\\(?:windows|winnt|boot|efi|system32)\\", re.IGNORECASE)
KEYS = re.compile(r"\b(?:F1|F8|F9|ESC|ENTER|EINGABE)\b", re.IGNORECASE)
LOGIN = re.compile(r"^[\w.-]{1,40} login:\s*\S{0,20}$|^Password:\s*$", re.IGNORECASE)


@dataclass(slots=True)
class Case:
    """The evidence of one panel, weighed by kind."""

    lines: Sequence[str]
    page: Page
    panel: Panel
    qr: str = ""
    again: Again | None = None
    weights: dict[ScreenKind, float] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    stop: StopText = field(default_factory=StopText)
    because: dict[ScreenKind, list[str]] = field(default_factory=dict)

    def add(self, kind: ScreenKind, weight: float, reason: str) -> None:
        if weight > 0:
            self.weights[kind] = self.weights.get(kind, 0.0) + weight
            self.because.setdefault(kind, []).append(reason)


def judge(
    lines: Sequence[str], page: Page, panel: Panel, qr: str = "", *, again: Again | None = None
) -> Screen | None:
    """The screen that a panel shows, or None when nothing decides.

    `again` reads a line's hexadecimal numbers once more, in several ways.
    """
    case = Case(lines=lines, page=page, panel=panel, qr=qr, again=again)
    case.seen = find(lines, SIGNS)
    for kind, weight in weigh(case.seen).items():
        texts = [repr(seen.text) for seen in case.seen if seen.sign.kind is kind]
        case.add(kind, weight, "reads " + ", ".join(texts[:3]))
    _weigh_stop(case)
    _weigh_console(case)
    _weigh_boot(case)
    for kind in ORDER:
        if case.weights.get(kind, 0.0) >= DECIDED - 1e-6:
            return _screen(case, kind)
    return None


def in_trouble(lines: Sequence[str]) -> bool:
    """Whether a first look at some lines gives any reason to read the rest."""
    return any(seen.sign.kind.verdict is not ScreenVerdict.HEALTHY for seen in find(lines, SIGNS)) or (
        boot_status(lines) is not None
    )


def _weigh_stop(case: Case) -> None:
    bug = ScreenKind.BUGCHECK
    case.stop = stop = read_stop(case.lines, case.again)
    if case.page.face is not None:
        case.add(bug, DECIDED, "shows ':(' on one flat colour")
    if WINDOWS_QR.search(case.qr):
        case.add(bug, DECIDED, "its QR code leads to Windows' page on stop codes")
    if stop.in_stop_line and (stop.parameters or stop.name):
        case.add(bug, DECIDED, "reads '*** STOP:' with a code")
    if stop.name and stop.score >= NAME_READ:
        company = (
            0.3 * (stop.progress is not None) + 0.2 * bool(stop.module) + 0.2 * (case.panel.chroma > COLOURED)
        )
        bracketed = any(re.search(r"\(\s?[0OoQ][xX]", line) for line in case.lines)
        case.add(bug, 0.5 + company + 0.3 * bracketed, f"reads the stop code's name {stop.name}")
    elif stop.code is not None and stop.code >> 28 and not stop.in_stop_line:
        company = 0.3 * (stop.progress is not None) + 0.2 * (case.panel.chroma > COLOURED)
        case.add(bug, 0.5 + company, f"reads the stop code {stop.code:#010x}")
    if case.page.dense and has_prompt(case.lines):
        case.weights.pop(bug, None)


def _weigh_console(case: Case) -> None:
    panic = ScreenKind.PANIC
    case.add(panic, structural(case.lines), "has the shape of a kernel oops")
    if case.weights.get(panic, 0.0) >= DECIDED and is_reading_matter(case.lines, case.seen):
        case.weights.pop(panic)
        case.add(ScreenKind.TEXT, DECIDED, "kernel text that a command printed")


def _weigh_boot(case: Case) -> None:
    kind = ScreenKind.BOOT_MANAGER_ERROR
    text = "\n".join(case.lines)
    if boot_status(case.lines) is not None:
        case.add(kind, 0.6, "reads a status code")
        case.add(kind, 0.4 * bool(WINDOWS_FILE.search(text)), "names a file of Windows")
        case.add(kind, 0.4 * (len(set(KEYS.findall(text.upper()))) >= 2), "offers function keys")
    if any(LOGIN.match(line.strip()) for line in case.lines[-3:]):
        case.add(ScreenKind.LOGIN, DECIDED, "asks for a login")


def _screen(case: Case, kind: ScreenKind) -> Screen:
    reason = "; ".join(case.because.get(kind, ["nothing else decided"])[:3])
    text = "\n".join(case.lines)
    if kind is ScreenKind.BUGCHECK:
        stop = case.stop
        return Screen(
            kind=kind,
            reason=reason,
            layout=layout_name(case),
            code=stop.code,
            name=stop.name,
            parameters=stop.parameters,
            module=stop.module,
            progress=stop.progress,
            text=text,
            qr=case.qr,
        )
    code = (
        boot_status(case.lines, case.again)
        if kind in (ScreenKind.BOOT_MANAGER_ERROR, ScreenKind.RECOVERY)
        else None
    )
    if kind is ScreenKind.RECOVERY and code is not None:
        kind = ScreenKind.BOOT_MANAGER_ERROR
    status = brief().boot_status(code) if code is not None else None
    return Screen(
        kind=kind,
        reason=reason,
        code=code,
        name=status.name if status else "",
        module=_file(text) if code is not None else "",
        progress=progress(case.lines) if kind in (ScreenKind.UPDATE, ScreenKind.RECOVERY) else None,
        text=text,
        qr=case.qr,
    )


def _file(text: str) -> str:
    match = re.search(r"([\w.-]{1,40}\.(?:sys|exe|efi|dll|dat))\b", text, re.IGNORECASE)
    return match[1] if match else ""


def layout_name(case: Case) -> str:
    """Which generation of Windows paints like this; see `lab.model.seen.Screen.layout`."""
    signs = {seen.sign.id for seen in case.seen}
    red, green, blue = case.panel.colour
    if signs & {"stop-hardware", "stop-halted"} and not case.stop.in_stop_line:
        return "hardware-malfunction"
    if case.stop.in_stop_line or signs & {
        "stop-text",
        "stop-first-time",
        "stop-advice",
        "stop-dump",
        "stop-technical",
    }:
        wide = any(value >> 32 for value in case.stop.parameters)
        newer = (
            "collecting data" in "\n".join(case.lines).lower()
            or "initializing disk" in "\n".join(case.lines).lower()
        )
        return "vista-7" if wide or newer or case.stop.progress is not None else "xp"
    if "stop-9x" in signs:
        return "9x"
    if green > max(red, blue) + 30:
        return "insider-green"
    if max(red, green, blue) < 60:
        return "11-black" if case.page.face or case.qr else "11-24h2"
    if case.page.face is None:
        return "server"
    if "stop-search-online" in signs or (
        case.stop.name and not signs & {"stop-address", "stop-code-label"} and not case.qr
    ):
        return "8"
    if blue < 190 and green > 0.6 * blue:
        return "11"
    return (
        "10-qr" if case.qr or any(box.height > case.page.height * 0.1 for box in case.page.others) else "10"
    )
