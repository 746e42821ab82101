"""The hosts of a run: what they are, and when the detectors were last proven on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lab.model import AttemptRecord
from lab.report.shape import HostFacts, SelfTest


def build(run: Mapping[str, Any], attempts: Sequence[AttemptRecord]) -> tuple[HostFacts, ...]:
    """Hosts as the attempts saw them; those that run.json names but that ran nothing come last.

    `selftest` of a host (or of attempt.json, or run.json for all hosts) has the keys `when` (ISO 8601), `ok`
    and `canaries`: a list of canaries with `ok` each, or their number.
    """
    told = [_told(record) for record in attempts]
    told += [host for host in run.get("hosts") or () if isinstance(host, Mapping)]
    uris = [str(host.get("uri") or "") for host in told]
    proven = _proven(run)
    hosts: dict[str, HostFacts] = {}
    for host, uri in zip(told, uris, strict=True):
        if not host or uri in hosts:
            continue
        measured = _part(host, "acceleration") or host
        hosts[uri] = HostFacts(
            uri=uri,
            libvirt=str(host.get("libvirt") or ""),
            qemu=str(host.get("qemu") or ""),
            accelerator=str(measured.get("accelerator") or ""),
            factor=float(measured.get("factor") or 1.0),
            attempts=uris[: len(attempts)].count(uri),
            selftest=_selftest(
                _part(host, "selftest")
                or proven.get(str(host.get("name") or ""))
                or proven.get(uri)
                or proven.get("", {}),
                run,
            ),
        )
    return tuple(hosts.values())


def _told(record: AttemptRecord) -> Mapping[str, Any]:
    host = _part(record.facts, "host")
    proven = _part(record.facts, "selftest")
    return {**host, "selftest": proven} if host and proven and "selftest" not in host else host


def _proven(run: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """run.json's own word: one result, or a list of them, by the host that they name."""
    told = run.get("selftest")
    results = [told] if isinstance(told, Mapping) else told if isinstance(told, list) else []
    return {str(one.get("host") or ""): one for one in results if isinstance(one, Mapping)}


def _selftest(told: Mapping[str, Any], run: Mapping[str, Any]) -> SelfTest | None:
    if not told.get("when"):
        return None
    canaries = told.get("canaries")
    listed = [one for one in canaries if isinstance(one, Mapping)] if isinstance(canaries, list) else []
    number = canaries if isinstance(canaries, int) else len(listed)
    found = sum(1 for one in listed if one.get("ok")) if listed else number * bool(told.get("ok"))
    began, proven = _moment(str(run.get("started") or "")), _moment(str(told["when"]))
    return SelfTest(
        when=str(told["when"]),
        age_s=max(0.0, began - proven) if began is not None and proven is not None else None,
        ok=bool(told.get("ok")),
        canaries=number,
        found=found,
    )


def _moment(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _part(facts: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = facts.get(key)
    return part if isinstance(part, Mapping) else {}
