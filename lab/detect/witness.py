"""Who saw an event and when, and who should have seen it and did not.

Keeps of each channel only what it takes to say so: that it spoke at all, and when. Refuses to find.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from lab.detect.bootlog import Boot, BootKind, BootLog
from lab.detect.captured import Captured
from lab.detect.fuse import CRASHES, STOPS, Fused
from lab.detect.screenwatch import ScreenWatch
from lab.model import (
    Capture,
    DetectSettings,
    Finding,
    FindingKind,
    Heartbeat,
    MachineEvent,
    Missed,
    Observation,
    SerialChunk,
    Sighted,
)

WITNESSED = CRASHES - {FindingKind.WATCHDOG}
"""Kinds whose channels are accounted for."""
FRAME_S = 3.0
"""A screen sensor that looks every 2 s has seen what stays so long."""
BEAT_S = 5.0


class Witness:
    """Watches the channels themselves."""

    def __init__(self, settings: DetectSettings, screens: ScreenWatch, captured: Captured) -> None:
        self._blind = frozenset(settings.blind)
        self._screens = screens
        self._captured = captured
        self._events = False
        self._wrote = False
        self._answered = False
        self._failures: list[float] = []
        self._dumps: list[Capture] = []
        self.version = 0

    def feed(self, observation: Observation) -> None:
        match observation:
            case MachineEvent():
                self._events = True
            case SerialChunk():
                self._wrote = True
            case Heartbeat(ok=True):
                self._answered = True
            case Heartbeat():
                self._failures.append(observation.t_s)
            case Capture(what="guest-dump"):
                self._dumps.append(observation)
                self.version += 1
            case _:
                pass

    def account(self, events: Sequence[Fused], boots: BootLog) -> tuple[Finding, ...]:
        """The findings of `events`, each with its time line and the channels that missed it."""
        return tuple(self._told(event, boots) for event in events)

    def _told(self, event: Fused, boots: BootLog) -> Finding:
        finding = event.finding
        timeline = _timeline(event, boots)
        if not (finding.fatal and finding.kind in WITNESSED):
            return replace(finding, timeline=timeline)
        following = boots.boot(max(event.boots) + 1) if len(event.boots) == 1 else None
        following = following or boots.boot(finding.boot + 1)
        boot = boots.boot(finding.boot)
        stopped = finding.kind in STOPS or (boot is not None and boot.crashed)
        missed = tuple(
            one
            for one in (
                self._serial(finding),
                *(self._of_stop(finding, following) if stopped else ()),
            )
            if one is not None
        )
        return replace(finding, timeline=timeline, missed=missed)

    def _of_stop(self, finding: Finding, following: Boot | None) -> tuple[Missed | None, ...]:
        """Channels that only see a guest that stopped."""
        return (
            self._event(finding),
            self._screen(finding, following),
            self._dump(finding),
            self._heartbeat(finding, following),
        )

    def _event(self, finding: Finding) -> Missed | None:
        if "event" in finding.channels:
            return None
        if "event" in self._blind:
            return Missed(channel="event", reason="this guest has no driver for its panic device", blind=True)
        if not self._events:
            return Missed(channel="event", reason="nothing listened to the hypervisor", blind=True)
        return Missed(channel="event", reason="the panic device did not report")

    def _serial(self, finding: Finding) -> Missed | None:
        if "serial" in finding.channels:
            return None
        if "serial" in self._blind:
            return Missed(channel="serial", reason="this guest has no console there", blind=True)
        if not self._wrote:
            return Missed(channel="serial", reason="the console never wrote anything", blind=True)
        return Missed(channel="serial", reason="the console wrote nothing that names it")

    def _screen(self, finding: Finding, following: Boot | None) -> Missed | None:
        if "screen" in finding.channels:
            return None
        if "screen" in self._blind:
            return Missed(channel="screen", reason="this guest shows nothing there", blind=True)
        if not self._screens.looks:
            return Missed(channel="screen", reason="nobody looked at the screens", blind=True)
        frames = self._screens.frames
        if not frames:
            return Missed(channel="screen", reason="no frame was taken", blind=True)
        until = following.t_s if following is not None else float("inf")
        if until - finding.t_s < FRAME_S:
            gone = f"the guest was reset {until - finding.t_s:.1f} s later, before the next frame"
            return Missed(channel="screen", reason=gone, blind=True)
        start = bisect_left(frames, finding.t_s, key=lambda frame: frame[0])
        after = [kind for t_s, kind in frames[start:] if t_s < until]
        if not after:
            return Missed(channel="screen", reason="the picture did not change")
        kinds = ", ".join(sorted({kind.value if kind else "not looked at" for kind in after}))
        return Missed(channel="screen", reason=f"{len(after)} frames after it showed: {kinds}")

    def _dump(self, finding: Finding) -> Missed | None:
        """Only where a dump was waited for."""
        if "dump" in finding.channels:
            return None
        tried = next((dump for dump in self._dumps if dump.t_s >= finding.t_s), None)
        if tried is None:
            return None
        unread = next((problem for problem in self._captured.problems if tried.path in problem), "")
        said = unread or tried.detail or ("it names no crash" if tried.ok else "the guest wrote none")
        return Missed(channel="dump", reason=said)

    def _heartbeat(self, finding: Finding, following: Boot | None) -> Missed | None:
        """A crash that the heartbeats did not notice: the guest was back too soon, or never gone."""
        if not self._answered:
            return None
        start = bisect_left(self._failures, finding.t_s)
        until = following.t_s + BEAT_S if following is not None else float("inf")
        if start < len(self._failures) and self._failures[start] <= until:
            return None
        return Missed(channel="heartbeat", reason="no heartbeat failed after it")


def _timeline(event: Fused, boots: BootLog) -> tuple[Sighted, ...]:
    """Each channel's first word on the first occurrence, then what followed from it."""
    begun: dict[str, tuple[float, str]] = {}
    for part in event.parts or (event.finding,):
        for channel in part.channels:
            if channel not in begun or part.t_s < begun[channel][0]:
                begun[channel] = (part.t_s, part.title)
    following = boots.boot(event.finding.boot + 1)
    if event.crash and following is not None and following.kind is BootKind.UNEXPECTED:
        begun.setdefault("reset", (following.t_s, f"boot {following.number} began"))
    for after in event.after:
        if after.boot == event.finding.boot and "heartbeat" in after.channels:
            begun.setdefault("heartbeat", (after.t_s, after.title))
    first = min(t_s for t_s, _ in begun.values()) if begun else 0.0
    ordered = sorted(begun.items(), key=lambda item: item[1][0])
    return tuple(
        Sighted(channel=channel, t_s=t_s, latency_s=t_s - first, what=what)
        for channel, (t_s, what) in ordered
    )
