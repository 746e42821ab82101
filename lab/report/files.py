"""The four files of a report in the run's directory, each written atomically."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab import codec
from lab.report import html, junit, markdown

REPORT = "report.json"
PAGE = "report.html"
JUNIT = "junit.xml"
SUMMARY = "summary.md"


def write_all(run_dir: Path, doc: Mapping[str, Any]) -> None:
    """Write report.json, report.html, junit.xml and summary.md.

    report.json comes first: it is the truth, and the others can be made again from it.
    """
    codec.replace_text(run_dir / REPORT, json.dumps(doc, indent=1, ensure_ascii=False) + "\n")
    codec.replace_text(run_dir / PAGE, html.render(doc, run_dir))
    codec.replace_text(run_dir / JUNIT, junit.render(doc))
    codec.replace_text(run_dir / SUMMARY, markdown.render(doc))
