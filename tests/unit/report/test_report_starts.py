"""The report says which cells were clones, which booted from power-off, and what the lab could not do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import report_factories as make

from lab.report import html, markdown
from lab.report.starts import sentences

NO_TEMPLATE = "no template could be made: the template of 'debian-12' could not be made: no answer"
FIRST = "the first of its image and arm: clones do not show faults of booting"


def started(run: make.Run, number: int, *, cold: str = "", planned: bool = False) -> None:
    """How a cell's only attempt started."""
    record = run.attempts[number]
    facts = {**record.facts, "clone": not cold, "cold": cold}
    cell = replace(record.cell, cold=cold if planned else "")
    run.cells[number] = cell
    run.attempts[number] = replace(record, cell=cell, facts=facts)
    run.verdicts[number] = replace(run.verdicts[number], cell=cell)


def run_with_fall_backs() -> make.Run:
    run = make.good_update()
    for number in range(len(run.attempts)):
        started(run, number)
    started(run, 0, cold=FIRST, planned=True)
    for number in (3, 5):
        started(run, number, cold=NO_TEMPLATE)
    return run


def doc() -> dict[str, Any]:
    return run_with_fall_backs().doc()


def test_cells_are_counted_by_how_they_started_and_why() -> None:
    starts = doc()["starts"]
    assert (starts["clones"], starts["cold"]) == (27, 3)
    assert [(one["planned"], len(one["cells"])) for one in starts["reasons"]] == [(False, 2), (True, 1)]
    assert starts["reasons"][0]["reason"] == NO_TEMPLATE


def test_a_fall_back_is_told_apart_from_what_was_planned() -> None:
    lines = sentences(doc()["starts"])
    assert lines == [
        "27 of 30 cells started as clones of a booted guest",
        f"2 cells booted from power-off instead of as clones, because {NO_TEMPLATE}",
        f"1 cell booted from power-off: {FIRST}",
    ]


def test_every_attempt_says_how_it_started() -> None:
    cells = doc()["cells"]
    assert (cells[0]["attempts"][0]["clone"], cells[0]["attempts"][0]["cold"]) == (False, FIRST)
    assert (cells[1]["attempts"][0]["clone"], cells[1]["attempts"][0]["cold"]) == (True, "")


def test_page_and_summary_name_the_fall_backs() -> None:
    made = doc()
    page, summary = html.render(made), markdown.render(made)
    assert "2 cells booted from power-off instead of as clones" in page
    assert page.count(">power-off</span>") == 3
    assert "2 cells booted from power-off instead of as clones" in summary


def test_recordings_from_before_clones_say_nothing_of_starts() -> None:
    made = make.good_update().doc()
    assert made["starts"] == {"clones": 0, "cold": 0, "reasons": []}
    assert "power-off" not in markdown.render(made)
    assert '<ul class="starts">' not in html.render(made)
