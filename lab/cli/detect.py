"""`lab detect`: the detectors on files from anywhere, and on labelled corpora."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from lab import __version__, codec
from lab.cli.display import err, out
from lab.errors import ArtefactError, ExitCode, InputError
from lab.examining.subjects import Subject, sources
from lab.model import Finding

if TYPE_CHECKING:
    from lab.detect.faults import Fault
    from lab.examining.examine import Examined

SCHEMA = 1
COLOURS = {"healthy": "green", "warning": "yellow"}

As = Annotated[Subject | None, typer.Option("--as", help="do not guess what a file is", show_default=False)]


def register(app: typer.Typer) -> None:
    app.command()(detect)


def detect(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="logs, pictures, dumps (also gz, bz2, xz, zst), recordings, folders; - is stdin",
            metavar="PATH…",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable output on stdout")] = False,
    as_subject: As = None,
    strict: Annotated[bool, typer.Option("--strict", help="exit code 1 for warnings too")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="also what was suppressed, and files in which nothing was found")
    ] = False,
    evaluate: Annotated[
        Path | None, typer.Option(help="score the detectors on a labelled corpus instead", metavar="DIR")
    ] = None,
    variants: Annotated[
        bool,
        typer.Option(
            "--variants", help="with --evaluate: screens also scaled, as JPEG; consoles with other prefixes"
        ),
    ] = False,
    jobs: Annotated[int, typer.Option(help="with --evaluate: processes", metavar="N")] = 0,
) -> None:
    """Say what happened to the machine that a log, a screenshot or a dump came from.

    Exit code 1 when a machine was out of service (crash, boot loop, hang, boot failure, recovery
    screen), 0 when none was, 2 when a named file cannot be examined.
    """
    if evaluate is not None:
        if paths:
            raise InputError(f"--evaluate takes one folder and no other path (got {paths[0]!r})")
        from lab.cli.evaluation import run_evaluation

        run_evaluation(evaluate, as_json=as_json, variants=variants, jobs=jobs or os.cpu_count() or 1)
        return
    if not paths:
        raise InputError(
            "nothing to examine (wanted files, folders or - for stdin)", hint="lab detect console.log"
        )
    done, refused = _examine(paths, as_subject)
    if as_json:
        document = {
            "schema_version": SCHEMA,
            "lab": __version__,
            "examined": [as_dict(one) for one in done],
            "refused": [{"name": name, "reason": str(error)} for name, error, _ in refused],
        }
        print(json.dumps(document, indent=1))
    else:
        for one in done:
            _show(one, everything=everything)
        _sum_up(done, len(refused))
    _complain(refused, everything=everything)
    asked = any(named for _, _, named in refused)
    raise typer.Exit(int(_exit_code(done, strict=strict, unreadable=asked)))


Refused = tuple[str, ArtefactError, bool]
"""Name, why, and whether the user named it."""


def _examine(paths: list[str], as_subject: Subject | None) -> tuple[list[Examined], list[Refused]]:
    from lab.examining.examine import examine

    done: list[Examined] = []
    refused: list[Refused] = []
    for source in sources(paths, as_subject=as_subject):
        try:
            done.append(examine(source))
        except ArtefactError as error:
            refused.append((source.name, error, source.asked))
    if not done and not refused:
        raise InputError(f"{paths[0]}: there is no file in it (wanted logs, pictures, dumps or recordings)")
    return done, refused


def _complain(refused: list[Refused], *, everything: bool) -> None:
    for _, error, named in refused:
        if named or everything:
            err.print(Text(f"lab: {'error' if named else 'skipped'}: {error}"), soft_wrap=True)
        if named and error.hint:
            err.print(f"hint: {error.hint}", markup=False, soft_wrap=True)


def _exit_code(done: list[Examined], *, strict: bool, unreadable: bool) -> ExitCode:
    """Evidence of a crash outweighs a file that could not be read."""
    if any(one.outcome.fatal or (strict and one.findings) for one in done):
        return ExitCode.DO_NOT_SHIP
    return ExitCode.BAD_INPUT if unreadable else ExitCode.SHIP


def as_dict(one: Examined) -> dict[str, Any]:
    """One examined file as JSON types; docs/detect.md has the fields."""
    return {
        "name": one.name,
        "subject": str(one.subject),
        "outcome": str(one.outcome),
        "fatal": one.outcome.fatal,
        "boots": one.boots,
        "findings": [_finding(finding) for finding in one.findings],
        "suppressed": [_finding(finding) for finding in one.suppressed],
        "screen": codec.to_dict(one.screen) if one.screen else None,
        "dump": codec.to_dict(one.dump) if one.dump else None,
        "note": one.note,
        "seconds": round(one.seconds, 4),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    raw: dict[str, Any] = codec.to_dict(finding)
    signature = raw.pop("signature")
    fault = _fault(finding)
    return {**signature, **raw, "meaning": fault.meaning if fault else ""}


def _fault(finding: Finding) -> Fault | None:
    from lab.detect.faults import catalogue

    return catalogue().of_finding(finding)


def _show(one: Examined, *, everything: bool) -> None:
    quiet = not one.findings and not everything
    if quiet and one.subject is Subject.LOG:
        return
    colour = COLOURS.get(str(one.outcome), "red")
    out.print(
        Text.assemble((f"{one.name}: ", "bold"), (str(one.outcome), colour), _about(one)), soft_wrap=True
    )
    for finding in one.findings:
        _show_finding(finding)
    if everything:
        for finding in one.suppressed:
            out.print(f"  suppressed: {finding.title} ({finding.suppressed})", markup=False, soft_wrap=True)


def _about(one: Examined) -> str:
    facts = []
    if one.boots > 1:
        facts.append(f"{one.boots} boots")
    if one.screen is not None:
        layout = f", layout {one.screen.layout}" if one.screen.layout else ""
        progress = f", {one.screen.progress} %" if one.screen.progress is not None else ""
        facts.append(f"screen: {one.screen.kind}{layout}{progress}")
    if one.note:
        facts.append(one.note)
    return f" ({'; '.join(facts)})" if facts else ""


def _show_finding(finding: Finding) -> None:
    weight = "fatal" if finding.fatal else "not fatal"
    module = f" in module {finding.module}" if finding.module and finding.module not in finding.title else ""
    times = f", {finding.count} times" if finding.count > 1 else ""
    out.print(f"  {finding.title}{module} [{finding.kind}, {weight}{times}]", markup=False, soft_wrap=True)
    for line in _details(finding):
        out.print(f"      {line}", markup=False, soft_wrap=True)


def _details(finding: Finding) -> list[str]:
    lines = []
    if finding.detail:
        lines.append(finding.detail)
    if finding.corrupted:
        lines.append(f"the log is damaged here: {finding.corrupted}")
    if finding.parameters:
        lines.append("parameters " + ", ".join(f"0x{value:X}" for value in finding.parameters))
    place = finding.evidence[0] if finding.evidence else None
    if place is not None and place.end > place.start:
        lines.append(f"bytes {place.start} to {place.end}")
    fault = _fault(finding)
    if fault is not None:
        lines.append(f"means: {fault.meaning}")
        lines += [f"check first: {fault.checks[0]}"] if fault.checks else []
    return lines


def _sum_up(done: list[Examined], refused: int) -> None:
    if len(done) + refused < 2 and any(one.findings or one.subject is not Subject.LOG for one in done):
        return
    counts: dict[str, int] = {}
    for one in done:
        counts[str(one.outcome)] = counts.get(str(one.outcome), 0) + 1
    words = [f"{count} {name}" for name, count in counts.items()]
    words += [f"{refused} not examined"] if refused else []
    out.print(f"{len(done) + refused} files: {', '.join(words)}")
