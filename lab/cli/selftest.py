"""`lab selftest`: guests that really die, on every host, and whether each was noticed by whom it must be."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from lab import codec
from lab.cli import options, selftest_windows
from lab.cli.display import err, out, table
from lab.errors import ExitCode, HostError, InputError, NothingSelected
from lab.images.built import BuiltImage
from lab.machine import leftovers
from lab.machine.host import HostReport
from lab.running.lock import orchestrator
from lab.running.template_request import host_choice
from lab.selftest import results, runner
from lab.selftest.canaries import CANARIES, Canary
from lab.setting import Setting

BASE = "tiny"
"""The image that canaries are made of."""


def register(app: typer.Typer) -> None:
    app.command()(selftest)


def selftest(
    file: options.Config = options.DEFAULT,
    canary: Annotated[
        list[str] | None, typer.Option("--canary", help="only these, by name or pattern", metavar="NAME")
    ] = None,
    host: Annotated[
        list[str] | None, typer.Option("--host", help="only on these hosts of lab.yaml", metavar="NAME")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="only a healthy guest and a panic")] = False,
    listed: Annotated[bool, typer.Option("--list", help="name the canaries; boots nothing")] = False,
    on: Annotated[
        str | None,
        typer.Option("--windows", help="instead, try everything on this Windows image", metavar="IMAGE"),
    ] = None,
    check: Annotated[
        list[str] | None,
        typer.Option("--check", help="with --windows: only these, by name or pattern", metavar="NAME"),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Boot guests that panic, hang, loop or show a stop screen, and check that each is noticed.

    Results are kept per host: `lab doctor` and every report show them, and a host that failed gets no
    cells. Exit code 4 when a canary was not found as it must be.
    """
    if on is not None:
        if canary or quick:
            raise InputError(
                "--windows with --canary or --quick (wanted one or the other)",
                hint="lab selftest --windows IMAGE --check NAME",
            )
        _on_windows(on, file, host or [], check or [], listed=listed, as_json=as_json)
        return
    chosen = choose(canary or [], quick=quick)
    if listed:
        show_list(chosen, as_json=as_json)
        return
    setting = Setting.read(options.request(file)).with_hosts()
    proven = []
    with orchestrator(setting.lab.places, "a self-test"):
        leftovers.collect(setting.lab.places)
        base = image(setting)
        for report in hosts(setting, host or []):
            proven.append(run_on(report, chosen, base, setting))
    if as_json:
        print(json.dumps([codec.to_dict(one) for one in proven], indent=1))
    else:
        for one in proven:
            show(one)
    ok = all(one.ok for one in proven)
    raise typer.Exit(int(ExitCode.SHIP if ok else ExitCode.LAB_FAULT))


def _on_windows(
    name: str, file: Path, host: list[str], patterns: list[str], *, listed: bool, as_json: bool
) -> None:
    """:raise InputError: several hosts are named."""
    if len(host) > 1:
        raise InputError(f"--windows on {len(host)} hosts (wanted one)", hint="lab selftest --windows IMAGE")
    chosen = selftest_windows.choose(patterns)
    if listed:
        selftest_windows.show_list(chosen, as_json=as_json)
        return
    setting = Setting.read(options.request(file))
    selftest_windows.recipe_of(name, setting)
    setting = setting.with_hosts()
    choice = host_choice(hosts(setting, host)[0])
    selftest_windows.run_on(name, chosen, choice, setting, as_json=as_json)


def choose(patterns: list[str], *, quick: bool = False) -> list[Canary]:
    """The canaries that are meant.

    :raise NothingSelected: none has such a name.
    """
    if not patterns:
        return [canary for canary in CANARIES if canary.quick or not quick]
    chosen = [canary for canary in CANARIES if any(fnmatch(canary.name, pattern) for pattern in patterns)]
    if not chosen:
        named = " ".join(patterns)
        raise NothingSelected(f"no canary is called {named!r}", hint="lab selftest --list names them")
    return chosen


