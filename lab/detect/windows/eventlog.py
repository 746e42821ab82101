"""Windows' event logs as a witness: what of a crash, a restart or a failed driver they tell. Pure.

Reads what `wevtutil qe LOG /f:XML`, `/f:RenderedXml` and `EventLogRecord.ToXml()` print: events one after
another, with or without a root. Each is cut out and parsed by itself, so a broken one costs one. No document
type can stand inside an element, so nothing here can be made to expand; what tries is counted as broken.
Refuses to say when something happened by anybody's clock but the guest's: the first line may tell its time.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lab.detect.faults import fold
from lab.detect.windows.stop import number, sentence, signature
from lab.model import Finding, FindingKind, Signature

CHANNEL = "eventlog"
MOST = 64 << 20
"""Bytes that are looked at; System and Application keep 20 MiB each."""
MOST_EVENT = 1 << 20
SAME_CRASH_S = 900.0
"""Between events of two sources on one crash: both are written in the boot after it."""
_NOW = re.compile(r"^lab-now=(\S+)", re.MULTILINE)
_EVENT = re.compile(r"<Event[\s>].*?</Event\s*>", re.DOTALL)
_OPENED = re.compile(r"<Event[\s>]")
_FORBIDDEN = re.compile(r"<!(?!\[CDATA\[|--)")
_UNREADABLE = re.compile(r"&#(?:x0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F])|0*(?:[0-8]|1[124-9]|2[0-9]|3[01]));"
                         r"|[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")  # fmt: skip
"""Control characters in what drivers write: Windows prints them, XML 1.0 has no place for them."""
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|\+00:00)?")
_STOP = re.compile(r"(0x[0-9a-fA-F]{1,16})\s*\(\s*(0x[0-9a-fA-F]+(?:\s*,\s*0x[0-9a-fA-F]+)*)\s*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of a log."""

    log: str
    provider: str
    id: int
    level: int
    """1 critical, 2 error, 3 warning, 4 information, 0 always."""
    record: int
    at: float
    """Seconds since the epoch by the guest's clock; 0.0 where it tells none."""
    data: Mapping[str, str] = field(default_factory=dict)
    """By name, and by `1`, `2`, ... for those that have none."""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What was read."""

    events: tuple[Event, ...]
    broken: int
    """Entries that could not be read."""
    now: float | None = None
    """The guest's time when it told this, seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Events that mean something here."""

    providers: tuple[str, ...]
    ids: tuple[int, ...]
    kind: FindingKind
    title: str
    """`{NAME}` is a value of the event."""


_SCM = ("service control manager",)
TELLING = (
    Telling(("eventlog",), (6008,), FindingKind.UNEXPECTED_SHUTDOWN, "unexpected shutdown (event 6008)"),
    Telling(("windows error reporting",), (1001,), FindingKind.WARNING, "error report: {3}"),
    Telling(("application error",), (1000,), FindingKind.WARNING, "crash of {1}"),
    Telling(("application hang",), (1002,), FindingKind.WARNING, "hang of {1}"),
    Telling(_SCM, (7031, 7034), FindingKind.WARNING, "service {param1} ended unexpectedly"),
    Telling(_SCM, (7000, 7001, 7022, 7023, 7024), FindingKind.WARNING, "service {param1} did not start"),
    Telling(_SCM, (7026,), FindingKind.WARNING, "drivers did not load: {param1}"),
    Telling(("microsoft-windows-filtermanager",), (3,), FindingKind.WARNING, "filter not attached: {1}"),
)
"""Sources: the providers' own manifests. Names of values as Windows 10 and 11 write them."""
STOP_PROVIDERS = ("microsoft-windows-wer-systemerrorreporting", "bugcheck", "save dump")
POWER_PROVIDER = "microsoft-windows-kernel-power"


def read(data: bytes | str) -> Log:
    """The events in `data`, in its order. Never raises: what cannot be read is counted."""
    text = data if isinstance(data, str) else _decoded(data[:MOST])
    told = _NOW.search(text[:4096])
    now = seconds(told[1]) if told else 0.0
    events, broken, end = [], 0, 0
    for match in _EVENT.finditer(text):
        broken += max(0, len(_OPENED.findall(match[0])) - 1)
        event = _event(match[0])
        if event is None:
            broken += 1
        else:
            events.append(event)
        end = match.end()
    broken += len(_OPENED.findall(text[end:]))
    return Log(events=tuple(events), broken=broken, now=now or None)


def crashes(log: Log, taken_s: float, *, began: float = 0.0) -> list[Finding]:
    """The stops that the log tells of, one per crash, by time.

    :param taken_s: of the recording, when the guest told the log.
    :param began: what happened before, in seconds of the recording, is another attempt's.
    """
    found: list[tuple[Event, int, tuple[int, ...], str]] = []
    for event in sorted(log.events, key=lambda event: (event.provider.lower() == POWER_PROVIDER, event.at)):
        stop = stop_of(event)
        if stop is not None and not _known(event, stop[0], found):
            found.append((event, *stop))
    made = [_crash(*one, _t_s(one[0], log, taken_s)) for one in found]
    return sorted((one for one in made if one.t_s >= began), key=lambda one: one.t_s)


def noted(log: Log, taken_s: float, *, began: float = 0.0) -> list[Finding]:
    """What else it tells that a person wants to see; none of it is fatal by itself."""
    found = []
    for event in log.events:
        finding = _noted(event, _t_s(event, log, taken_s))
        if finding is not None and finding.t_s >= began:
            found.append(finding)
    return sorted(found, key=lambda one: one.t_s)


