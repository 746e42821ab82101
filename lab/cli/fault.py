"""`lab fault`: a stop code, a name or the words on a screen, explained from the catalogue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from lab.cli import options
from lab.cli.display import out
from lab.errors import InputError

if TYPE_CHECKING:
    from lab.detect.faults import Fault

SURE = 90.0
"""A score from which the best answer is the answer."""
MOST = 5


def register(app: typer.Typer) -> None:
    app.command()(fault)


def fault(
    words: Annotated[
        list[str],
        typer.Argument(help="0x7E, c000021a, a name, or what the screen says", metavar="CODE|NAME|TEXT"),
    ],
    as_json: options.Json = False,
) -> None:
    """Explain a fault: what it means, its parameters, what to check first, how to bring it about."""
    from lab.detect.faults import catalogue

    text = " ".join(words)
    found = catalogue().search(text, limit=MOST)
    if not found:
        raise InputError(
            f"fault {text!r}: the catalogue has nothing like it (wanted a stop code, a name or words of one)",
            hint="lab fault 0x7E, lab fault IRQL_NOT_LESS, lab fault 'soft lockup'",
        )
    sure = [entry for entry, score in found if score >= SURE][:1] or [entry for entry, _ in found]
    if as_json:
        print(json.dumps([{**as_dict(entry), "score": round(score, 1)} for entry, score in found], indent=1))
    elif len(sure) == 1:
        _show(sure[0])
        others = [entry.name for entry, _ in found if entry is not sure[0]]
        if others:
            out.print(f"\nalso like {text!r}: {', '.join(others)}", markup=False, soft_wrap=True)
    else:
        out.print(f"{text!r} could be:", markup=False)
        for entry, score in found:
            out.print(
                f"  {_heading(entry)} ({score:.0f} % alike): {entry.meaning}", markup=False, soft_wrap=True
            )


def as_dict(entry: Fault) -> dict[str, Any]:
    """An entry as JSON types; docs/faults.md has the fields."""
    return {
        "code": None if entry.code is None else f"0x{entry.code:X}",
        "name": entry.name,
        "aliases": list(entry.aliases),
        "class": entry.fault_class,
        "cause": entry.cause,
        "meaning": entry.meaning,
        "parameters": list(entry.parameters),
        "checks": list(entry.checks),
        "provoke": entry.provoke,
        "sources": dict(entry.sources),
    }


def _heading(entry: Fault) -> str:
    return entry.name if entry.code is None else f"{entry.name} (0x{entry.code:X})"


def _show(entry: Fault) -> None:
    out.print(Text(_heading(entry), "bold"), soft_wrap=True)
    if entry.aliases:
        out.print(f"also called: {', '.join(entry.aliases)}", markup=False, soft_wrap=True)
    _line("means", entry.meaning)
    _line("usual cause", f"{entry.cause} ({entry.fault_class})")
    for number, parameter in enumerate(entry.parameters, start=1):
        _line(f"parameter {number}", parameter)
    for check in entry.checks:
        _line("check", check)
    _line("to bring it about", entry.provoke)
    _line("sources", "; ".join(f"{fact}: {source}" for fact, source in entry.sources.items()))


def _line(title: str, text: str) -> None:
    if text:
        out.print(f"  {title}: {text}", markup=False, soft_wrap=True)
