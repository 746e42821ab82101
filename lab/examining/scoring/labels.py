"""Labelled corpora: index tables to cases. docs/scoring.md describes the four formats.

An index is a TSV with a header; its columns say which set it is. Refuses to run a detector.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lab.errors import InputError


class CorpusSet(StrEnum):
    """What kind of material is labelled."""

    CONSOLE = "console"
    """Kernel logs with the title of their first report."""
    SERIAL = "serial"
    """Serial and boot logs with one verdict each."""
    SCREENS = "screens"
    DUMPS = "dumps"


COLUMNS: Mapping[CorpusSet, frozenset[str]] = {
    CorpusSet.CONSOLE: frozenset({"file", "title", "alt", "corrupted", "lab_class", "lab_fatal"}),
    CorpusSet.SERIAL: frozenset({"file", "verdict", "fatal", "label"}),
    CorpusSet.SCREENS: frozenset({"file", "label", "origin", "stop_text"}),
    CorpusSet.DUMPS: frozenset({"file", "label", "bugcheck"}),
}
"""What an index must have; more columns do no harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One labelled file."""

    corpus_set: CorpusSet
    name: str
    path: Path
    truth: Mapping[str, str]
    """Its row of the index."""
    variant: str = ""
    """How the picture is changed before it is examined: `scale=0.5`, `jpeg=30`, `letterbox`; "" for not."""

    @property
    def label(self) -> str:
        return self.truth.get("label") or self.truth.get("lab_class") or ""


def read_corpus(directory: Path) -> tuple[Case, ...]:
    """Every case of every index in `directory` and below.

    :raise InputError: there is no index, or a row names a file that is not there.
    """
    if not directory.is_dir():
        raise InputError(f"{directory}: not a directory (wanted a labelled corpus)")
    cases: list[Case] = []
    for path in sorted(directory.rglob("*.tsv")):
        cases += _index(path, directory)
    if not cases:
        wanted = "; ".join(f"{kind}: {', '.join(sorted(names))}" for kind, names in COLUMNS.items())
        raise InputError(
            f"{directory}: no index (wanted a .tsv with the columns of one set: {wanted})",
            hint="docs/scoring.md describes the formats",
        )
    return tuple(cases)


def _index(path: Path, directory: Path) -> Iterator[Case]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        names = frozenset(rows.fieldnames or ())
        kind = next((kind for kind, wanted in COLUMNS.items() if wanted <= names), None)
        if kind is None:
            return
        for row in rows:
            truth = {key: value or "" for key, value in row.items() if key}
            name = truth["file"]
            places = (path.parent / name, path.parent.parent / name, directory / name)
            file = next((place for place in places if place.is_file()), None)
            if file is None:
                raise InputError(f"{path}:{rows.line_num}: {name!r} is not there (tried {places[0]})")
            yield Case(corpus_set=kind, name=name, path=file, truth=truth)