def stop_of(event: Event) -> tuple[int, tuple[int, ...], str] | None:
    """Stop code, parameters and the dump's path of an event that tells a bug check, else None."""
    provider = event.provider.lower()
    if provider in STOP_PROVIDERS and event.id == 1001:
        for text in (*event.data.values(), event.message):
            if match := _STOP.search(text):
                values = tuple(int(one, 16) & 0xFFFFFFFFFFFFFFFF for one in match[2].split(",")[:4])
                return fold(int(match[1], 16)), values, event.data.get("param2") or event.data.get("2", "")
    if provider == POWER_PROVIDER and event.id == 41:
        code = number(event.data.get("BugcheckCode", ""))
        if code:
            told = (number(event.data.get(f"BugcheckParameter{at}", "")) for at in range(1, 5))
            return fold(code), tuple(value for value in told if value is not None), ""
    return None


def seconds(text: str) -> float:
    """`2026-01-05T10:11:12.1234567Z` since the epoch; 0.0 for anything else."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return 0.0
    try:
        whole = datetime(*(int(match[at]) for at in range(1, 7)), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return 0.0
    return whole.timestamp() + float(match[7] or 0.0)


def _decoded(data: bytes) -> str:
    """wevtutil writes UTF-16 when told `/uni:true`, else the console's code page; the lab asks for UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def _event(text: str) -> Event | None:
    if len(text) > MOST_EVENT or _FORBIDDEN.search(text):
        return None
    try:
        root = ET.fromstring(_UNREADABLE.sub("\ufffd", text))
    except (ET.ParseError, ValueError):
        return None
    parts = {_name(part): part for part in root}
    system = {_name(part): part for part in parts.get("System", ET.Element("System"))}
    provider = system.get("Provider", ET.Element("Provider"))
    rendered = {_name(part): part for part in parts.get("RenderingInfo", ET.Element("RenderingInfo"))}
    time = system.get("TimeCreated", ET.Element("TimeCreated")).get("SystemTime", "")
    return Event(
        log=_text(system.get("Channel")),
        provider=provider.get("EventSourceName") or provider.get("Name") or "",
        id=_whole(system.get("EventID")),
        level=_whole(system.get("Level")),
        record=_whole(system.get("EventRecordID")),
        at=seconds(time),
        data=_data(parts.get("EventData")) | _data(parts.get("UserData")),
        message=_text(rendered.get("Message")),
    )


def _data(part: ET.Element | None) -> dict[str, str]:
    found: dict[str, str] = {}
    if part is None:
        return found
    leaves = [leaf for leaf in part.iter() if leaf is not part and not len(leaf)]
    for at, leaf in enumerate(leaves, start=1):
        name = leaf.get("Name") or (str(at) if _name(leaf) == "Data" else _name(leaf))
        found.setdefault(name, _text(leaf))
        found.setdefault(str(at), _text(leaf))
    return found


def _known(event: Event, code: int, found: Sequence[tuple[Event, int, tuple[int, ...], str]]) -> bool:
    """41 and 1001 speak of one crash; two of one source are two crashes."""
    return any(
        other.provider != event.provider and known == code and abs(other.at - event.at) <= SAME_CRASH_S
        for other, known, _, _ in found
    )


def _crash(event: Event, code: int, parameters: tuple[int, ...], dump: str, t_s: float) -> Finding:
    told = sentence(code, parameters)
    return Finding(
        kind=FindingKind.BUGCHECK,
        signature=signature(code),
        fatal=True,
        t_s=t_s,
        channels=(CHANNEL,),
        code=code,
        parameters=parameters,
        detail=f"{told}; event {event.id} of {event.provider}" + (f"; dump at {dump}" if dump else ""),
    )


def _noted(event: Event, t_s: float) -> Finding | None:
    if stop_of(event) is not None:
        return None
    if event.provider.lower() == POWER_PROVIDER and event.id == 41:
        title = "restart without a shutdown (event 41)"
        return _note(event, FindingKind.UNEXPECTED_REBOOT, title, t_s)
    for telling in TELLING:
        if event.provider.lower() in telling.providers and event.id in telling.ids:
            title = re.sub(r"\{(\w+)\}", lambda match: _short(event.data.get(match[1], "?")), telling.title)
            return _note(event, telling.kind, title, t_s)
    return None


def _note(event: Event, kind: FindingKind, title: str, t_s: float) -> Finding:
    return Finding(
        kind=kind,
        signature=Signature(title=title),
        fatal=False,
        t_s=t_s,
        channels=(CHANNEL,),
        detail=_short(event.message) or f"event {event.id} of {event.provider} in {event.log}",
    )


def _t_s(event: Event, log: Log, taken_s: float) -> float:
    """In the recording; an event without a time, or of a guest that told none, is as late as its log."""
    if log.now is None or not event.at:
        return taken_s
    return min(taken_s, taken_s - (log.now - event.at))


def _name(part: ET.Element) -> str:
    return part.tag.rpartition("}")[2]


def _text(part: ET.Element | None) -> str:
    return "" if part is None else "".join(part.itertext()).strip()


def _whole(part: ET.Element | None) -> int:
    text = _text(part)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _short(text: str) -> str:
    return " ".join(text.split())[:200]
