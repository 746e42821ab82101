"""What the hypervisor itself reports: panic device, watchdog, I/O error, power-off.

The most trusted channel and the least talkative: it knows that a guest panicked, not why.
Refuses to look at anything but machine events, and at declared shutdowns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.detect.windows import stop
from lab.model import Expectation, Finding, FindingKind, MachineEvent, Observation, Signature, Step

LAB_REASONS = ("host-", "guest-panic", "guest-reset")
"""QEMU's SHUTDOWN reasons (qapi/run-state.json) that are not the guest's own decision to power off."""
EVENT_PANIC = "kernel panic"
"""All that the panic device says of a Linux guest; the console's title is better."""


class MachineEvents:
    """Findings in the order of the events."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._shutdown_declared = False
        self._over = False

    def feed(self, observation: Observation) -> None:
        match observation:
            case Expectation(what="shutdown"):
                self._shutdown_declared = observation.begin
            case Step(name="attempt", phase="end"):
                self._over = True
            case MachineEvent(name="destroyed" | "process-gone"):
                self._over = True
            case MachineEvent(name="started"):
                self._over = False
            case MachineEvent() if not self._over:
                self._event(observation)
            case _:
                pass

    def _event(self, event: MachineEvent) -> None:
        match event.name:
            case "panicked" | "crashloaded":
                self.findings.append(panic(event))
            case "watchdog":
                self._add(
                    event, FindingKind.WATCHDOG, "watchdog fired", "the guest stopped feeding its watchdog"
                )
            case "io-error":
                what = str(event.details.get("device") or event.details.get("path") or "")
                self._add(
                    event, FindingKind.IO_ERROR, "I/O error", f"QEMU reported an I/O error {what}".strip()
                )
            case "shutdown" if not self._shutdown_declared and not by_lab(event.details):
                detail = "the guest powered itself off and nothing had asked for it"
                self._add(event, FindingKind.UNEXPECTED_SHUTDOWN, "unexpected shutdown", detail)
            case _:
                pass

    def _add(self, event: MachineEvent, kind: FindingKind, title: str, detail: str) -> None:
        self.findings.append(
            Finding(
                kind=kind,
                signature=Signature(title=title),
                fatal=True,
                t_s=event.t_s,
                channels=("event",),
                detail=detail,
            )
        )


def panic(event: MachineEvent) -> Finding:
    """What a panic event tells. Windows gives its stop code through Hyper-V's registers; Linux only that it
    panicked, and with `crashloaded` that its crash kernel takes over."""
    told = stop.event_finding(event.details, event.t_s)
    if told is not None:
        return told
    crash_kernel = "; its crash kernel takes over" if event.name == "crashloaded" else ""
    return Finding(
        kind=FindingKind.PANIC,
        signature=Signature(title=EVENT_PANIC),
        fatal=True,
        t_s=event.t_s,
        channels=("event",),
        detail=f"the guest told its panic device that the kernel panicked{crash_kernel}",
    )


def by_lab(details: Mapping[str, Any]) -> bool:
    """Whether a shutdown was the lab's doing or the end of a panic."""
    return details.get("by") == "lab" or str(details.get("reason", "")).startswith(LAB_REASONS)
