"""What happened in one attempt, for people: its boots, who saw the failure and when, and what the lab did.

Reads observations; finds nothing (that is `detect`) and judges nothing (that is `verdict`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from lab.detect.boots import STALE_S, BootKind
from lab.detect.boots import count as count_boots
from lab.model import (
    CommandRun,
    Expectation,
    Finding,
    FindingKind,
    Frame,
    Heartbeat,
    MachineEvent,
    Observation,
    Proof,
    Step,
)
from lab.report.console import Console, evidence_on_console
from lab.report.shape_failures import Sighting, StoryLine
from lab.report.shape_measured import Boot, Mark
from lab.report.wording import KIND_WORD, count, plain, seconds

CHANNELS = ("event", "serial", "screen", "heartbeat", "agent")
OPERATIONS = ("install", "update", "rollback", "uninstall")
VERSION_AXES = ("build", "content")
LONGEST_STORY = 60
BAD_OUTCOMES = ("failed", "stopped", "error", "refused", "lost")
ENDS = {"shutdown": "shutdown", "stopped": "shutdown", "destroyed": "destroyed", "process-gone": "gone"}
BOOT_ENDS = {BootKind.REQUESTED: "requested-reboot", BootKind.EXPECTED: "expected-reboot"}
CRASHES = frozenset({FindingKind.BUGCHECK, FindingKind.PANIC, FindingKind.OOPS, FindingKind.LOCKUP})
EVENTS_OF: Mapping[FindingKind, tuple[str, ...]] = {
    FindingKind.PANIC: ("panicked",),
    FindingKind.BUGCHECK: ("panicked",),
    FindingKind.OOPS: ("panicked",),
    FindingKind.WATCHDOG: ("watchdog",),
    FindingKind.IO_ERROR: ("io-error",),
    FindingKind.UNEXPECTED_SHUTDOWN: ("shutdown", "stopped"),
}
"""Which hypervisor events show a kind of finding; any other kind shows as a reset."""


def expected_boots(facts: Mapping[str, Any]) -> int:
    """Resets that the image makes by itself, as the attempt's detectors were told."""
    settings = facts.get("detect")
    told = settings.get("expected_boots") if isinstance(settings, Mapping) else 0
    return told if isinstance(told, int) else 0


def boots(
    observations: Sequence[Observation], findings: Iterable[Finding] = (), quirk: int = 0
) -> tuple[Boot, ...]:
    """The boots that `lab.detect.boots` counts, with when each became ready, crashed and ended.

    A boot ends where the next begins, or earlier when the machine was switched off. `quirk`: as in
    `expected_boots`.
    """
    counted = count_boots(observations, quirk).boots
    last_s = max((item.t_s for item in observations), default=0.0)
    crashes = [finding.t_s for finding in findings if finding.kind in CRASHES]
    crashes += [
        item.t_s for item in observations if isinstance(item, MachineEvent) and item.name == "panicked"
    ]
    made = []
    for boot, following in zip_longest(counted, counted[1:]):
        start_s = boot.t_s if boot.number > 1 else 0.0
        until_s = following.t_s if following else last_s
        off = _switched_off(observations, start_s, until_s)
        end_s = off.t_s if off else until_s
        crash_s = min((t_s for t_s in crashes if start_s <= t_s <= end_s), default=None)
        if crash_s is not None or boot.crashed:
            end = "crash"
        elif off:
            end = ENDS[off.name]
        elif following:
            end = BOOT_ENDS.get(following.kind, "unexpected-reset")
        else:
            end = "open"
        ready_s = _ready(observations, start_s, end_s)
        made.append(
            Boot(number=boot.number, start_s=start_s, ready_s=ready_s, crash_s=crash_s, end_s=end_s, end=end)
        )
    return tuple(made)


def _switched_off(observations: Sequence[Observation], start_s: float, end_s: float) -> MachineEvent | None:
    return next(
        (
            item
            for item in observations
            if isinstance(item, MachineEvent) and item.name in ENDS and start_s <= item.t_s <= end_s
        ),
        None,
    )


def _ready(observations: Sequence[Observation], start_s: float, end_s: float) -> float | None:
    """When a channel first answered; an answer in the first second of a later boot was sent before it."""
    begin_s = start_s + STALE_S if start_s else start_s
    for item in observations:
        answered = (isinstance(item, Step) and item.name == "booted") or (
            isinstance(item, Heartbeat) and item.ok
        )
        if answered and begin_s <= item.t_s <= end_s:
            return item.t_s
    return None


def marks(observations: Sequence[Observation], findings: Iterable[Finding]) -> tuple[Mark, ...]:
    """The points to draw on the boots timeline."""
    made = [
        Mark(t_s=item.t_s, kind="update", text=operation(item))
        for item in observations
        if isinstance(item, Step) and item.name in OPERATIONS and item.phase == "start"
    ]
    made += [Mark(t_s=one.t_s, kind="finding", text=KIND_WORD[one.kind]) for one in findings]
    return tuple(sorted(made, key=lambda mark: mark.t_s))


def operation(step: Step) -> str:
    """`update to build 1.0, content 291`."""
    told = [f"{key} {step.detail[key]}" for key in VERSION_AXES if step.detail.get(key)]
    return " to ".join([step.name, ", ".join(told)]) if told else step.name


def after_update(observations: Sequence[Observation], t_s: float) -> float | None:
    """Seconds from the start of the last agent operation before `t_s`, or None without one."""
    starts = [
        item.t_s
        for item in observations
        if isinstance(item, Step) and item.name in OPERATIONS and item.phase == "start" and item.t_s <= t_s
    ]
    return t_s - starts[-1] if starts else None


