"""Silence: a guest that does not come up, or late, and one that stops answering.

Time is that of the observations. What the machine's pulse shows meanwhile is its diagnosis, which later
samples refine. Silence that was declared, that a pause by the host explains, or that comes after the
machine is gone is not reported. Whether a crash explains it is for fuse.py to say.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace

from lab.detect.boots import PROBES, BootKind, Boots
from lab.detect.lines import Block
from lab.detect.pulse import HOST_CAUSES, Reading, diagnose
from lab.model import (
    Capture,
    DetectSettings,
    Diagnosis,
    Expectation,
    Finding,
    FindingKind,
    Frame,
    Heartbeat,
    MachineEvent,
    MachineSample,
    Observation,
    SerialChunk,
    Signature,
    Step,
)

NO_BOOT = "guest did not boot"
NO_RETURN = "guest did not come back from the reboot"
LOST = "lost connection to the guest"
HANGS = "guest hangs"
SLOW = "slow boot"
SLOW_FACTOR = 3.0
"""Times the image's own boot time on this host that make a boot slow."""
SLOW_S = 10.0
"""And at least so much longer: short times vary more."""
SHORTEST_S = 15.0
"""Of the machine's pulse that a diagnosis rests on: three samples of a sensor that looks every 5 s."""
MOST_SAMPLES = 200
STILL_PICTURES = 4
"""A picture that is one of the last few different ones is no change: a cursor blinks."""
STUCK = frozenset({Diagnosis.IDLE, Diagnosis.SPINNING, Diagnosis.BLOCKED_ON_IO})
"""What makes silence a hang, if nothing else shows life. A busy guest may only be slow."""
SAID = {
    Diagnosis.IDLE: "its CPUs wait",
    Diagnosis.SPINNING: "a CPU spins",
    Diagnosis.BUSY: "its CPUs are busy",
    Diagnosis.BLOCKED_ON_IO: "it waits for its disk",
    Diagnosis.STOPPED_BY_HOST: "the host had stopped it",
    Diagnosis.HOST_OVERLOADED: "the host was overloaded",
}
POINTER = re.compile(rb"(?:RIP: 0010:|\bpc : )(?:\[<[0-9a-f]+>\] )?([A-Za-z_][\w.]{0,100})\+0x")
"""Where the kernel says that a CPU is, when SysRq asked it."""
IDLE_FUNCTION = re.compile(rb"\w*(?:idle|halt|_hlt|mwait|do_sysrq|sysrq_|nmi_|show_regs)\w*")