def image(setting: Setting) -> BuiltImage:
    """The image that canaries are made of, built where it is not there."""
    if BASE not in setting.recipes:
        raise InputError(
            f"image {BASE!r} is not in the catalogue (canaries are made of it)", hint="git checkout images"
        )
    return setting.store.build(setting.recipes[BASE], progress=lambda line: err.print(line, markup=False))


def hosts(setting: Setting, names: list[str]) -> list[HostReport]:
    """The usable hosts that are meant.

    :raise InputError: lab.yaml has no such host.
    :raise HostError: none of them can run guests.
    """
    known = {report.name: report for report in setting.hosts}
    for name in names:
        if name not in known:
            raise InputError(f"host {name!r} is not in lab.yaml", hint=f"there are: {', '.join(known)}")
    usable = [report for report in setting.usable_hosts() if not names or report.name in names]
    if not usable:
        raise HostError(f"host {names[0]!r} cannot run guests", hint="lab doctor says why")
    return usable


def run_on(report: HostReport, chosen: list[Canary], base: BuiltImage, setting: Setting) -> results.Proven:
    """Run and store; the result of this run alone is returned."""
    choice = host_choice(report)
    places = setting.lab.places
    proven = runner.run(chosen, base, choice, places, tell=lambda result: err.print(told(result)))
    results.store(places, proven)
    return proven


def told(result: results.CanaryResult) -> Text:
    """One line as it comes."""
    line = f"{marked(result.name, standin=result.standin)}: {'found' if result.expected else 'nothing found'}"
    if not result.ok:
        return Text(f"{marked(result.name, standin=result.standin)}: {result.problem}", "red")
    return Text(f"{line} in {result.took_s:.0f} s")


def marked(name: str, *, standin: bool) -> str:
    """Stand-ins say so wherever they are named."""
    return f"{name} (stand-in)" if standin and not name.startswith("stand-in") else name


def show(proven: results.Proven) -> None:
    """The table of one host."""
    rows = table("canary", "made of", "seen by, seconds after the trigger", "result")
    for canary in proven.canaries:
        seen = ", ".join(f"{channel} {seconds:.2f}" for channel, seconds in canary.seen.items())
        since = " (from power-on)" if canary.from_power_on and seen else ""
        result = Text("ok", "green") if canary.ok else Text(canary.problem, "red")
        made = "STAND-IN for Windows" if canary.standin else "Linux"
        rows.add_row(canary.name, made, seen + since or "-", result)
    out.print(Text(f"{proven.host}: lab {proven.lab}, QEMU {proven.qemu}", "bold"))
    out.print(rows)
    failed = proven.failed
    if not failed:
        count = len(proven.canaries)
        out.print(f"all {count} canaries are as they must be" if count > 1 else "the canary is as it must be")
        return
    out.print(
        Text(f"{len(failed)} of {len(proven.canaries)} canaries failed: this host gets no cells", "red")
    )
    for canary in failed:
        out.print(f"  {canary.name}: {canary.recording}", markup=False, soft_wrap=True)


def show_list(chosen: list[Canary], *, as_json: bool) -> None:
    """Name, what must see it, and what it is."""
    if as_json:
        print(json.dumps([listing(canary) for canary in chosen], indent=1))
        return
    rows = table("canary", "found as", "by", "what it is")
    for canary in chosen:
        found = " or ".join(canary.kinds) or "nothing"
        what = f"STAND-IN for Windows: {canary.summary}" if canary.standin else canary.summary
        rows.add_row(canary.name, found, ", ".join(canary.channels) or "-", what)
    out.print(rows)


def listing(canary: Canary) -> dict[str, object]:
    return {
        "name": canary.name,
        "standin": canary.standin,
        "summary": canary.summary,
        "kinds": list(canary.kinds),
        "channels": list(canary.channels),
    }
