"""What the screens say: stop screens, panics, recovery and failed boots, with the rules for believing one.

One frame can lie (a stop screen in a browser, a log that somebody prints), so a verdict from the layout
alone needs a second look, and a guest that answers afterwards did not crash. A boot menu, an update or a
login is no finding. Refuses to look at pixels: `look` does, outside this room.
"""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from lab.detect.boots import Boots
from lab.detect.lines import Block
from lab.detect.linux.console import Console
from lab.detect.windows import stop
from lab.model import (
    DetectSettings,
    EvidenceRef,
    Finding,
    FindingKind,
    Frame,
    Heartbeat,
    Observation,
    Screen,
    ScreenKind,
    Signature,
)

Look = Callable[[Frame], Screen | None]

STEADY_S = 6.0
"""A picture that has stayed so long is as good as two: the sensor looks every 2 s and records changes."""
FAILURE_S = 12.0
"""Firmware that tries one boot device after another shows errors on the way; an UEFI shell runs a script
after 5 s."""
LAG_S = 2.0
"""A frame can be recorded so long after the reset that followed it."""
ANSWER_S = 3.0
"""An answer this long after a screen was not under way when the guest went down."""
CRASHES = frozenset({ScreenKind.BUGCHECK, ScreenKind.PANIC, ScreenKind.PANIC_QR})
RUNS = frozenset({ScreenKind.LOGIN, ScreenKind.DESKTOP, ScreenKind.UPDATE, *CRASHES})
"""Only an operating system shows these."""
FAILURES = {
    ScreenKind.BOOT_MANAGER_ERROR: "boot failure: Windows Boot Manager",
    ScreenKind.NO_BOOT_DEVICE: "boot failure: no boot device",
    ScreenKind.UEFI_SHELL: "boot failure: UEFI shell",
    ScreenKind.FIRMWARE_SETUP: "boot failure: firmware setup",
    ScreenKind.GRUB_RESCUE: "boot failure: GRUB rescue shell",
    ScreenKind.EMERGENCY_SHELL: "boot failure: emergency shell",
}
STAMP = re.compile(r"^\W{0,4}(?=\S{0,14}\d\S{0,14}\d)\S{3,16}\s+(?:\W\s+)?(?=\S)")
"""What optical reading leaves of `[    5.274286] `: a word with digits, maybe after a bracket."""
DASHES = str.maketrans({"\N{EM DASH}": "-", "\N{EN DASH}": "-"})
RECOVERY = "recovery screen"
PANIC = "kernel panic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One kind of screen for a while; in the order shown."""

    t_s: float
    boot: int
    kind: ScreenKind


@dataclass(slots=True)
class _View:
    """Frames in a row that show the same."""

    screen: Screen
    boot: int
    since_s: float
    last_s: float
    refs: list[EvidenceRef] = field(default_factory=list)
    frames: int = 1
    made: Finding | None = None
    """What it means, without time and place; None: nothing."""
    sure: bool = False
    """Whether the screens alone carry it."""
    number: int | None = None
    """Index of its finding."""
    denied: bool = False

    @property
    def crash(self) -> bool:
        return self.screen.kind in CRASHES