class Silence:
    """At most one finding of each sort per boot."""

    def __init__(self, settings: DetectSettings) -> None:
        self.findings: list[Finding] = []
        self._settings = settings
        self._boot = 0
        self._since = 0.0
        """When waiting for a first answer began."""
        self._answered: float | None = None
        self._failed = False
        """Whether a heartbeat failed since the last answer."""
        self._output_s = -1.0
        self._reboot_since: float | None = None
        self._declared = 0
        self._paused = False
        self._over = False
        self._open: int | None = None
        """Index of the finding that this silence already has."""
        self._t_s = 0.0
        self._samples: deque[MachineSample] = deque(maxlen=MOST_SAMPLES)
        self._pictures: deque[str] = deque(maxlen=STILL_PICTURES)
        self._picture_s = -1.0
        self._probed = False
        """The lab has asked the guest for evidence: what it does since is not its own doing."""
        self._function = ""
        self._measured = ""
        self._lived = False
        """Whether the open silence was one of the heartbeats only."""
        self.version = 0
        """Grows whenever `findings` changed."""
        self._plain: tuple[FindingKind, str, str] | None = None
        """The open finding's kind, title and detail before any diagnosis."""

    def feed(self, observation: Observation, boots: Boots) -> None:
        self._t_s = max(self._t_s, observation.t_s)
        self._new_boot(boots)
        match observation:
            case SerialChunk():
                self._output_s = observation.t_s
            case Heartbeat(ok=True):
                if not boots.stale(observation):
                    self._first_answer(observation.t_s, boots)
                    self._answer(observation.t_s)
            case Heartbeat():
                self._failed = True
            case Expectation():
                self._expect(observation)
            case MachineEvent():
                self._event(observation)
            case Frame():
                self._frame(observation)
            case MachineSample():
                self._samples.append(observation)
                self._refine()
            case Capture(ok=True) if observation.what in PROBES:
                self._probed = True
            case Step(name="attempt", phase="end"):
                self._over = True
            case _:
                pass
        self._judge()

    def read(self, block: Block) -> None:
        """The console, for what a kernel that is asked where it is says of itself."""
        if self._open is None or self._function:
            return
        for found in POINTER.finditer(block.data):
            if not IDLE_FUNCTION.fullmatch(found[1]):
                self._function = found[1].decode("ascii").partition(".")[0]
                self._refine()
                return

    def finish(self, t_s: float) -> None:
        """Nothing more comes; silence lasted until `t_s`."""
        self._t_s = max(self._t_s, t_s)
        self._judge()

    def _new_boot(self, boots: Boots) -> None:
        now = boots.current
        if now is not None and now.number != self._boot:
            self._boot, self._since = now.number, now.t_s
            self._answered, self._failed, self._open, self._reboot_since = None, False, None, None
            self._samples.clear()

    def _answer(self, t_s: float) -> None:
        if self._open is not None:
            known = self.findings[self._open]
            if known.kind in (FindingKind.LOST_CONNECTION, FindingKind.HANG):
                detail = f"{known.detail}; it answered again at {t_s:.1f} s"
                self.findings[self._open] = replace(known, fatal=False, detail=detail)
                self.version += 1
        self._answered, self._failed, self._open = t_s, False, None
        while len(self._samples) > 1:  # the last one before the silence is where its counters start
            self._samples.popleft()

    def _first_answer(self, t_s: float, boots: Boots) -> None:
        """A boot that came, but much later than this image's boots do here."""
        usual, now = self._settings.usual_boot_s, boots.current
        if self._answered is not None or not usual or now is None or self._declared:
            return
        took = t_s - self._since
        updating = now.kind is BootKind.EXPECTED or boots.log.update_at(t_s) is not None
        if updating or now.restored_s is not None or took <= max(usual * SLOW_FACTOR, usual + SLOW_S):
            return
        reading = diagnose(self._samples)
        if reading is not None and reading.diagnosis in HOST_CAUSES:
            return
        detail = f"the first answer came after {took:.0f} s, usually after {usual:.0f} s"
        self._plain = (FindingKind.SLOW_BOOT, SLOW, detail)
        self._append(reading, fatal=False)

    def _frame(self, frame: Frame) -> None:
        if frame.sha256 not in self._pictures:
            self._pictures.append(frame.sha256)
            self._picture_s = frame.t_s

    def _expect(self, expectation: Expectation) -> None:
        if expectation.what == "reboot":
            self._reboot_since = expectation.t_s if expectation.begin else None
            return
        self._declared = max(0, self._declared + (1 if expectation.begin else -1))
        if not self._declared:
            self._restart(expectation.t_s)

    def _event(self, event: MachineEvent) -> None:
        match event.name:
            case "stopped" | "suspended":
                self._paused = True
            case "resumed" | "woken":
                self._paused = False
                self._restart(event.t_s)
            case "restored" | "cloned":
                self._over = self._paused = False
                self._answered, self._open = None, None
                self._restart(event.t_s)
            case "shutdown" | "destroyed" | "process-gone":
                self._over = True
            case "started":
                self._over = False
                self._restart(event.t_s)
            case _:
                pass

    def _restart(self, t_s: float) -> None:
        """Silence up to here was in order."""
        self._failed = False
        self._since = max(self._since, t_s)
        if self._answered is not None:
            self._answered = t_s

    def _judge(self) -> None:
        if (
            self._probed
            or self._over
            or self._paused
            or self._declared
            or not self._failed
            or self._open is not None
        ):
            return
        if self._answered is None:
            self._overdue(NO_BOOT, self._since)
        elif self._reboot_since is not None:
            self._overdue(NO_RETURN, max(self._reboot_since, self._answered))
        elif self._t_s - self._answered > self._settings.heartbeat_s:
            detail = f"no channel answered after {self._answered:.1f} s; {self._output(self._answered)}"
            self._add(FindingKind.LOST_CONNECTION, LOST, detail)

    def _overdue(self, title: str, since: float) -> None:
        waited = self._t_s - since
        if waited > self._settings.boot_s:
            detail = f"no channel answered in {self._settings.boot_s:.0f} s; {self._output(since)}"
            self._add(FindingKind.BOOT_FAILURE, title, detail)

    def _output(self, since: float) -> str:
        if self._output_s > since:
            return f"the console still wrote at {self._output_s:.1f} s (output but no answer)"
        return "no output on the console either"

    def _add(self, kind: FindingKind, title: str, detail: str) -> None:
        self._open, self._function = len(self.findings), ""
        self._plain = (kind, title, detail)
        self._append(self._reading(), fatal=True)

    def _reading(self) -> Reading | None:
        """The pulse of the time that counts as silence: what came before it may have been healthy."""
        since = self._t_s - max(self._settings.heartbeat_s, SHORTEST_S)
        return diagnose([sample for sample in self._samples if sample.t_s >= since])

    def _append(self, reading: Reading | None, *, fatal: bool) -> None:
        self.findings.append(self._finding(reading, fatal=fatal, t_s=self._t_s))
        self.version += 1

    def _refine(self) -> None:
        """What the samples show by now, of a silence that still lasts."""
        if self._open is None:
            return
        known = self.findings[self._open]
        reading = self._reading() if not self._probed else None
        if reading is None and known.diagnosis is not None:
            reading = Reading(known.diagnosis, self._measured)
        refined = self._finding(reading, fatal=True, t_s=known.t_s)
        if refined != known:
            self.findings[self._open] = refined
            self.version += 1

    def _finding(self, reading: Reading | None, *, fatal: bool, t_s: float) -> Finding:
        """The open finding with its diagnosis. What the host did is no fault of the guest's."""
        assert self._plain is not None
        kind, title, detail = self._plain
        alts: tuple[str, ...] = ()
        function = ""
        if reading is not None:
            self._measured = reading.measured
            detail = f"{detail}; {SAID[reading.diagnosis]}: {reading.measured}"
            fatal = fatal and reading.diagnosis not in HOST_CAUSES
            if kind is FindingKind.LOST_CONNECTION and reading.diagnosis in STUCK and not self._alive():
                kind, title = FindingKind.HANG, f"{HANGS}: {reading.diagnosis}"
                function = self._function if reading.diagnosis is Diagnosis.SPINNING else ""
                title, alts = (f"{title} in {function}", (title,)) if function else (title, ())
        return Finding(
            kind=kind,
            signature=Signature(title=title, alt_titles=alts),
            fatal=fatal,
            t_s=t_s,
            channels=("heartbeat",),
            function=function,
            detail=detail,
            diagnosis=reading.diagnosis if reading else None,
        )

    def _alive(self) -> bool:
        """Whether anything beside the heartbeats moved in the later half of the time that was given."""
        if self._open is not None and self._open < len(self.findings):
            return self._lived
        since = (self._answered or self._since) + self._settings.heartbeat_s / 2
        self._lived = max(self._output_s, self._picture_s) > since
        return self._lived
