"""`lab doctor`: what each host is, what is wrong with it, and the command that mends it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.text import Text

from lab import codec
from lab.cli import options, templates
from lab.cli.display import out, table
from lab.errors import ExitCode
from lab.machine.host import HostReport
from lab.selftest import gate, results
from lab.setting import Setting


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    file: options.Config = options.DEFAULT,
    as_json: options.Json = False,
    remembered: Annotated[
        bool,
        typer.Option("--remembered", help="use the accelerator measured before instead of booting a probe"),
    ] = False,
) -> None:
    """Check every host: versions, accelerator (by booting a probe), speed, room, tools.

    Exit code 4 when a host is unusable.
    """
    setting = gate.keep_proven(Setting.read(options.request(file, fresh=not remembered)).with_hosts())
    places = setting.lab.places
    frozen, failures = templates.known(places)
    if as_json:
        told = results.facts(places, {host.name: host.qemu for host in setting.hosts})
        both = zip(setting.hosts, told, strict=True)
        made = {"templates": len(frozen), "template_failures": [codec.to_dict(one) for one in failures]}
        print(
            json.dumps([{**codec.to_dict(host), "selftest": facts, **made} for host, facts in both], indent=1)
        )
    else:
        show(
            setting.hosts,
            {host.name: results.load(places, host.name) for host in setting.hosts},
            templates.summary(frozen, setting.lab.clones.cache_mib),
        )
        templates.show_failures(failures)
    raise typer.Exit(
        int(ExitCode.SHIP if all(report.usable for report in setting.hosts) else ExitCode.LAB_FAULT)
    )


def show(
    hosts: tuple[HostReport, ...], proven: Mapping[str, results.Proven | None], frozen: str = ""
) -> None:
    """One table with a column per host, then each problem with its remedy.

    :param frozen: the templates of this machine, which all its hosts share.
    """
    rows = table("", *(host.name for host in hosts))
    for title, values in _rows(hosts):
        rows.add_row(title, *values)
    if frozen:
        rows.add_row("templates", *(frozen for _ in hosts))
    rows.add_row("detectors", *(gate.summary(host, proven.get(host.name)) for host in hosts))
    out.print(rows)
    for host in hosts:
        for problem in host.problems:
            colour = "red" if problem.fatal else "yellow"
            out.print(Text(f"{host.name}: {problem.what}", colour), soft_wrap=True)
            out.print(f"    {problem.mend}", markup=False, soft_wrap=True)


def _rows(hosts: tuple[HostReport, ...]) -> list[tuple[str, list[str]]]:
    def accelerator(host: HostReport) -> str:
        return host.acceleration.accelerator if host.acceleration else "-"

    def why(host: HostReport) -> str:
        return host.acceleration.reason if host.acceleration else "-"

    def factor(host: HostReport) -> str:
        return f"{host.acceleration.factor}x the reference time" if host.acceleration else "-"

    return [
        ("uri", [host.uri for host in hosts]),
        ("libvirt", [host.libvirt or "-" for host in hosts]),
        ("QEMU", [host.qemu or "-" for host in hosts]),
        ("accelerator", [accelerator(host) for host in hosts]),
        ("decided by", [why(host) for host in hosts]),
        ("speed", [factor(host) for host in hosts]),
        ("CPUs", [str(host.cpus) for host in hosts]),
        ("guests at a time", [_guests(host) for host in hosts]),
        ("found from", ["; ".join(host.why) or "-" for host in hosts]),
        ("RAM for guests", [f"{host.free_memory_mib} of {host.memory_mib} MiB" for host in hosts]),
        ("free disk", [f"{host.free_disk_gib} GiB" for host in hosts]),
        ("OVMF", ["yes" if host.ovmf else "no" for host in hosts]),
        ("swtpm", ["yes" if host.swtpm else "no" for host in hosts]),
        ("makedumpfile", ["yes" if host.makedumpfile else "no" for host in hosts]),
        ("image tools", [_tools(host) for host in hosts]),
    ]  # fmt: skip


def _guests(host: HostReport) -> str:
    """Of one virtual CPU; memory is counted guest by guest."""
    facts = host.facts
    capped = f", lab.yaml allows {facts.slots}" if facts.slots else ""
    first = min(facts.first_vcpus, facts.most_slots)
    return f"{first} to {facts.most_slots}, {facts.starts} of them starting{capped}"


def _tools(host: HostReport) -> str:
    return f"missing: {', '.join(host.missing_tools)}" if host.missing_tools else "all there"
