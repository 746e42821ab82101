"""The command line: words in, tables and exit codes out. Decides nothing about guests.

Results go to stdout, everything for the eye to stderr. Exit codes are those of `lab.errors`.
"""

from __future__ import annotations

import errno
import importlib
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from lab import log
from lab.cli import streams
from lab.errors import ExitCode, InfraError, LabError

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


MENDS: Mapping[int, str] = {
    errno.ENOSPC: "make room there; what was recorded is kept, and lab judge RUN goes on from it",
    errno.EDQUOT: "make room in the quota; what was recorded is kept, and lab judge RUN goes on from it",
    errno.EROFS: "places: and reports: in lab.yaml, or LAB_HOME, name directories that can be written",
    errno.EACCES: "run as the user who owns it, or name another place in lab.yaml",
    errno.EPERM: "run as the user who owns it, or name another place in lab.yaml",
    errno.ENAMETOOLONG: "use a shorter name",
    errno.ELOOP: "a link there leads to itself",
    errno.ENOTDIR: "something that is no directory is in the way",
    errno.EISDIR: "a directory is in the way",
    errno.EIO: "look at the disk: dmesg says more",
    errno.EMFILE: "raise the limit of open files: ulimit -n",
    errno.ENFILE: "raise the machine's limit of open files: sysctl fs.file-max",
    errno.ENOMEM: "end something else, or run fewer guests at a time",
}
"""What the machine can refuse whoever asks for it, and the remedy; any other OSError is a bug of ours."""


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
    streams.prepare()
    code = invoke(sys.argv[1:])
    try:
        streams.flush()
    except OSError as error:
        told = complain(outside(error, "the result cannot be written"))
        code = code or told
    sys.exit(code)


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
        if isinstance(error, OSError) and error.errno in MENDS:
            return complain(outside(error))
        traceback.print_exc()
        print(f"lab: error: this is a bug in the lab: {type(error).__name__}: {error}", file=sys.stderr)
        return int(ExitCode.LAB_FAULT)
    return int(ExitCode.SHIP)


def outside(error: OSError, what: str = "") -> LabError:
    """What the machine refused, in words: where, why, and what mends it."""
    where = ": ".join(str(part) for part in (what, error.filename) if part) or "writing a file"
    return InfraError(
        f"{where}: {(error.strerror or str(error)).lower()}", hint=MENDS.get(error.errno or 0) or None
    )


def complain(error: LabError) -> int:
    """What failed, and what mends it, on stderr; the exit code of the error's kind."""
    for line in error.message.splitlines():
        print(f"lab: error: {line}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)
    return int(error.exit_code)
