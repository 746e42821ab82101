"""From sightings by several channels to one finding per real event. Pure list in, list out.

The panic device, the console, the screen and the dump report one crash; a crash at every boot is one
bug seen n times; the reset, the silence and the dead agent after a crash are that crash's. Where
channels differ, the more trusted one counts (merge.py). Refuses to look at raw observations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lab.detect.boots import Boot, BootLog
from lab.detect.merge import UNNAMED, merged, repeated
from lab.model import Finding, FindingKind, Signature

CRASHES = frozenset(
    {
        FindingKind.PANIC,
        FindingKind.BUGCHECK,
        FindingKind.OOPS,
        FindingKind.BUG,
        FindingKind.SANITIZER,
        FindingKind.LOCKUP,
        FindingKind.HUNG_TASK,
        FindingKind.WATCHDOG,
    }
)
STOPS = frozenset({FindingKind.PANIC, FindingKind.BUGCHECK})
"""A boot ends with one of these, and so has at most one of them."""
STUCK = frozenset({FindingKind.LOCKUP, FindingKind.HUNG_TASK})
"""What a hang seen from outside is called by the kernel."""
SILENCES = frozenset({FindingKind.LOST_CONNECTION, FindingKind.HANG, FindingKind.BOOT_FAILURE})
CONSEQUENCES = frozenset(
    {
        *SILENCES,
        FindingKind.UNEXPECTED_SHUTDOWN,
        FindingKind.UNEXPECTED_REBOOT,
        FindingKind.AGENT_DOWN,
        FindingKind.WATCHDOG,
    }
)
"""What a crash explains when it comes before."""
LATE = frozenset({("dump",), ("eventlog",)})
"""Channels that tell of a crash after it, when somebody asks."""
DUMP_REACH_BOOTS = 1
"""A dump is read at the earliest in the boot that wrote it, and is the crash's of that boot or the last; an
event log tells of a crash from the boot after it on."""

Key = tuple[str, int]
"""Which detector saw it, and its number there."""
Life = tuple[int, int]
"""A boot by number, and whether it was put back to an earlier state since (1) or not (0)."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One finding of one detector."""

    key: Key
    finding: Finding
    boot: int | None = None
    """Where the detector knows better than the clock."""
    tentative: bool = False
    """It counts only if another channel saw the same."""


@dataclass(frozen=True, slots=True)
class Fused:
    """One event, the sightings it was made of, and the boots it happened in."""

    finding: Finding
    keys: frozenset[Key]
    lives: frozenset[Life]
    parts: tuple[Finding, ...] = ()
    """What each channel said of its first occurrence."""
    after: tuple[Finding, ...] = ()
    """What it explains, in order."""
    tentative: bool = False

    @property
    def crash(self) -> bool:
        return self.finding.fatal and self.finding.kind in CRASHES

    @property
    def boots(self) -> frozenset[int]:
        return frozenset(number for number, _ in self.lives)


def fuse(sightings: Iterable[Sighting], boots: BootLog, loop_resets: int) -> tuple[Fused, ...]:
    """One entry per real event, by time.

    :param loop_resets: unexpected resets that make a boot loop.
    """
    seen = sorted((_placed(sighting, boots) for sighting in sightings), key=_order)
    seen = _boot_failures(_crashes(seen))
    seen = _same_bug([event for event in seen if not event.tentative])
    crashes = [event for event in seen if event.crash and event.finding.kind is not FindingKind.WATCHDOG]
    seen += _resets(boots, crashes)
    causes = crashes or [event for event in seen if event.crash]
    seen = _without_consequences(seen, causes, boots)
    seen = [_in_update(event, boots) for event in _loop(seen, boots, loop_resets)]
    return tuple(sorted(seen, key=_order))


def _order(event: Fused) -> tuple[float, list[Key]]:
    return (event.finding.t_s, sorted(event.keys))


def _placed(sighting: Sighting, boots: BootLog) -> Fused:
    finding = sighting.finding
    offset = finding.evidence[0].start if finding.evidence and finding.channels == ("serial",) else None
    number = sighting.boot if sighting.boot is not None else boots.at(finding.t_s, offset)
    finding = replace(finding, boot=number)
    life = (number, _life(boots, number, finding.t_s))
    return Fused(
        finding, frozenset({sighting.key}), frozenset({life}), (finding,), tentative=sighting.tentative
    )


def _life(boots: BootLog, number: int, t_s: float) -> int:
    boot = boots.boot(number)
    return int(boot is not None and boot.restored_s is not None and boot.restored_s <= t_s)


