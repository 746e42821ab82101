"""`lab plan`, `run`, `judge`, `gate`, `schema`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from lab import codec, config, workflow
from lab.cli import options, planned
from lab.cli.display import out
from lab.errors import ExitCode
from lab.matrix.explain import explain
from lab.model import GateDecision

if TYPE_CHECKING:
    from lab.running.rundir import RunDirectory


def register(app: typer.Typer) -> None:
    for command in (plan, run, judge, gate, schema):
        app.command()(command)


def plan(
    file: options.Config = options.DEFAULT,
    candidate: options.Candidate = "",
    select: options.Select = None,
    as_json: options.Json = False,
    explained: Annotated[
        bool, typer.Option("--explain", help="each setting, and the cells that differ")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="each cell, however many they are")] = False,
) -> None:
    """Show which cells would run, which not and why, and what it would cost. Boots nothing."""
    setting = workflow.plan(options.request(file, candidate, select))
    assert setting.plan is not None
    if as_json:
        print(codec.to_text(setting.plan))
    elif explained:
        out.print(explain(setting.lab, setting.plan), markup=False)
    else:
        planned.show(setting.plan, setting, everything=everything)


def run(
    file: options.Config = options.DEFAULT,
    candidate: options.Candidate = "",
    select: options.Select = None,
    scheduler: Annotated[
        str, typer.Option(help="address of a Dask scheduler for many hosts", metavar="tcp://…")
    ] = "",
) -> None:
    """Run the plan, judge what was recorded, write the report. The exit code is the gate's."""
    decision, directory = workflow.run(options.request(file, candidate, select, scheduler))
    show_decision(decision, directory)
    raise typer.Exit(decision.exit_code)


def judge(name: options.Run = "latest", file: options.Config = options.DEFAULT) -> None:
    """Judge a run again from its recordings and rewrite its report. Boots nothing."""
    from lab.running.rundir import RunDirectory

    directory = RunDirectory.open(options.lab_or_defaults(file)[1], name)
    decision = workflow.judge(directory)
    show_decision(decision, directory)
    raise typer.Exit(decision.exit_code)


def gate(
    name: options.Run = "latest", file: options.Config = options.DEFAULT, as_json: options.Json = False
) -> None:
    """Apply the policy that lab.yaml has now to a run that was recorded. Boots nothing."""
    from lab.running.rundir import RunDirectory

    lab = config.load(file)
    directory = RunDirectory.open(lab.reports, name)
    decision = workflow.judge(directory, policy=lab.gate)
    if as_json:
        print(codec.to_json(decision, indent=1))
    else:
        show_decision(decision, directory)
    raise typer.Exit(decision.exit_code)


def schema() -> None:
    """Print the JSON Schema of lab.yaml, for editors."""
    print(json.dumps(config.schema(), indent=1))


def show_decision(decision: GateDecision, directory: RunDirectory) -> None:
    """The answer, its reasons, and where to read on."""
    colour = {ExitCode.SHIP: "bold green", ExitCode.DO_NOT_SHIP: "bold red"}.get(
        ExitCode(decision.exit_code), "bold yellow"
    )
    out.print(Text(decision.sentence, colour), soft_wrap=True)
    for reason in decision.reasons:
        out.print(f"  {reason}", markup=False, soft_wrap=True)
    out.print(f"report: {directory.path / 'report.html'}", markup=False, soft_wrap=True)
