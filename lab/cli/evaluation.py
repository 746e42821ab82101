"""`lab detect --evaluate`: the score of each set of a labelled corpus, as text or JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rich.text import Text

from lab.cli.display import err, out, table
from lab.examining.scoring.labels import read_corpus
from lab.examining.scoring.measure import Judged, judge_all
from lab.examining.scoring.score import Score, score

MOST_WRONG = 40
"""Wrong cases shown of each set; --json has all."""


def run_evaluation(directory: Path, *, as_json: bool, variants: bool, jobs: int) -> None:
    """Judge every labelled case and print the score of each set."""
    cases = read_corpus(directory)
    judged: list[Judged] = []
    for number, one in enumerate(judge_all(cases, jobs=jobs, variants=variants), start=1):
        judged.append(one)
        if sys.stderr.isatty() and number % 20 == 0:
            err.print(f"{number} examined", end="\r")
    scores = score(judged)
    if as_json:
        print(json.dumps([score_dict(one) for one in scores], indent=1))
        return
    for total in scores:
        _show_score(total)


def score_dict(one: Score) -> dict[str, Any]:
    """One set's score as JSON types; docs/scoring.md has the fields."""
    return {
        "set": str(one.corpus_set),
        "variants": any(case.case.variant for case in one.slowest),
        "cases": one.cases,
        "seconds": round(one.seconds, 3),
        "shares": {
            name: {"hits": share.hits, "cases": share.cases, "value": share.value}
            for name, share in one.shares.items()
        },
        "confusion": [
            {"label": label, "found": found, "cases": count}
            for (label, found), count in one.confusion.items()
        ],
        "wrong": [_judged(case) for case in one.wrong],
        "slowest": [
            {"file": case.case.name, "seconds": round(case.seconds, 4), "bytes": case.bytes}
            for case in one.slowest
        ],
    }


def _judged(one: Judged) -> dict[str, Any]:
    return {
        "file": one.case.name, "variant": one.case.variant, "label": one.case.label, "truth": one.truth,
        "found": one.found, "title": one.title, "wanted": _wanted(one), "seen": one.seen,
        "false_alarm": one.false_alarm, "exact": one.exact, "same_bug": one.same_bug,
        "class_right": one.class_right, "fatal_right": one.fatal_right, "right": one.right,
        "code_right": one.code_right, "problem": one.problem,
    }  # fmt: skip


def _wanted(one: Judged) -> str:
    truth = one.case.truth
    return truth.get("title") or truth.get("stop_text") or truth.get("bugcheck") or one.truth


def _show_score(one: Score) -> None:
    changed = " (changed)" if any(case.case.variant for case in one.slowest) else ""
    out.print(Text(f"\n{one.corpus_set}{changed}: {one.cases} cases in {one.seconds:.1f} s", "bold"))
    figures = table("figure", "share")
    for name, share in one.shares.items():
        figures.add_row(name, str(share))
    out.print(figures)
    labels = sorted({label for label, _ in one.confusion})
    names = sorted({found for _, found in one.confusion})
    matrix = table("label \\ found", *names)
    for label in labels:
        matrix.add_row(label, *(str(one.confusion.get((label, name), "")) for name in names))
    out.print(matrix)
    for case in one.wrong[:MOST_WRONG]:
        variant = f" {case.case.variant}" if case.case.variant else ""
        found = f"{case.found}: {(case.title or case.problem)!r}"
        wanted = f"{case.truth}: {_wanted(case)!r}"
        line = f"  {case.case.name}{variant}: {found} (wanted {wanted})"
        out.print(line, markup=False, soft_wrap=True)
    if len(one.wrong) > MOST_WRONG:
        out.print(f"  and {len(one.wrong) - MOST_WRONG} more (--json has all)")
    slow = ", ".join(f"{case.case.name} {1000 * case.seconds:.0f} ms" for case in one.slowest)
    out.print(f"  slowest: {slow}", markup=False, soft_wrap=True)
