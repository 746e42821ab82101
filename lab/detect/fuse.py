"""From sightings by several channels to one finding per real event. Pure list in, list out.

The panic device and the console report one panic; a crash at every boot is one bug seen n times;
the reset, the silence and the dead agent after a crash are that crash's. Refuses to look at raw
observations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lab.detect.boots import Boot, BootLog
from lab.detect.machine_events import EVENT_PANIC
from lab.model import Finding, FindingKind, Signature

MOST_EVIDENCE = 8
"""Byte ranges kept of a bug that was seen many times."""

CRASHES = frozenset(
    {
        FindingKind.PANIC,
        FindingKind.BUGCHECK,
        FindingKind.OOPS,
        FindingKind.LOCKUP,
        FindingKind.HUNG_TASK,
        FindingKind.WATCHDOG,
    }
)
CONSEQUENCES = frozenset(
    {
        FindingKind.LOST_CONNECTION,
        FindingKind.BOOT_FAILURE,
        FindingKind.UNEXPECTED_SHUTDOWN,
        FindingKind.UNEXPECTED_REBOOT,
        FindingKind.AGENT_DOWN,
        FindingKind.WATCHDOG,
    }
)
"""What a crash explains when it comes before."""

Key = tuple[str, int]
"""Which detector saw it, and its number there."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One finding of one detector."""

    key: Key
    finding: Finding


@dataclass(frozen=True, slots=True)
class Fused:
    """One event, the sightings it was made of, and the boots it happened in."""

    finding: Finding
    keys: frozenset[Key]
    boots: frozenset[int]

    @property
    def crash(self) -> bool:
        return self.finding.fatal and self.finding.kind in CRASHES


def fuse(sightings: Iterable[Sighting], boots: BootLog, loop_resets: int) -> tuple[Fused, ...]:
    """One entry per real event, by time.

    :param loop_resets: unexpected resets that make a boot loop.
    """
    seen = [_placed(sighting, boots) for sighting in sightings]
    seen = _same_bug(_panics(seen))
    crashes = [event for event in seen if event.crash and event.finding.kind is not FindingKind.WATCHDOG]
    seen += _resets(boots, crashes)
    watchdogs = [event for event in seen if event.crash]
    seen = [event for event in seen if not _explained(event, crashes or watchdogs, seen)]
    seen = _loop(seen, boots, loop_resets)
    return tuple(sorted(seen, key=lambda event: (event.finding.t_s, sorted(event.keys))))


def _placed(sighting: Sighting, boots: BootLog) -> Fused:
    finding = sighting.finding
    offset = finding.evidence[0].start if finding.evidence else None
    finding = replace(finding, boot=boots.at(finding.t_s, offset))
    return Fused(finding, frozenset({sighting.key}), frozenset({finding.boot}))


def _panics(seen: Sequence[Fused]) -> list[Fused]:
    """Join each panic event with the console's report of the same boot: its title says more."""
    events = [event for event in seen if _from_event(event)]
    others = [event for event in seen if not _from_event(event)]
    for event in events:
        same = [i for i, other in enumerate(others) if _reports(other, event)]
        last = max(
            same,
            key=lambda i: (others[i].finding.kind is FindingKind.PANIC, others[i].finding.t_s),
            default=None,
        )
        if last is None:
            others.append(event)
        else:
            others[last] = _join(others[last], event, count=others[last].finding.count)
    return others


def _from_event(event: Fused) -> bool:
    return event.finding.channels == ("event",) and event.finding.kind in (
        FindingKind.PANIC,
        FindingKind.BUGCHECK,
    )


def _reports(other: Fused, event: Fused) -> bool:
    return other.crash and "serial" in other.finding.channels and other.finding.boot == event.finding.boot


def _same_bug(seen: Sequence[Fused]) -> list[Fused]:
    """One entry per bug, however often it was seen."""
    merged: list[Fused] = []
    for event in sorted(seen, key=lambda event: (event.finding.t_s, event.finding.boot)):
        known = next((i for i, other in enumerate(merged) if _repeats(event, other)), None)
        if known is None:
            merged.append(event)
        else:
            count = merged[known].finding.count + event.finding.count
            merged[known] = _join(merged[known], event, count=count)
    return merged


def _repeats(event: Fused, other: Fused) -> bool:
    if event.finding.signature.same_bug(other.finding.signature):
        return True
    return event.crash and other.crash and EVENT_PANIC in (event.finding.title, other.finding.title)


