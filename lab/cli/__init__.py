"""The command line: words in, tables and exit codes out. Decides nothing about guests.

Results go to stdout, everything for the eye to stderr. Exit codes are those of `lab.errors`.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from lab import log
from lab.errors import ExitCode, LabError

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "running": ("plan", "run", "judge", "gate", "schema"),
    "soak": ("soak", "resume"),
    "doctor": ("doctor",),
    "selftest": ("selftest",),
    "inspect": ("repro", "ps", "console", "screenshot"),
    "tidying": ("gc",),
    "detect": ("detect",),
    "fault": ("fault",),
    "faults": ("faults",),
    "content": ("content",),
    "workloads": ("workloads",),
    "images": ("image",),
}
"""Module of this package to the commands it registers: `lab plan` loads no more than it needs (0.4 s
instead of 1.2)."""


def application(word: str = "") -> typer.Typer:
    """The command line with the command `word`, or with all of them where there is no such command."""
    app = typer.Typer(
        name="lab",
        help="A test lab for fleets of virtual machines: boot, update, watch, judge, report.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(setup)
    needed = [name for name, words in COMMANDS.items() if word in words] or list(COMMANDS)
    for name in needed:
        importlib.import_module(f"lab.cli.{name}").register(app)
    return app


def setup(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="log everything to stderr")] = False,
) -> None:
    """Before any command."""
    log.setup(verbose=verbose)


def _first_word(arguments: Sequence[str]) -> str:
    return next((one for one in arguments if not one.startswith("-")), "")


def main() -> None:
    """The entry point: every way to end has its exit code and its sentence."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: list[str]) -> int:
    """Run one command line; its exit code."""
    try:
        application(_first_word(arguments))(args=arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(ExitCode.SHIP)
    except LabError as error:
        return complain(error)
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 130
    except Exception as error:  # noqa: BLE001 - the top: say it, show where, exit as a lab fault
        traceback.print_exc()
        print(f"lab: error: this is a bug in the lab: {type(error).__name__}: {error}", file=sys.stderr)
        return int(ExitCode.LAB_FAULT)
    return int(ExitCode.SHIP)


def complain(error: LabError) -> int:
    """What failed, and what mends it, on stderr; the exit code of the error's kind."""
    for line in error.message.splitlines():
        print(f"lab: error: {line}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)
    return int(error.exit_code)