def _crashes(seen: Sequence[Fused]) -> list[Fused]:
    """Join what the channels say of the one crash that ended a boot."""
    others = [event for event in seen if not _is_stop(event)]
    stops = sorted((event for event in seen if _is_stop(event)), key=_weight)
    for stop in stops:
        same = [at for at, other in enumerate(others) if _same_crash(other, stop)]
        best = max(same, key=lambda at: _likeness(others[at]), default=None)
        if best is None:
            others.append(stop)
        else:
            others[best] = _joined(others[best], stop)
    return others


def _is_stop(event: Fused) -> bool:
    """A report of a crash by a channel other than the console, which alone tells several in one boot."""
    finding = event.finding
    return finding.channels in LATE or (finding.kind in STOPS and finding.channels != ("serial",))


def _weight(event: Fused) -> tuple[bool, float]:
    """Dumps last: they are the crash's that the others have seen before."""
    return (event.finding.channels in LATE, event.finding.t_s)


def _likeness(event: Fused) -> tuple[bool, float]:
    return (event.finding.kind in STOPS, event.finding.t_s)


def _same_crash(other: Fused, stop: Fused) -> bool:
    if not other.crash or other.finding.kind is FindingKind.WATCHDOG:
        return False
    if stop.finding.channels in LATE:
        near = stop.finding.boot - DUMP_REACH_BOOTS <= max(other.boots) <= stop.finding.boot
        return near and other.finding.t_s <= stop.finding.t_s
    if other.finding.kind not in STOPS and "serial" not in other.finding.channels:
        return False
    return bool(other.lives & stop.lives)


def _joined(one: Fused, two: Fused) -> Fused:
    """Two channels, one event."""
    parts = tuple(sorted((*one.parts, *two.parts), key=lambda part: part.t_s))
    return Fused(
        merged(parts),
        one.keys | two.keys,
        one.lives | (two.lives if two.finding.channels not in LATE else frozenset()),
        parts,
    )


def _boot_failures(seen: Sequence[Fused]) -> list[Fused]:
    """What console and screen say of one failure to boot."""
    kept: list[Fused] = []
    for event in seen:
        told = event.finding.kind is FindingKind.BOOT_FAILURE and event.finding.channels != ("heartbeat",)
        same = next((at for at, other in enumerate(kept) if told and _same_failure(event, other)), None)
        if same is None:
            kept.append(event)
        else:
            kept[same] = _joined(kept[same], event)
    return kept


def _same_failure(event: Fused, other: Fused) -> bool:
    finding = other.finding
    if finding.kind is not FindingKind.BOOT_FAILURE or finding.channels == ("heartbeat",):
        return False
    return bool(other.lives & event.lives) and finding.channels != event.finding.channels


def _same_bug(seen: Sequence[Fused]) -> list[Fused]:
    """One entry per bug, however often it was seen."""
    kept: list[Fused] = []
    known: dict[str, int] = {}
    for event in sorted(seen, key=lambda event: (event.finding.t_s, event.finding.boot)):
        at = _known(event, kept, known)
        if at is None:
            at = len(kept)
            kept.append(event)
        else:
            finding = repeated(kept[at].finding, event.finding)
            first = kept[at]
            kept[at] = replace(
                first, finding=finding, keys=first.keys | event.keys, lives=first.lives | event.lives
            )
        for title in (kept[at].finding.title, *kept[at].finding.signature.alt_titles):
            known.setdefault(title, at)
    return kept


def _known(event: Fused, kept: Sequence[Fused], known: dict[str, int]) -> int | None:
    """The index of the bug that `event` is a repetition of."""
    finding = event.finding
    for title in (finding.title, *finding.signature.alt_titles):
        at = known.get(title)
        if at is not None and same_bug(kept[at].finding, finding):
            return at
    unnamed = finding.title in UNNAMED
    for at, other in enumerate(kept):
        if (unnamed or other.finding.title in UNNAMED) and event.crash and other.crash:
            return at
    return None


def same_bug(one: Finding, two: Finding) -> bool:
    """By title, and not two drivers that stop Windows with the same code."""
    apart = (
        one.kind is two.kind is FindingKind.BUGCHECK
        and one.module != two.module
        and bool(one.module and two.module)
    )
    return not apart and one.signature.same_bug(two.signature)


