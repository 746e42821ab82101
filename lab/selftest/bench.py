"""One canary, run: the same attempt as a cell's, with a trigger in place of a scenario.

Owns how a canary's guest is ordered, brought up and provoked, and when each channel had named it. Refuses
to say whether that is enough: `lab.selftest.runner` does.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.clock import Deadline
from lab.guest.agent_port import AgentPort, quietly
from lab.guest.channel import Channel
from lab.guest.guest import Guest
from lab.images.built import BuiltImage
from lab.model import Finding, FindingKind, Heartbeat, Observation, Profile, Step, Timeouts
from lab.places import Places
from lab.running.order import CellOrder, HostChoice
from lab.selftest import module, standin, unplanned
from lab.selftest.canaries import Act, Canary
from lab.selftest.unplanned import UnplannedAttempt

MEMORY_MIB = 256
LOOK_S = 0.02
"""Between two looks at what was found: the resolution of latencies."""
AFTER_REPLAY = ("dump",)
"""Channels that speak only when the recording is judged."""
REQUEST_S = 3.0
BEAT_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the live watcher had found of a canary."""

    trigger_s: float
    """On the recording's clock."""
    seen: Mapping[str, float] = field(default_factory=dict)
    """Channel -> seconds after the trigger until the finding named it."""
    before: tuple[Finding, ...] = ()
    """Found before anything was provoked."""
    findings: tuple[Finding, ...] = ()


class CanaryAttempt(UnplannedAttempt):
    """A canary's attempt, which knows when its guest began to answer."""

    beating: threading.Event
    """Set by the first heartbeat that was answered: silence counts from an answer."""

    def _open_recording(self) -> None:
        super()._open_recording()
        self.beating = threading.Event()
        self.recorder.subscribe(self._listen)

    def _listen(self, observation: Observation) -> None:
        if isinstance(observation, Heartbeat) and observation.ok:
            self.beating.set()

    def _reach(self, channels: Sequence[Channel]) -> None:
        if channels:
            self.guest = Guest(channels, self.record, self.clock, self.timeouts, dialect=self.dialect)
            self._stack.callback(self.guest.close)

    def _linger(self) -> None:
        """Nothing is waited for beyond what the canary asks; evidence only where it is part of that."""
        if self.order.evidence.dump_disk_mib:
            super()._linger()


def run(canary: Canary, base: BuiltImage, host: HostChoice, places: Places, recording: Path) -> Watched:
    """Boot the canary, provoke it, and watch until all its channels have spoken or its time is over.

    :param recording: must not exist; holds the attempt afterwards.
    :raise LabError: the guest did not come up, or the machine failed.
    """
    image = image_of(canary, base, places, recording.parent / "image")
    with CanaryAttempt(order(canary, image, host, places, recording)) as attempt:
        attempt.scenario_started({"canary": canary.name})
        if not canary.from_power_on:
            _prepare(attempt, canary, base, places)
        before = tuple(attempt.watch.findings)
        trigger_s = 0.0 if canary.from_power_on else attempt.clock.t_s
        _trigger(attempt, canary)
        seen = _watch(attempt, canary, trigger_s, host.factor)
        findings = tuple(attempt.watch.findings)
        attempt.scenario_ended("completed")
    return Watched(trigger_s=trigger_s, seen=seen, before=before, findings=findings)


def image_of(canary: Canary, base: BuiltImage, places: Places, directory: Path) -> BuiltImage:
    """The base image as the canary needs it."""
    if canary.stand_in is not None:
        return standin.build(base, canary.stand_in, directory, artefacts=places.artefacts)
    if canary.act is Act.NO_ROOT:
        return replace(base, initrd=None)
    if canary.text_screen:
        consoles = "console=tty0" if canary.screen_only else "console=tty0 console=ttyS0"
        return replace(base, cmdline=base.cmdline.replace("console=ttyS0", consoles))
    return base