def _join(one: Fused, two: Fused, *, count: int) -> Fused:
    """`one` and `two` are the same event or bug; the better title and the earlier time win."""
    first, second = sorted((one.finding, two.finding), key=lambda finding: finding.t_s)
    named = second if first.title == EVENT_PANIC else first
    other = first if named is second else second
    worst = next((found for found in (named, other) if found.kind is FindingKind.PANIC), named)
    worst = worst if worst.fatal or not other.fatal else other
    titles = (*named.signature.alt_titles, other.title, *other.signature.alt_titles)
    alts = tuple(dict.fromkeys(title for title in titles if title not in (named.title, EVENT_PANIC)))
    finding = replace(
        named,
        kind=worst.kind,
        signature=Signature(title=named.title, alt_titles=alts),
        fatal=first.fatal or second.fatal,
        t_s=first.t_s,
        evidence=tuple(dict.fromkeys((*first.evidence, *second.evidence)))[:MOST_EVIDENCE],
        channels=tuple(dict.fromkeys((*first.channels, *second.channels))),
        detail=named.detail or other.detail,
        count=count,
        boot=min(first.boot, second.boot),
    )
    return Fused(finding, one.keys | two.keys, one.boots | two.boots)


def _resets(boots: BootLog, crashes: Sequence[Fused]) -> list[Fused]:
    """Unexpected resets that no crash of the boot before explains, as one event."""
    crashed = frozenset[int]().union(*(crash.boots for crash in crashes))
    alone = [boot for boot in boots.unexpected if boot.number - 1 not in crashed]
    if not alone:
        return []
    first = alone[0]
    finding = Finding(
        kind=FindingKind.UNEXPECTED_REBOOT,
        signature=Signature(title="unexpected reset"),
        fatal=True,
        t_s=first.t_s,
        channels=_channels(first),
        detail=f"boot {first.number} began at {first.t_s:.1f} s and nothing had asked for it",
        count=len(alone),
        boot=first.number - 1,
    )
    keys = frozenset(("reset", boot.number) for boot in alone)
    return [Fused(finding, keys, frozenset(boot.number - 1 for boot in alone))]


def _channels(boot: Boot) -> tuple[str, ...]:
    names = {
        "reset": "event",
        "start": "event",
        "firmware": "serial",
        "kernel": "serial",
        "boot-id": "heartbeat",
    }
    return tuple(dict.fromkeys(names[sign] for sign in boot.signs))


def _explained(event: Fused, crashes: Sequence[Fused], seen: Sequence[Fused]) -> bool:
    """Whether a crash, or a better report of the same failure to boot, accounts for `event`."""
    finding = event.finding
    if finding.kind not in CONSEQUENCES or not finding.fatal:
        return False
    if finding.kind is FindingKind.BOOT_FAILURE and finding.channels == ("heartbeat",):
        told = [
            other for other in seen if other.finding.kind is FindingKind.BOOT_FAILURE and other is not event
        ]
        if any("serial" in other.finding.channels and other.boots & event.boots for other in told):
            return True
    if finding.kind is FindingKind.BOOT_FAILURE and "serial" in finding.channels:
        return False
    if finding.kind is FindingKind.UNEXPECTED_REBOOT:
        return False
    return any(crash is not event and crash.finding.t_s <= finding.t_s for crash in crashes)


def _loop(seen: list[Fused], boots: BootLog, loop_resets: int) -> list[Fused]:
    """Enough unexpected resets are a boot loop, which then stands for the resets."""
    resets = boots.unexpected
    if loop_resets < 1 or len(resets) < loop_resets:
        return seen
    kept = [event for event in seen if event.finding.kind is not FindingKind.UNEXPECTED_REBOOT]
    cause = min((event for event in kept if event.crash), key=lambda event: event.finding.t_s, default=None)
    title = f"boot loop after {cause.finding.title}" if cause else "boot loop"
    proof = resets[loop_resets - 1]
    finding = Finding(
        kind=FindingKind.BOOT_LOOP,
        signature=Signature(title=title),
        fatal=True,
        t_s=proof.t_s,
        channels=tuple(dict.fromkeys(name for boot in resets for name in _channels(boot))),
        function=cause.finding.function if cause else "",
        module=cause.finding.module if cause else "",
        detail=f"{len(resets)} unexpected resets in {boots.count} boots",
        count=len(resets),
        boot=proof.number,
    )
    return [*kept, Fused(finding, frozenset({("loop", 0)}), frozenset({proof.number}))]
