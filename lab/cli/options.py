"""Options that several commands share, and what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab import config
from lab.config.types import Lab
from lab.errors import InputError
from lab.places import Places, places
from lab.setting import Request

Config = Annotated[Path, typer.Option("--config", "-c", help="the lab's file", metavar="FILE")]
Candidate = Annotated[
    str, typer.Option("--candidate", help="another candidate: build=1.1,content=292", metavar="KEY=VALUE,…")
]
Select = Annotated[
    list[str] | None,
    typer.Option(
        "--select", "-k", help="only these cells: 'debian-12*', 'update and candidate'", metavar="WORDS"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="machine-readable output on stdout")]
Run = Annotated[str, typer.Argument(help="a run's id, the start of one, a path, or `latest`", metavar="RUN")]

DEFAULT = Path("lab.yaml")


def request(
    file: Path,
    candidate: str = "",
    select: list[str] | None = None,
    scheduler: str = "",
    *,
    fresh: bool = False,
) -> Request:
    """What the options ask for.

    :raise InputError: --candidate is not KEY=VALUE pairs.
    """
    return Request(
        config=file,
        candidate=config.parse_candidate(candidate) if candidate else {},
        select=tuple(select or ()),
        scheduler=scheduler,
        fresh_hosts=fresh,
    )


def lab_or_defaults(file: Path) -> tuple[Places, Path]:
    """(places, reports) of lab.yaml where there is one: `lab ps` and `lab gc` work without it."""
    if file.exists():
        lab: Lab = config.load(file)
        return lab.places, lab.reports
    if file != DEFAULT:
        raise InputError(f"{file}: no such file (wanted a lab.yaml)")
    return places(), Path("reports")
