"""Loads `reports.txt`: reports of all kinds and machines, and what must be read in each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lab.model import FindingKind

FILE = Path(__file__).parent / "reports.txt"
HEADING = re.compile(r"### (?P<name>\S+) \| (?P<kind>\S+) \| (?P<fatal>fatal|not) \| (?P<title>.+)")


@dataclass(frozen=True, slots=True)
class Written:
    """One report."""

    name: str
    title: str
    kind: FindingKind
    fatal: bool
    lines: list[str]


def load() -> tuple[Written, ...]:
    found: list[Written] = []
    for line in FILE.read_text().splitlines():
        heading = HEADING.fullmatch(line)
        if heading:
            kind, fatal = FindingKind(heading["kind"]), heading["fatal"] == "fatal"
            found.append(Written(heading["name"], heading["title"], kind, fatal, []))
        elif found:
            found[-1].lines.append(line)
    return tuple(found)


WRITTEN = load()
