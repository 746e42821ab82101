"""What the last self-test of each host has shown, on disk, and whether it still holds.

One file per host, `state/selftest/HOST.json`, written atomically. Refuses to run anything, and to decide
what follows from a result (`lab.selftest.gate` does).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import lab
from lab import codec
from lab.errors import ArtefactError
from lab.places import Places

WATCHING = ("detect", "sensors")
"""The rooms whose code decides what is seen."""
CODE = (".py", ".yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryResult:
    """What was seen of one canary."""

    name: str
    standin: bool = False
    expected: tuple[str, ...] = ()
    """Channels that had to see it."""
    seen: dict[str, float] = field(default_factory=dict)
    """Channel -> seconds from the trigger (or power-on) until the finding named that channel."""
    from_power_on: bool = False
    ok: bool = True
    problem: str = ""
    kind: str = ""
    title: str = ""
    """Of the finding that was made."""
    overloaded: bool = False
    """It failed, and the detectors say that the host had no time for the guest: it was run twice."""
    when: str = ""
    took_s: float = 0.0
    recording: str = ""
    """Kept where the canary failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """The last self-test of one host."""

    host: str
    when: str
    """UTC, ISO 8601: the end of the last self-test, whole or not."""
    lab: str
    qemu: str
    detectors: str
    """`detectors_digest` of the lab that ran it."""
    canaries: tuple[CanaryResult, ...] = ()

    @property
    def failed(self) -> tuple[CanaryResult, ...]:
        return tuple(canary for canary in self.canaries if not canary.ok)

    @property
    def ok(self) -> bool:
        return bool(self.canaries) and not self.failed


class State(StrEnum):
    """What the last self-test of a host is worth today."""

    NEVER = "never"
    PROVEN = "proven"
    OUTDATED = "outdated"
    """The detectors or QEMU have changed since: neither proven nor refuted."""
    FAILED = "failed"


def state_of(proven: Proven | None, qemu: str) -> State:
    """:param qemu: the host's QEMU now."""
    if proven is None or not proven.canaries:
        return State.NEVER
    if proven.detectors != detectors_digest() or (qemu and proven.qemu != qemu):
        return State.OUTDATED
    return State.PROVEN if proven.ok else State.FAILED


def path(places: Places, host: str) -> Path:
    return places.state / "selftest" / f"{host}.json"


def load(places: Places, host: str) -> Proven | None:
    """The last result of a host; None where there is none that can be read."""
    try:
        return codec.read(Proven, path(places, host))
    except ArtefactError:
        return None


def store(places: Places, new: Proven) -> Proven:
    """Write a result. Canaries that were not run this time are kept from the last one, if it still holds."""
    old = load(places, new.host)
    kept: Sequence[CanaryResult] = ()
    if old is not None and (old.detectors, old.qemu) == (new.detectors, new.qemu):
        names = {canary.name for canary in new.canaries}
        kept = [canary for canary in old.canaries if canary.name not in names]
    merged = replace(new, canaries=(*kept, *new.canaries))
    target = path(places, new.host)
    target.parent.mkdir(parents=True, exist_ok=True)
    codec.write(merged, target)
    return merged


@lru_cache(maxsize=1)
def detectors_digest() -> str:
    """sha256 over the code and data that decide what is found."""
    whole = hashlib.sha256()
    root = Path(lab.__file__).parent
    for room in WATCHING:
        for file in sorted(one for one in (root / room).rglob("*") if one.suffix in CODE):
            whole.update(f"{file.relative_to(root).as_posix()}\0".encode() + file.read_bytes())
    return whole.hexdigest()[:16]


def facts(places: Places, hosts: Mapping[str, str]) -> list[dict[str, Any]]:
    """What run.json says of each host: {host, state, when, ok, lab, qemu, canaries: [...]}.

    :param hosts: name -> QEMU version.
    """
    return [_facts(host, load(places, host), qemu) for host, qemu in hosts.items()]


def _facts(host: str, proven: Proven | None, qemu: str) -> dict[str, Any]:
    state = state_of(proven, qemu)
    if proven is None:
        return {"host": host, "state": state, "when": "", "ok": False, "canaries": []}
    return {
        "host": host,
        "state": state,
        "when": proven.when,
        "ok": proven.ok,
        "lab": proven.lab,
        "qemu": proven.qemu,
        "canaries": [_canary(canary) for canary in proven.canaries],
    }


def _canary(canary: CanaryResult) -> dict[str, Any]:
    return {
        "name": canary.name,
        "standin": canary.standin,
        "ok": canary.ok,
        "channels": dict(canary.seen),
        "problem": canary.problem,
    }
