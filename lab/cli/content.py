"""`lab content mutate`: damaged contents, made from the format that agent.yaml declares."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli import options
from lab.cli.display import err, out, table
from lab.errors import InputError
from lab.model import Family

if TYPE_CHECKING:
    from lab.faults.content import Mutation

INDEX = "mutations.json"

app = typer.Typer(help="Content files, damaged on purpose.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="content")


@app.callback()
def _group() -> None:
    """A group of commands, even while there is one."""


@app.command("mutate")
def mutate(
    agent: Annotated[str, typer.Argument(help="a folder of agents/", metavar="AGENT")],
    content: Annotated[str, typer.Argument(help="a content of its agent.yaml", metavar="CONTENT")],
    to: Annotated[
        Path | None, typer.Option("--out", help="write the files there, with an index", metavar="DIR")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="list them (done without --out)")] = False,
    seed: Annotated[int, typer.Option("--seed", help="of the bits that are flipped")] = 1,
    flips: Annotated[int, typer.Option("--flips", help="bits to flip, one per file", min=0)] = 16,
    family: Annotated[Family, typer.Option("--family", help="whose contents")] = Family.LINUX,
    file: options.Config = options.DEFAULT,
    as_json: options.Json = False,
) -> None:
    """Everything that can go wrong with a content file, each as a file with a name and a digest."""
    made = _made(file.parent, agent, content, family, seed=seed, flips=flips)
    rows = [_row(one) for one in made]
    if to is not None:
        _write(to, made, {"agent": agent, "content": content, "seed": seed, "mutations": rows})
        err.print(f"{len(made)} files and {INDEX} are in {to}", markup=False, soft_wrap=True)
    if as_json:
        print(json.dumps(rows, indent=1))
    elif listed or to is None:
        _show(made)


def _made(
    root: Path, agent: str, content: str, family: Family, *, seed: int, flips: int
) -> tuple[Mutation, ...]:
    from lab import agents
    from lab.agents.artefacts import ArtefactStore
    from lab.faults.content import mutations
    from lab.places import places

    manifest = agents.load(root / "agents" / agent)
    form = manifest.family(family).content_format
    if form is None:
        raise InputError(
            f"agent {agent!r}: no content_format is declared for {family.value}",
            hint=f"docs/agents.md says how; it goes into {manifest.path}",
        )
    data = ArtefactStore(places(), manifest).content(content, family)
    return mutations(form, data, seed=seed, flips=flips)


def _row(one: Mutation) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": str(one.kind),
        "bytes": len(one.data),
        "sha256": one.sha256,
        "mended": one.mended,
        "sentence": one.sentence,
    }


def _write(directory: Path, made: Sequence[Mutation], index: Mapping[str, Any]) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for one in made:
            (directory / one.name).write_bytes(one.data)
        (directory / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{directory}: cannot be written to: {error.strerror}") from error


def _show(made: Sequence[Mutation]) -> None:
    rows = table("mutation", "kind", "bytes", "sha256", "what was done")
    for one in made:
        rows.add_row(one.name, str(one.kind), str(len(one.data)), one.sha256[:12], one.sentence)
    out.print(rows)
