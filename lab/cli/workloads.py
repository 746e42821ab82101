"""`lab workloads`: the loads that a scenario can put on a guest."""

from __future__ import annotations

import json
from typing import Any

import typer

from lab.cli import options
from lab.cli.display import out, table
from lab.model import Family
from lab.workloads import CATALOGUE, Workload

NOT_PROVEN = "Loads on Windows guests await a real host: their scripts have run in no guest yet."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("workloads")(show)


def show(as_json: options.Json = False) -> None:
    """The loads that a scenario can put on a guest: what each loads, on which families, with which tools."""
    if as_json:
        print(json.dumps([_plain(one) for one in CATALOGUE.values()], indent=1))
        return
    rows = table("workload", "loads", *(family.value for family in Family))
    for one in CATALOGUE.values():
        rows.add_row(one.name, one.loads, *(_tools(one, family) for family in Family))
    out.print(rows)
    out.print("In a column: what makes the load, the best way first, and the programs that the guest needs.")
    out.print(NOT_PROVEN)


def _tools(workload: Workload, family: Family) -> str:
    ways = [
        means.tool + (f" ({', '.join(means.needs)})" if means.needs not in ((), (means.tool,)) else "")
        for means in workload.means.get(family, ())
    ]
    return ", or ".join(dict.fromkeys(ways)) or "-"


def _plain(workload: Workload) -> dict[str, Any]:
    return {
        "name": workload.name,
        "loads": workload.loads,
        "families": {
            family.value: [
                {
                    "tool": means.tool,
                    "needs": list(means.needs),
                    "counts": means.counts,
                    "times": means.times,
                    "proven": family is not Family.WINDOWS,
                }
                for means in ways
            ]
            for family, ways in workload.means.items()
        },
    }
