"""The output that agents are read through: `key=value` lines, one per line, anything else ignored."""

from __future__ import annotations

import re

_LINE = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)")


def parse(text: str) -> dict[str, str]:
    """Key to value; the first line of a key counts, spaces around the value do not."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match:
            found.setdefault(match[1], match[2].strip())
    return found


def every(text: str, key: str) -> list[str]:
    """The values of all lines of `key`, in order."""
    matches = (_LINE.fullmatch(line.strip()) for line in text.splitlines())
    return [match[2].strip() for match in matches if match and match[1] == key]
