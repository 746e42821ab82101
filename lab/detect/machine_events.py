"""What the hypervisor itself reports: panic device, watchdog, I/O error, power-off.

The most trusted channel and the least talkative: it knows that a guest panicked, not why.
Refuses to look at anything but machine events, and at declared shutdowns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
            case "panicked":
                self._add(event, *panic(event.details))
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


def panic(details: Mapping[str, Any]) -> tuple[FindingKind, str, str]:
    """Kind, title and sentence of a panic event; Windows tells its stop code through Hyper-V's registers
    (QEMU GuestPanicInformation, type hyper-v: arg1 is the code)."""
    info = details.get("info")
    found = {**details, **info} if isinstance(info, Mapping) else details
    code = found.get("arg1")
    if isinstance(code, int):
        rest = ", ".join(
            f"0x{found[name]:X}" for name in ("arg2", "arg3", "arg4", "arg5") if _whole(found, name)
        )
        return FindingKind.BUGCHECK, f"bugcheck 0x{code:X}", f"stop code 0x{code:X} with parameters {rest}"
    return FindingKind.PANIC, EVENT_PANIC, "the guest told its panic device that the kernel panicked"


def by_lab(details: Mapping[str, Any]) -> bool:
    """Whether a shutdown was the lab's doing or the end of a panic."""
    return details.get("by") == "lab" or str(details.get("reason", "")).startswith(LAB_REASONS)


def _whole(found: Mapping[str, Any], name: str) -> bool:
    return isinstance(found.get(name), int)
