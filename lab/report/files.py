"""The four files of a report in the run's directory, replaced together."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.errors import InfraError
from lab.report import html, junit, markdown

REPORT = "report.json"
PAGE = "report.html"
JUNIT = "junit.xml"
SUMMARY = "summary.md"


def write_all(run_dir: Path, doc: Mapping[str, Any]) -> None:
    """Write report.json, report.html, junit.xml and summary.md: all of them, or none.

    Whoever reads one of them must not find the answer of another judgement in the next. Two judgements at
    a time wait for each other.

    :raise InfraError: they cannot be written; those of the last judgement are still there.
    """
    texts = {
        REPORT: json.dumps(doc, indent=1, ensure_ascii=False) + "\n",
        PAGE: html.render(doc, run_dir),
        JUNIT: junit.render(doc),
        SUMMARY: markdown.render(doc),
    }
    try:
        with _alone(run_dir):
            _replace(run_dir, texts)
    except OSError as error:
        raise InfraError(
            f"report in {str(run_dir)!r} cannot be written: {(error.strerror or str(error)).lower()}",
            hint=f"make room or give leave to write there, then: lab judge {run_dir.name}",
        ) from error


def _replace(run_dir: Path, texts: Mapping[str, str]) -> None:
    """What takes room comes first; renaming takes none."""
    scratch = {name: run_dir / f".{name}.new" for name in texts}
    try:
        for name, text in texts.items():
            scratch[name].write_text(text, encoding="utf-8")
        for name in texts:
            scratch[name].replace(run_dir / name)
    finally:
        for path in scratch.values():
            path.unlink(missing_ok=True)


@contextmanager
def _alone(run_dir: Path) -> Iterator[None]:
    """The kernel lets go of the lock when the process ends, however it ends."""
    directory = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)
