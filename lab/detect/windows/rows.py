"""Console bytes of a Windows machine to rows of text, as they stand on a terminal.

The boot manager draws its screen with cursor addressing and may send no line end at all, so a cursor
movement begins a row. Refuses to know what a row means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOVE = re.compile(r"\x1b\[[\d;]*[HfABEFGdJ]|\x1b[DEMc78]|[\r\n]")
"""Cursor to elsewhere, or the screen cleared: what follows is another row."""
FORWARD = re.compile(r"\x1b\[\d*C")
OTHER = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[()*+][0-9A-B]|[@-Z\\-_=>])?")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `end` is the offset in serial.log after the line that holds it."""

    t_s: float
    start: int
    end: int
    text: str


def rows_of(raw: bytes, start: int, t_s: float) -> list[Row]:
    """The rows of one line; blank ones are left out. Offsets are those of the whole line."""
    text = raw.decode("utf-8", "replace")
    if "\x1b" in text:
        text = FORWARD.sub(" ", text)
    pieces = MOVE.split(text)
    end = start + len(raw)
    found = []
    for piece in pieces:
        plain = CONTROL.sub("", OTHER.sub("", piece)).rstrip()
        if plain:
            found.append(Row(t_s, start, end, plain))
    return found