def sightings(
    finding: Finding, observations: Sequence[Observation], console: Console
) -> tuple[Sighting, ...]:
    """For every channel whether it saw `finding`, and when: first the ones that did, in their order.

    The detectors' own time line counts; without one, what can be told from the observations.
    """
    if finding.timeline:
        return _accounted(finding)
    order = [*finding.channels, *(name for name in CHANNELS if name not in finding.channels)]
    made = []
    for at, channel in enumerate(order):
        seen = channel in finding.channels
        t_s = _seen_at(channel, finding, observations, console) if seen else None
        if seen and at == 0 and t_s is None:
            t_s = finding.t_s
        delay_s = None if t_s is None else t_s - finding.t_s
        made.append(
            Sighting(
                channel=channel,
                seen=seen,
                first=at == 0 and seen,
                t_s=t_s,
                delay_s=delay_s,
                what="",
                blind=False,
            )
        )
    return tuple(made)


def _accounted(finding: Finding) -> tuple[Sighting, ...]:
    """Who saw it in their order, then who missed it, then who could not have seen it."""
    made = [
        Sighting(
            channel=one.channel,
            seen=True,
            first=at == 0,
            t_s=one.t_s,
            delay_s=one.latency_s,
            what="" if finding.title.startswith(one.what) else one.what,
            blind=False,
        )
        for at, one in enumerate(finding.timeline)
    ]
    made += [
        Sighting(
            channel=one.channel,
            seen=False,
            first=False,
            t_s=None,
            delay_s=None,
            what=one.reason,
            blind=one.blind,
        )
        for one in sorted(finding.missed, key=lambda one: one.blind)
    ]
    return tuple(made)


def _seen_at(
    channel: str, finding: Finding, observations: Sequence[Observation], console: Console
) -> float | None:
    """When `channel` saw it: the observation nearest to the finding that can have shown it."""
    if channel == "serial":
        ref = evidence_on_console(finding.evidence)
        return console.time_of(ref.start) if ref else None
    times = [item.t_s for item in observations if _shows(channel, finding, item)]
    return min(times, key=lambda t_s: abs(t_s - finding.t_s), default=None)


def _shows(channel: str, finding: Finding, item: Observation) -> bool:
    match item:
        case MachineEvent():
            return channel == "event" and item.name in EVENTS_OF.get(finding.kind, ("reset",))
        case Frame():
            return channel == "screen" and any(ref.path == item.path for ref in finding.evidence)
        case Heartbeat():
            return channel == "heartbeat" and not item.ok
        case Proof():
            return channel == "agent" and item.what in ("refused", "healthy")
        case _:
            return False


def story(
    observations: Sequence[Observation], findings: Iterable[Finding], around_s: float
) -> tuple[StoryLine, ...]:
    """Commands, steps, proofs, events and findings by time; the `LONGEST_STORY` nearest `around_s`."""
    lines = [_finding_line(finding) for finding in findings]
    answering = True
    for item in observations:
        if isinstance(item, Heartbeat):
            if answering and not item.ok:
                text = f"no answer on {item.channel}"
                lines.append(_line(item.t_s, "silence", text, item.error, ok=False))
            answering = item.ok
        elif (line := _story_line(item)) is not None:
            lines.append(line)
    nearest = sorted(lines, key=lambda line: abs(line.t_s - around_s))[:LONGEST_STORY]
    return tuple(sorted(nearest, key=lambda line: line.t_s))


def _story_line(item: Observation) -> StoryLine | None:
    match item:
        case CommandRun():
            return _command_line(item)
        case Step():
            text = operation(item) if item.name in OPERATIONS else item.name
            text = f"{text}: {item.outcome}" if item.outcome else f"{text} ({item.phase})"
            ok = item.name != "lab-fault" and item.outcome not in BAD_OUTCOMES
            told = {key: value for key, value in item.detail.items() if key not in VERSION_AXES}
            return _line(item.t_s, "step", text, _details(told), ok=ok)
        case MachineEvent():
            ok = item.name not in ("panicked", "watchdog", "io-error", "process-gone")
            return _line(item.t_s, "event", item.name, _details(item.details), ok=ok)
        case Proof():
            ok = item.what != "refused" and item.values.get("ok") is not False
            return _line(item.t_s, "proof", item.what, _details(item.values), ok=ok)
        case Expectation(begin=True):
            return _line(item.t_s, "step", f"expects {item.what}", item.reason, ok=True)
        case _:
            return None


def _command_line(command: CommandRun) -> StoryLine:
    ended = "no exit code" if command.exit_code is None else f"exit {command.exit_code}"
    printed = (command.stderr.strip() or command.stdout.strip())[-600:]
    detail = f"{ended} after {seconds(command.duration_s)} on {command.channel}"
    return _line(
        command.t_s,
        "command",
        command.command,
        f"{detail}\n{printed}" if printed else detail,
        ok=command.exit_code == 0,
    )


def _finding_line(finding: Finding) -> StoryLine:
    times = f", {count(finding.count, 'time')}" if finding.count > 1 else ""
    detail = f"{KIND_WORD[finding.kind]} in boot {finding.boot}{times}"
    return _line(finding.t_s, "finding", finding.title, detail, ok=not finding.fatal)


def _line(t_s: float, kind: str, text: str, detail: str, *, ok: bool) -> StoryLine:
    return StoryLine(t_s=t_s, kind=kind, text=plain(text, 300), detail=plain(detail, 800), ok=ok)


def _details(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items() if value not in (None, "", [], {}))
