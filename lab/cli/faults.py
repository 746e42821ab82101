"""`lab faults`: what can be done to a guest on purpose, what each takes, and what proves that it happened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from lab.cli import options
from lab.cli.display import out, table
from lab.config.located import unknown
from lab.errors import InputError
from lab.model import Family

if TYPE_CHECKING:
    from lab.faults.kind import Kind


def register(app: typer.Typer) -> None:
    app.command()(faults)


def faults(
    name: Annotated[str, typer.Argument(help="one of them, with everything about it", metavar="NAME")] = "",
    family: Annotated[str, typer.Option("--family", help="only what works on linux or windows")] = "",
    as_json: options.Json = False,
) -> None:
    """List the faults that a scenario can inject: name, what it does, what proves it, on which guests.

    `lab fault` explains stop codes; this is about breaking things on purpose.
    """
    from lab.faults.catalogue import KINDS

    if name and name not in KINDS:
        raise InputError(unknown("fault", name, list(KINDS)), hint="`lab faults` lists them")
    if family and family not in [one.value for one in Family]:
        raise InputError(f"family {family!r} (wanted {' or '.join(one.value for one in Family)})")
    chosen = [kind for kind in KINDS.values() if name in ("", kind.name)]
    chosen = [kind for kind in chosen if not family or Family(family) in kind.families]
    if as_json:
        print(json.dumps([as_dict(kind) for kind in chosen], indent=1))
    elif name:
        _show(chosen[0]) if chosen else None
    else:
        _list(chosen)


def as_dict(kind: Kind) -> dict[str, Any]:
    """A fault as JSON types."""
    return {
        "name": kind.name,
        "what": kind.what,
        "proof": kind.proof,
        "undo": kind.undo,
        "families": {family.value: support.value for family, support in kind.families.items()},
        "masks": list(kind.masks),
        "needs": kind.needs,
        "parameters": [
            {
                "name": one.name,
                "meaning": one.meaning,
                "default": one.default,
                "unit": one.unit,
                "low": one.low,
                "high": one.high,
                "choices": list(one.choices),
            }
            for one in kind.parameters
        ],
    }


def _list(kinds: list[Kind]) -> None:
    listed = table("fault", "what it does", "what proves it", "guests")
    for kind in kinds:
        listed.add_row(kind.name, kind.what, kind.proof, _families(kind))
    out.print(listed, markup=False)


def _families(kind: Kind) -> str:
    """`linux, windows (awaits a real host)`."""
    from lab.faults.kind import Support

    return ", ".join(
        family.value if support is Support.TESTED else f"{family.value} ({support.value})"
        for family, support in kind.families.items()
    )


def _show(kind: Kind) -> None:
    out.print(Text(kind.name, "bold"))
    lines = {"does": kind.what, "proof": kind.proof, "undo": kind.undo, "guests": _families(kind)}
    lines |= {"needs": kind.needs, "masks": _masks(kind)}
    for title, words in lines.items():
        if words:
            out.print(f"  {title}: {words}", markup=False, soft_wrap=True)
    for parameter in kind.parameters:
        out.print(f"  {parameter.words}: {parameter.meaning}", markup=False, soft_wrap=True)


def _masks(kind: Kind) -> str:
    from lab.faults.kind import MASKS

    return "; ".join(MASKS[mask] for mask in kind.masks)
