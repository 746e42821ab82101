"""Real crashes, captured from guests that `lab.selftest.capture` crashed, and what is found in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.detect.lines import LineStream
from lab.detect.linux.console import Console
from lab.model import Finding, SerialChunk
from lab.selftest.capture import read_index

CAPTURED = Path(__file__).parent / "captured"
ROWS = read_index(CAPTURED / "index.tsv")


def found_in(log: bytes, *, cut: int = 0) -> list[Finding]:
    """The findings of a console log that are not noise; the log arrives in pieces of `cut` bytes."""
    stream, console, step = LineStream(), Console(), cut or len(log)
    for start in range(0, len(log), step):
        block = stream.feed(SerialChunk(t_s=start * 1e-4, start=start, data=log[start : start + step]))
        if block is not None:
            console.feed(block)
    last = stream.finish()
    if last is not None:
        console.feed(last)
    console.finish()
    findings = [report.finding() for report in console.reports]
    return [finding for finding in findings if not finding.suppressed]


def titles(findings: Sequence[Finding]) -> list[str]:
    return [f"{finding.kind}{' (fatal)' * finding.fatal}: {finding.title}" for finding in findings]


def name_of(row: dict[str, str]) -> str:
    return row["file"].removesuffix(".log")


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_a_captured_crash_is_found_as_a_person_reads_it(row: dict[str, str]) -> None:
    found = found_in((CAPTURED / row["file"]).read_bytes())
    if row["kind"] == "any":
        assert not any(finding.fatal for finding in found), titles(found)
        return
    if not row["kind"]:
        assert not found, titles(found)
        return
    assert found, "nothing was found"
    fatal = [finding for finding in found if finding.fatal]
    first = (fatal or found)[0] if row["fatal"] == "Y" else found[0]
    assert first.kind == row["kind"], titles(found)
    named = (first.signature.title, *first.signature.alt_titles)
    assert any(re.fullmatch(row["title"], title) for title in named), named
    if row["fatal"]:
        assert first.fatal == (row["fatal"] == "Y"), titles(found)
    if row["blamed"]:
        assert first.module == row["blamed"], (first.module, first.function)


@pytest.mark.parametrize("row", ROWS[::4], ids=name_of)
def test_the_same_is_found_however_the_capture_is_cut(row: dict[str, str]) -> None:
    log = (CAPTURED / row["file"]).read_bytes()
    assert titles(found_in(log, cut=61)) == titles(found_in(log))


def test_the_captures_are_of_many_crashes_on_five_kernels() -> None:
    crashes = [row for row in ROWS if row["kind"] not in ("", "any")]
    assert len({row["fault"] for row in crashes}) >= 40
    assert len({row["kernel"] for row in ROWS}) >= 5
    assert {row["file"] for row in ROWS} == {
        path.relative_to(CAPTURED).as_posix() for path in CAPTURED.glob("*/*.log")
    }
