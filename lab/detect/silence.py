"""Silence: a guest that does not come up, and one that stops answering. Time is that of the observations.

Silence that was declared, that a pause by the host explains, or that comes after the machine is
gone is not reported. Whether a crash explains it is for fuse.py to say.
"""

from __future__ import annotations

from dataclasses import replace

from lab.detect.boots import Boots
from lab.model import (
    DetectSettings,
    Expectation,
    Finding,
    FindingKind,
    Heartbeat,
    MachineEvent,
    Observation,
    SerialChunk,
    Signature,
    Step,
)

NO_BOOT = "guest did not boot"
NO_RETURN = "guest did not come back from the reboot"
LOST = "lost connection to the guest"


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

    def feed(self, observation: Observation, boots: Boots) -> None:
        self._t_s = max(self._t_s, observation.t_s)
        self._new_boot(boots)
        match observation:
            case SerialChunk():
                self._output_s = observation.t_s
            case Heartbeat(ok=True):
                if not boots.stale(observation):
                    self._answer(observation.t_s)
            case Heartbeat():
                self._failed = True
            case Expectation():
                self._expect(observation)
            case MachineEvent():
                self._event(observation)
            case Step(name="attempt", phase="end"):
                self._over = True
            case _:
                pass
        self._judge()

    def finish(self, t_s: float) -> None:
        """Nothing more comes; silence lasted until `t_s`."""
        self._t_s = max(self._t_s, t_s)
        self._judge()

    def _new_boot(self, boots: Boots) -> None:
        now = boots.current
        if now is not None and now.number != self._boot:
            self._boot, self._since = now.number, now.t_s
            self._answered, self._failed, self._open, self._reboot_since = None, False, None, None

    def _answer(self, t_s: float) -> None:
        if self._open is not None:
            known = self.findings[self._open]
            if known.kind is FindingKind.LOST_CONNECTION:
                detail = f"{known.detail}; it answered again at {t_s:.1f} s"
                self.findings[self._open] = replace(known, fatal=False, detail=detail)
        self._answered, self._failed, self._open = t_s, False, None

    def _expect(self, expectation: Expectation) -> None:
        if expectation.what == "reboot":
            self._reboot_since = expectation.t_s if expectation.begin else None
            return
        self._declared = max(0, self._declared + (1 if expectation.begin else -1))
        if not self._declared:
            self._restart(expectation.t_s)

    def _event(self, event: MachineEvent) -> None:
        match event.name:
            case "stopped":
                self._paused = True
            case "resumed":
                self._paused = False
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
        if self._over or self._paused or self._declared or not self._failed or self._open is not None:
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
        self._open = len(self.findings)
        self.findings.append(
            Finding(
                kind=kind,
                signature=Signature(title=title),
                fatal=True,
                t_s=self._t_s,
                channels=("heartbeat",),
                detail=detail,
            )
        )
