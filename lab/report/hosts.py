"""The hosts of a run: what they are, and when the detectors were last proven on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lab.model import AttemptRecord
from lab.report.facts import moment, part
from lab.report.shape import HostFacts, SelfTest


def build(run: Mapping[str, Any], attempts: Sequence[AttemptRecord]) -> tuple[HostFacts, ...]:
    """Hosts as the attempts saw them; those that run.json names but that ran nothing come last.

    run.json's `selftest` is a list, one entry per host: `host` (its name or URI), `state`, `when` (ISO 8601),
    `ok` and `canaries` (each with `ok`), as `lab.selftest.results.facts` makes it.
    """
    told = [part(record.facts, "host") for record in attempts]
    told += [host for host in run.get("hosts") or () if isinstance(host, Mapping)]
    uris = [str(host.get("uri") or "") for host in told]
    proven = _proven(run)
    names = {str(host.get("uri") or ""): str(host.get("name") or "") for host in told if host.get("name")}
    hosts: dict[str, HostFacts] = {}
    for host, uri in zip(told, uris, strict=True):
        if not host or uri in hosts:
            continue
        measured = part(host, "acceleration") or host
        hosts[uri] = HostFacts(
            uri=uri,
            libvirt=str(host.get("libvirt") or ""),
            qemu=str(host.get("qemu") or ""),
            accelerator=str(measured.get("accelerator") or ""),
            factor=float(measured.get("factor") or 1.0),
            attempts=uris[: len(attempts)].count(uri),
            selftest=_selftest(proven.get(names.get(uri, "")) or proven.get(uri) or {}, run),
        )
    return tuple(hosts.values())


def _proven(run: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Results by the host that they name."""
    told = run.get("selftest")
    results = told if isinstance(told, list) else []
    return {str(one.get("host") or ""): one for one in results if isinstance(one, Mapping)}


def _selftest(told: Mapping[str, Any], run: Mapping[str, Any]) -> SelfTest | None:
    if not told.get("when"):
        return None
    canaries = [one for one in told.get("canaries") or () if isinstance(one, Mapping)]
    began, proven = moment(str(run.get("started") or "")), moment(str(told["when"]))
    return SelfTest(
        when=str(told["when"]),
        age_s=max(0.0, began - proven) if began is not None and proven is not None else None,
        ok=bool(told.get("ok")),
        state=str(told.get("state") or ""),
        canaries=len(canaries),
        found=sum(1 for one in canaries if one.get("ok")),
    )