def order(canary: Canary, image: BuiltImage, host: HostChoice, places: Places, recording: Path) -> CellOrder:
    """The canary as an attempt."""
    return unplanned.order(
        image,
        host,
        places,
        recording,
        Profile(name="selftest", memory_mib=MEMORY_MIB),
        name=canary.name,
        timeouts=Timeouts(heartbeat_s=canary.heartbeat_s, cell_s=240.0 + canary.deadline_s),
        dump_disk_mib=canary.stand_in.dump_disk_mib if canary.stand_in is not None else 0,
        loop_resets=canary.loop_resets,
    )


def matching(canary: Canary, findings: Sequence[Finding]) -> Finding | None:
    """The finding that the canary is about."""
    for finding in findings:
        titled = not canary.title or any(
            re.search(canary.title, title)
            for title in (finding.signature.title, *finding.signature.alt_titles)
        )
        if finding.kind in canary.kinds and titled:
            return finding
    return None


def channels_of(finding: Finding, others: Sequence[Finding] = ()) -> dict[str, float]:
    """Channel -> when its own sighting was, on the recording's clock.

    :param others: all findings; a boot loop's cause is among them, and who saw that saw the loop too.
    """
    told = dict.fromkeys(finding.channels, finding.t_s)
    told |= {sighted.channel: sighted.t_s for sighted in finding.timeline}
    if finding.kind is not FindingKind.BOOT_LOOP:
        return told
    if "event" in told:
        told["reset"] = told["event"]  # a loop that events tell is one of counted resets
    for cause in others:
        if cause is not finding and finding.title.endswith(cause.title):
            told = {**channels_of(cause), **told}
    return told


def _prepare(attempt: CanaryAttempt, canary: Canary, base: BuiltImage, places: Places) -> None:
    guest = attempt.guest
    guest.wait_ready()
    if canary.act is Act.FAULT:
        guest.put(module.compiled(places, base), module.IN_GUEST)
        guest.run(module.load(), check=True)
    for command in (*canary.prepare, *([module.provoke("screen")] if canary.text_screen else [])):
        guest.run(command, check=True)
    attempt.beating.wait(BEAT_S * attempt.order.host.factor)
    if canary.text_screen:
        attempt.watch.quiet(3.0)  # a frame of the healthy console comes first


def _trigger(attempt: CanaryAttempt, canary: Canary) -> None:
    """Send it and do not wait for an answer: the guest may be dead before it can give one."""
    detail = {"canary": canary.name, "act": canary.act.value}
    attempt.record(Step(t_s=attempt.clock.t_s, name="canary", phase="note", detail=detail))
    if canary.act not in (Act.FAULT, Act.SHELL):
        return
    text = module.provoke(canary.argument) if canary.act is Act.FAULT else canary.argument
    port = AgentPort(attempt.machine.agent_command(), REQUEST_S)
    send = lambda: port.start(["-c", text], b"", Deadline.after(REQUEST_S))  # noqa: E731
    threading.Thread(target=quietly, args=(send,), name="trigger", daemon=True).start()


def _watch(attempt: CanaryAttempt, canary: Canary, trigger_s: float, factor: float) -> dict[str, float]:
    """Seconds after the trigger until the live finding named each channel."""
    patience_s = canary.deadline_s if canary.kinds else canary.quiet_s
    deadline, seen = Deadline.after(patience_s * factor), dict[str, float]()
    wanted = {channel for channel in canary.channels if channel not in AFTER_REPLAY}
    wait = threading.Event()
    while not deadline.passed:
        findings = attempt.watch.findings
        finding = matching(canary, findings)
        if finding is not None and (not canary.diagnosis or finding.diagnosis == canary.diagnosis):
            for channel in channels_of(finding, findings):
                seen.setdefault(channel, round(attempt.clock.t_s - trigger_s, 3))
            if wanted <= seen.keys():
                break
        elif not canary.kinds and findings:
            break
        wait.wait(LOOK_S)
    return seen