class ScreenWatch:
    """Findings in the order of the frames; `tentative` holds the indexes of those that one look carries."""

    def __init__(self, settings: DetectSettings, look: Look | None) -> None:
        self.findings: list[Finding] = []
        self.tentative: set[int] = set()
        self.suppressed: list[Finding] = []
        self.shown: list[Shown] = []
        self.frames: list[tuple[float, ScreenKind | None]] = []
        """When each frame was taken and what it shows (None: nobody looked)."""
        self.version = 0
        self._settings = settings
        self._look = look
        self._view: _View | None = None
        self._recoveries: dict[str, set[int]] = {}
        self._t_s = 0.0

    @property
    def looks(self) -> bool:
        """Whether anybody looks at the frames at all."""
        return self._look is not None

    def feed(self, observation: Observation, boots: Boots) -> None:
        self._t_s = max(self._t_s, observation.t_s)
        match observation:
            case Frame():
                self._frame(observation, boots)
            case Heartbeat(ok=True):
                if self._view is not None and not boots.stale(observation):
                    self._answer(self._view, observation.t_s, boots)
            case _:
                pass
        if self._view is not None:
            self._judge(self._view, boots)

    def finish(self, t_s: float, boots: Boots) -> None:
        """Nothing more comes; the last picture stayed until `t_s`."""
        self._t_s = max(self._t_s, t_s)
        if self._view is not None:
            self._judge(self._view, boots)

    def _frame(self, frame: Frame, boots: Boots) -> None:
        screen = self._look(frame) if self._look is not None else None
        insort(self.frames, (frame.t_s, screen.kind if screen else None), key=lambda item: item[0])
        if screen is None:
            return
        boot = self._boot(frame.t_s, screen, boots)
        if not self.shown or (self.shown[-1].kind, self.shown[-1].boot) != (screen.kind, boot):
            self.shown.append(Shown(t_s=frame.t_s, boot=boot, kind=screen.kind))
        if screen.kind in RUNS - CRASHES:
            boots.looked(frame.t_s)
        ref = EvidenceRef(path=frame.path, sha256=frame.sha256)
        view = self._view
        if view is not None and (view.screen.kind, view.boot) == (screen.kind, boot):
            view.last_s, view.frames = frame.t_s, view.frames + 1
            if len(view.refs) < 2:
                view.refs.append(ref)
            better = _better(view.screen, screen)
            if better == view.screen:
                return
            view.screen = better
        else:
            self._view = view = _View(screen, boot, frame.t_s, frame.t_s, [ref])
            if screen.kind is ScreenKind.RECOVERY:
                self._recoveries.setdefault(_recovery_title(screen), set()).add(boot)
        view.made = _meaning(view.screen)
        view.sure = view.sure or _readable(view)
        if view.number is not None and view.made is not None:
            self._update(view, replace(self._placed(view), fatal=self.findings[view.number].fatal))

    def _boot(self, t_s: float, screen: Screen, boots: Boots) -> int:
        """Frames are looked at apart from everything else, and can come after the reset that followed."""
        log = boots.log
        number = log.at(t_s)
        boot = log.boot(number)
        late = screen.kind in CRASHES and boot is not None and number > 1 and t_s - boot.t_s <= LAG_S
        return number - 1 if late else number

    def _answer(self, view: _View, t_s: float, boots: Boots) -> None:
        """The guest answers in the boot in which the screen was seen: it had not crashed."""
        now = boots.current
        same = now is not None and now.number == view.boot
        if not same or t_s - view.last_s < ANSWER_S or view.number is None:
            return
        known = self.findings[view.number]
        if view.crash and not view.denied:
            reason = f"the guest still answered {t_s - view.since_s:.0f} s after this was on its screen"
            self.suppressed.append(replace(known, fatal=False, suppressed=reason))
            self.tentative.add(view.number)
            view.denied = True
            self.version += 1
        elif not view.crash and known.fatal:
            detail = f"{known.detail}; the guest answered at {t_s:.1f} s"
            self.findings[view.number] = replace(known, fatal=False, detail=detail)
            self.version += 1

    def _judge(self, view: _View, boots: Boots) -> None:
        """What time alone brings: a first finding, one that is sure now, or one that has become fatal."""
        if view.made is None or view.denied:
            return
        if view.number is None:
            view.number = len(self.findings)
            self.findings.append(self._placed(view))
            self.tentative.add(view.number)
            self.version += 1
        if view.number in self.tentative and (view.sure or self._stayed(view)):
            self.tentative.discard(view.number)
            self.version += 1
            if view.crash:
                boots.looked(self._t_s, crashed=True)
        if view.screen.kind is ScreenKind.RECOVERY and not self.findings[view.number].fatal:
            self._recovery(view, view.number)

    def _stayed(self, view: _View) -> bool:
        stayed = self._t_s - view.since_s
        return view.frames >= 2 or stayed >= STEADY_S if view.crash else stayed >= FAILURE_S

    def _recovery(self, view: _View, number: int) -> None:
        """A machine that stays there, or comes back to it, waits for a person."""
        boots = self._recoveries[_recovery_title(view.screen)]
        loops = 1 < self._settings.loop_resets <= len(boots)
        if loops or self._t_s - view.since_s >= self._settings.heartbeat_s:
            detail = f"seen in {len(boots)} boots" if loops else "it stays and waits for a person"
            self._update(view, replace(self.findings[number], fatal=True, detail=detail))

    def _placed(self, view: _View) -> Finding:
        assert view.made is not None
        where = tuple(view.refs)
        return replace(view.made, t_s=view.since_s, boot=view.boot, channels=("screen",), evidence=where)

    def _update(self, view: _View, finding: Finding) -> None:
        if view.number is not None and finding != self.findings[view.number]:
            self.findings[view.number] = finding
            self.version += 1


