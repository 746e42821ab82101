"""Several channels' words on one event made into one finding, the more trusted channel first.

The order of trust: the panic event (the hypervisor reads the guest's own registers), the dump's header
(written by the crashing kernel), serial text, a screen (read from a picture), a heartbeat. Refuses to
decide which words are about the same event; that is fuse.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lab.detect.machine_events import EVENT_PANIC
from lab.detect.windows import stop
from lab.model import EvidenceRef, Finding, FindingKind, Signature

TRUST = ("event", "dump", "eventlog", "serial", "screen", "heartbeat", "agent")
"""Most trusted first."""
UNNAMED = frozenset({EVENT_PANIC, stop.UNTOLD})
"""Titles that say that there was a crash and not which: any other title is better."""
MOST_EVIDENCE = 8
"""Byte ranges and frames kept of a bug that was seen many times."""


def trust(finding: Finding) -> int:
    """Place in the order of trust; 0 is the most trusted."""
    known = [TRUST.index(channel) for channel in finding.channels if channel in TRUST]
    return min(known, default=len(TRUST))


def merged(parts: Sequence[Finding]) -> Finding:
    """One finding for one event; `parts` by time, at least one."""
    trusted = sorted(parts, key=lambda part: (trust(part), part.kind is not FindingKind.PANIC))
    told = next((part for part in trusted if part.code is not None), None)
    named = next((part for part in _by_name(trusted, told) if part.title not in UNNAMED), trusted[0])
    module = next((part.module for part in _by_name(trusted, told) if part.module), "")
    signature = _signature(named, told, module, trusted)
    agreeing = [part for part in trusted if part.parameters and (told is None or part.code == told.code)]
    return replace(
        named,
        kind=_kind(parts),
        signature=signature,
        fatal=any(part.fatal for part in parts),
        t_s=parts[0].t_s,
        evidence=_evidence(named, *parts),
        channels=_unique(channel for part in parts for channel in part.channels),
        function=named.function or next((part.function for part in trusted if part.function), ""),
        module=module,
        code=told.code if told else None,
        parameters=agreeing[0].parameters if agreeing else (),
        detail=_detail(named, trusted, told),
        count=max(part.count for part in parts),
        boot=min(part.boot for part in parts),
    )


def repeated(first: Finding, again: Finding) -> Finding:
    """One bug seen once more; `first` came earlier and keeps its time and place."""
    named, other = (again, first) if first.title in UNNAMED else (first, again)
    worst = next((found for found in (named, other) if found.kind is FindingKind.PANIC), named)
    worst = worst if worst.fatal or not other.fatal else other
    titles = (*named.signature.alt_titles, other.title, *other.signature.alt_titles)
    alts = _unique(title for title in titles if title != named.title and title not in UNNAMED)
    return replace(
        named,
        kind=worst.kind,
        signature=Signature(title=named.title, alt_titles=alts),
        fatal=first.fatal or again.fatal,
        t_s=first.t_s,
        evidence=_evidence(first, again),
        channels=_unique((*first.channels, *again.channels)),
        module=named.module or other.module,
        detail=(other if other.fatal and not named.fatal else named).detail or named.detail or other.detail,
        diagnosis=named.diagnosis or other.diagnosis,
        code=named.code if named.code is not None else other.code,
        parameters=named.parameters or other.parameters,
        count=first.count + again.count,
        boot=min(first.boot, again.boot),
    )


def _by_name(trusted: Sequence[Finding], told: Finding | None) -> list[Finding]:
    """Those whose words on title and module count: text that is not damaged first, the console before a
    picture, and nobody who read another stop code."""
    same = [part for part in trusted if told is None or part.code in (None, told.code)]
    return sorted(same, key=lambda part: (bool(part.corrupted), not part.module, trust(part)))


def _kind(parts: Sequence[Finding]) -> FindingKind:
    kinds = [part.kind for part in parts]
    for kind in (FindingKind.BUGCHECK, FindingKind.PANIC):
        if kind in kinds:
            return kind
    return kinds[0]


def _signature(named: Finding, told: Finding | None, module: str, trusted: Sequence[Finding]) -> Signature:
    """The best title; what the others called it becomes alternatives, unless they misread it."""
    stopped = told is not None and told.kind is FindingKind.BUGCHECK
    main = stop.signature(told.code, module) if stopped and told is not None else named.signature
    alts = [*main.alt_titles]
    for part in trusted:
        misread = told is not None and part.code not in (None, told.code)
        picture = part.channels == ("screen",) and bool(part.corrupted)
        if not misread and not picture:
            alts += [part.title, *part.signature.alt_titles]
    unnamed = {main.title, *UNNAMED}
    return Signature(title=main.title, alt_titles=_unique(alt for alt in alts if alt not in unnamed))


def _detail(named: Finding, trusted: Sequence[Finding], told: Finding | None) -> str:
    best = told or named
    words = [best.detail or next((part.detail for part in trusted if part.detail), "")]
    for part in trusted:
        if told is not None and part.code not in (None, told.code):
            words.append(f"the {part.channels[0]} was read as 0x{part.code:X}")
        if part is not best and part.channels == ("screen",) and "its dump is at" in part.detail:
            words.append(part.detail.rpartition("; ")[2])
    return "; ".join(word for word in words if word)


def _evidence(*findings: Finding) -> tuple[EvidenceRef, ...]:
    return tuple(dict.fromkeys(ref for found in findings for ref in found.evidence))[:MOST_EVIDENCE]


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
