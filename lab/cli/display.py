"""Where text goes: results to stdout, everything for the eye to stderr; tables that are never cut."""

from __future__ import annotations

import sys
from typing import TextIO

from rich.console import Console
from rich.table import Table

WIDE = 240
"""Columns where there is no terminal: a log or a pipe wants whole lines."""


def _console(stream: TextIO, *, stderr: bool) -> Console:
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else WIDE)


out = _console(sys.stdout, stderr=False)
err = _console(sys.stderr, stderr=True)


def table(*titles: str) -> Table:
    """An open table; the first column is never broken."""
    made = Table(box=None, pad_edge=False, padding=(0, 2))
    for number, title in enumerate(titles):
        made.add_column(title, header_style="bold", no_wrap=number == 0)
    return made
