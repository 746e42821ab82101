"""`lab soak`: run soak scenarios for hours or days. `lab resume`: go on with a run that was stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lab import workflow
from lab.cli import options
from lab.cli import planned as plan_text
from lab.cli.running import show_decision
from lab.config.units import duration_s
from lab.errors import InputError

if TYPE_CHECKING:
    from lab.model import GateDecision
    from lab.running.rundir import RunDirectory


def register(app: typer.Typer) -> None:
    for command in (soak, resume):
        app.command()(command)


def soak(
    file: options.Config = options.DEFAULT,
    candidate: options.Candidate = "",
    select: options.Select = None,
    duration: Annotated[
        str, typer.Option("--for", help="how long each guest is sampled: 30m, 24h, 3d", metavar="TIME")
    ] = "",
    every: Annotated[str, typer.Option("--every", help="between two samples", metavar="TIME")] = "",
    planned: Annotated[bool, typer.Option("--plan", help="only show what would run")] = False,
) -> None:
    """Run every soak scenario on the matrix of lab.yaml, both arms side by side.

    Its guests go on when this command is killed; `lab resume` follows them to their end. Ctrl-C ends them.
    """
    setting = workflow.plan_soak(
        options.request(file, candidate, select),
        for_s=_seconds("--for", duration),
        every_s=_seconds("--every", every),
    )
    if planned:
        assert setting.plan is not None
        plan_text.show(setting.plan, setting)
        return
    _end(*workflow.carry_out(setting))


def resume(name: options.Run = "latest", file: options.Config = options.DEFAULT) -> None:
    """Go on with a run that was stopped or killed: what is done is kept, the rest is run; then judge.

    How long nobody looked is in the report. The exit code is the gate's.
    """
    from lab.running.rundir import RunDirectory

    directory = RunDirectory.open(options.lab_or_defaults(file)[1], name)
    _end(*workflow.resume(options.request(file), directory))


def _end(decision: GateDecision, directory: RunDirectory) -> None:
    show_decision(decision, directory)
    raise typer.Exit(decision.exit_code)


def _seconds(option: str, text: str) -> float | None:
    """:raise InputError: no duration."""
    try:
        return duration_s(text) if text else None
    except ValueError as error:
        raise InputError(f"{option} {text}: {error}") from None
