"""`lab ps`, `console`, `screenshot`, `repro`: looking inside, and again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli import options
from lab.cli.display import err, out, table
from lab.errors import InputError
from lab.machine.console import attach
from lab.machine.leases import Lease, LeaseBook, is_leftover
from lab.machine.peek import screenshot_of
from lab.running import repro as repro_room
from lab.running.rundir import RunDirectory


def register(app: typer.Typer) -> None:
    for command in (ps, console, screenshot, repro):
        app.command()(command)


def _lease(book: LeaseBook, name: str) -> Lease:
    """A machine by id, by start of its id, or by the id of its cell."""
    leases = list(book.all())
    found = [lease for lease in leases if lease.machine.startswith(name) or lease.cell == name]
    if len(found) == 1:
        return found[0]
    known = ", ".join(lease.machine for lease in leases) or "none is running"
    raise InputError(
        f"machine {name!r} fits {len(found)} of {len(leases)} machines", hint=f"lab ps lists them: {known}"
    )


def ps(file: options.Config = options.DEFAULT) -> None:
    """List guests: running, kept, and left over."""
    book = LeaseBook(options.lab_or_defaults(file)[0])
    rows = table("machine", "run", "cell", "attempt", "since", "state", "ssh port")
    for lease in book.all():
        kept = f"kept until {lease.keep_until}" if lease.keep_until else "running"
        why = is_leftover(lease)
        state = f"leftover: {why}" if why else kept
        rows.add_row(
            lease.machine,
            lease.run,
            lease.cell,
            str(lease.attempt),
            lease.created,
            state,
            str(lease.ssh_port or "-"),
        )
    out.print(rows)


def console(
    machine: Annotated[str, typer.Argument(help="from `lab ps`, or a cell's id", metavar="MACHINE")],
    file: options.Config = options.DEFAULT,
) -> None:
    """Attach to a guest's serial console; Ctrl-] leaves it."""
    book = LeaseBook(options.lab_or_defaults(file)[0])
    lease = _lease(book, machine)
    err.print(f"console of {lease.machine} ({lease.cell}); Ctrl-] leaves", markup=False)
    attach(book.run_dir(lease.machine) / "serial.sock", Path(lease.recording) / "serial.log")


def screenshot(
    machine: Annotated[str, typer.Argument(help="from `lab ps`, or a cell's id", metavar="MACHINE")],
    target: Annotated[Path, typer.Argument(help="where to write the PNG", metavar="FILE")] = Path(
        "screen.png"
    ),
    file: options.Config = options.DEFAULT,
) -> None:
    """Save a guest's screen as PNG."""
    places = options.lab_or_defaults(file)[0]
    book = LeaseBook(places)
    target.write_bytes(screenshot_of(_lease(book, machine), book))
    print(target)


def repro(
    name: options.Run,
    cell: Annotated[str, typer.Argument(help="the cell's id", metavar="CELL")],
    file: options.Config = options.DEFAULT,
    shell: Annotated[
        bool, typer.Option("--shell", help="keep the guest at the failure and say how to reach it")
    ] = False,
    keep_hours: Annotated[float, typer.Option(help="how long a kept guest stays", metavar="HOURS")] = 4.0,
) -> None:
    """Run one cell of a run again: same image, artefacts, seed and arm. Did the same bug come back?

    Exit code 1 when it came back, 0 when it did not, 4 when the lab could not tell.
    """
    places, reports = options.lab_or_defaults(file)
    directory = RunDirectory.open(reports, name)
    again = repro_room.again(directory, cell, places, keep_hours=keep_hours if shell else 0.0)
    for line in again.lines():
        out.print(line, markup=False, soft_wrap=True)
    raise typer.Exit(int(again.exit_code))