def _resets(boots: BootLog, crashes: Sequence[Fused]) -> list[Fused]:
    """Unexpected resets that no crash of the boot before explains, as one event."""
    crashed = frozenset[Life]().union(*(crash.lives for crash in crashes))
    alone = [boot for boot in boots.unexpected if _last_life(boots, boot.number - 1) not in crashed]
    if not alone:
        return []
    first = alone[0]
    before = boots.boot(first.number - 1)
    orderly = "; the kernel said that it restarts as told" if before is not None and before.orderly else ""
    detail = f"boot {first.number} began at {first.t_s:.1f} s and nothing had asked for it{orderly}"
    finding = Finding(
        kind=FindingKind.UNEXPECTED_REBOOT,
        signature=Signature(title="unexpected reset"),
        fatal=True,
        t_s=first.t_s,
        channels=channels_of(first),
        detail=detail,
        count=len(alone),
        boot=first.number - 1,
    )
    keys = frozenset(("reset", boot.number) for boot in alone)
    lives = frozenset(_last_life(boots, boot.number - 1) for boot in alone)
    return [Fused(finding, keys, lives, (finding,))]


def _last_life(boots: BootLog, number: int) -> Life:
    boot = boots.boot(number)
    return (number, int(boot is not None and boot.restored_s is not None))


def channels_of(boot: Boot) -> tuple[str, ...]:
    """The channels that saw a boot begin."""
    names = {
        "reset": "event",
        "start": "event",
        "firmware": "serial",
        "kernel": "serial",
        "boot-id": "heartbeat",
        "screen": "screen",
    }
    return tuple(dict.fromkeys(names[sign] for sign in boot.signs))


def _without_consequences(seen: Sequence[Fused], causes: Sequence[Fused], boots: BootLog) -> list[Fused]:
    """What a crash, or a better report of the same failure, accounts for goes to that one."""
    after: dict[frozenset[Key], list[Finding]] = {}
    kept = []
    for event in seen:
        cause = _cause(event, causes, seen, boots)
        if cause is None:
            kept.append(event)
        else:
            after.setdefault(cause.keys, []).append(event.finding)
    return [_with_after(event, after.get(event.keys, [])) for event in kept]


def _with_after(event: Fused, after: Sequence[Finding]) -> Fused:
    """A hang that the kernel itself reports keeps the diagnosis that was made from outside."""
    hang = next((one for one in after if one.diagnosis is not None), None)
    finding = event.finding
    if hang is not None and finding.kind in STUCK:
        detail = "; ".join(part for part in (finding.detail, hang.detail) if part)
        finding = replace(finding, diagnosis=hang.diagnosis, detail=detail)
    return replace(event, finding=finding, after=tuple(after))


def _cause(event: Fused, causes: Sequence[Fused], seen: Sequence[Fused], boots: BootLog) -> Fused | None:
    finding = event.finding
    if finding.kind not in CONSEQUENCES or finding.kind is FindingKind.UNEXPECTED_REBOOT:
        return None
    if not finding.fatal and finding.kind is not FindingKind.HANG:
        return None
    if finding.kind is FindingKind.BOOT_FAILURE and finding.channels == ("heartbeat",):
        for other in seen:
            told = (
                other.finding.kind is FindingKind.BOOT_FAILURE and "heartbeat" not in other.finding.channels
            )
            if told and other.boots & event.boots:
                return other
    if finding.kind is FindingKind.BOOT_FAILURE and "serial" in finding.channels:
        return None
    return next((cause for cause in causes if cause is not event and _explains(cause, event, boots)), None)


def _explains(cause: Fused, event: Fused, boots: BootLog) -> bool:
    """A crash explains silence until the guest answers in a later boot, and a dead agent for good."""
    finding = event.finding
    if cause.finding.t_s > finding.t_s and cause.finding.channels not in LATE:
        return False
    if event.lives & cause.lives:
        return True
    if finding.kind not in (FindingKind.LOST_CONNECTION, FindingKind.HANG, FindingKind.BOOT_FAILURE):
        return True
    last = max((number for number in cause.boots if number <= finding.boot), default=finding.boot)
    if last == finding.boot:  # the same boot, but put back to before the crash
        return False
    later = (boots.boot(number) for number in range(last + 1, finding.boot + 1))
    return not any(boot.answered for boot in later if boot is not None)


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
        channels=tuple(dict.fromkeys(name for boot in resets for name in channels_of(boot))),
        function=cause.finding.function if cause else "",
        module=cause.finding.module if cause else "",
        detail=f"{len(resets)} unexpected resets in {boots.count} boots",
        count=len(resets),
        boot=proof.number,
    )
    lives = frozenset({(proof.number, 0)})
    return [*kept, Fused(finding, frozenset({("loop", 0)}), lives, (finding,))]


def _in_update(event: Fused, boots: BootLog) -> Fused:
    """A crash while the operating system updates itself is no less a crash, but is said so."""
    finding = event.finding
    update = boots.update_at(finding.t_s) if finding.fatal else None
    if update is None:
        return event
    said = f"while {update.reason} was going on"
    detail = f"{finding.detail}; {said}" if finding.detail else said
    return replace(event, finding=replace(finding, detail=detail))