def screen_finding(screen: Screen, *, t_s: float, path: str) -> Finding | None:
    """What a single picture shows, for one that comes without a recording; None: no trouble."""
    found = _meaning(screen)
    if found is None:
        return None
    return replace(found, t_s=t_s, channels=("screen",), evidence=(EvidenceRef(path=path),))


def _meaning(screen: Screen) -> Finding | None:
    """The finding in a screen, without time and place; None: there is none."""
    match screen.kind:
        case ScreenKind.BUGCHECK:
            return _stop(screen)
        case ScreenKind.PANIC | ScreenKind.PANIC_QR:
            return _panic(screen)
        case ScreenKind.RECOVERY:
            signature = Signature(title=_recovery_title(screen))
            return _found(FindingKind.RECOVERY_SCREEN, signature, screen.reason, fatal=False)
        case kind if kind in FAILURES:
            return _failure(screen)
        case _:
            return None


def _readable(view: _View) -> bool:
    """Whether what is written on the screen leaves no doubt."""
    match view.screen.kind:
        case ScreenKind.RECOVERY:
            return True
        case ScreenKind.BUGCHECK:
            return view.screen.code is not None
        case ScreenKind.PANIC | ScreenKind.PANIC_QR:
            return view.made is not None and view.made.signature.title != PANIC
        case _:
            return False


def _recovery_title(screen: Screen) -> str:
    return f"{RECOVERY}: {screen.name}" if screen.name else RECOVERY


def _better(one: Screen, two: Screen) -> Screen:
    """The same screen twice: what was read before is not lost when the next look reads less."""
    first, second = (two, one) if two.code is not None or one.code is None else (one, two)
    return replace(
        first,
        module=first.module or second.module,
        parameters=first.parameters or second.parameters,
        text=first.text or second.text,
        qr=first.qr or second.qr,
        progress=max((p for p in (one.progress, two.progress) if p is not None), default=None),
    )


def _stop(screen: Screen) -> Finding:
    progress = f"; its dump is at {screen.progress} %" if screen.progress is not None else ""
    return replace(
        _found(
            FindingKind.BUGCHECK,
            stop.signature(screen.code, screen.module),
            stop.sentence(screen.code, screen.parameters) + progress,
        ),
        code=screen.code,
        parameters=screen.parameters,
        module=stop.tidy(screen.module),
    )


def read_panic(screen: Screen) -> Finding | None:
    """The kernel's own report, read from the screen or from the log in its QR code."""
    text = screen.qr if "\n" in screen.qr else screen.text
    if not text:
        return None
    console = Console()
    console.feed(Block(0.0, 0, undecorated(text).encode() + b"\n"))
    console.finish()
    found = [report.finding() for report in console.reports]
    fatal = [finding for finding in found if finding.fatal and not finding.suppressed]
    return max(fatal, key=lambda finding: finding.kind is FindingKind.PANIC, default=None)


def undecorated(text: str) -> str:
    """Console text as it was read from a picture, without what reading makes of time stamps.

    `[    5.274286] Kernel panic - not syncing` is read as `> LE%8531: Kernel panic — not syncing`. Lines are
    cut only where at least half of them begin so, which those of a console without time stamps do not.
    """
    lines = text.translate(DASHES).splitlines()
    stamped = sum(1 for line in lines if STAMP.match(line))
    if 2 * stamped < len([line for line in lines if line.strip()]):
        return "\n".join(lines)
    return "\n".join(STAMP.sub("", line) for line in lines)


def _panic(screen: Screen) -> Finding:
    known = read_panic(screen)
    if known is None:
        return _found(FindingKind.PANIC, Signature(title=PANIC), screen.reason)
    damaged = "" if "\n" in screen.qr else known.corrupted or "read from a picture"
    panicked = "Kernel panic" in (screen.qr or screen.text)
    return replace(known, kind=FindingKind.PANIC if panicked else known.kind, corrupted=damaged)


def _failure(screen: Screen) -> Finding:
    signature = Signature(title=FAILURES[screen.kind])
    if screen.kind is ScreenKind.BOOT_MANAGER_ERROR:
        signature = stop.boot_signature(screen.code)
    return replace(
        _found(FindingKind.BOOT_FAILURE, signature, screen.reason), code=screen.code, module=screen.module
    )


def _found(kind: FindingKind, signature: Signature, detail: str, *, fatal: bool = True) -> Finding:
    return Finding(kind=kind, signature=signature, fatal=fatal, t_s=0.0, detail=detail)
