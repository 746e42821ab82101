"""The summary for a CI page: short, answer first, nothing of a guest becomes markdown."""

from __future__ import annotations

import re

import pytest
import report_factories as make
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.model import Arm, GateDecision
from lab.report import markdown


def test_a_bad_update_is_told_on_the_first_line():
    text = markdown.render(make.bad_update().doc())
    assert text.startswith("# ⛔ DO NOT SHIP\n")
    assert f"**{make.PANIC}** in `demo_sensor`" in text
    assert "boot loop: 3 resets" in text
    assert "reproduce: `lab repro 2026-03-04_0210_content-291 debian-11_" in text
    assert "- Cannot run here, 6 cells: image 'win11-24h2'" in text


@pytest.mark.parametrize(("name", "word"), [("good_update", "✅ SHIP"), ("lab_fault", "❔ NO ANSWER")])
def test_the_other_answers(name, word):
    text = markdown.render(getattr(make, name)().doc())
    assert text.startswith(f"# {word}\n")
    assert "## 1 failure" not in text


def test_the_map_has_a_row_for_each_os_build_and_a_column_for_each_arm_and_scenario():
    rows = [line for line in markdown.render(make.bad_update().doc()).splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 5
    assert {row.count("|") for row in rows} == {8}
    assert rows[2].endswith("| ✓ pass | ✓ pass | ✓ pass | ✕ panic | ✕ panic | ✕ panic ↻3 |")


def test_two_candidates_are_told_apart():
    assert "candidate build 1.1 + content 291: update-reboot" in markdown.render(make.mixed().doc())


def test_a_report_of_nothing_has_no_map():
    text = markdown.render(make.empty().doc())
    assert "|" not in text


def test_long_reports_stay_short():
    run = make.empty()
    for number in range(100):
        one = make.cell(f"os-{number}", "s", Arm.CANDIDATE, make.BAD)
        make.faulted(run, one, why=f"reason {chr(97 + number % 26) * (number + 1)}")
        make.add(
            run,
            make.cell(f"os-{number}", "t", Arm.CANDIDATE, make.BAD),
            make.Outcome.FAILED,
            make.Blame.CANDIDATE,
            (f"broke {chr(97 + number % 26) * (number + 1)}",),
            (),
            make.opening(one),
            0,
        )
    text = markdown.render(run.doc())
    assert text.count("reproduce:") == markdown.MOST_FAILURES
    assert "and 40 more rows" in text
    assert "and 80 more reasons" in text
    assert "and 88 more in the full report" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a | b", r"a \| b"),
        ("<img src=x>", "&lt;img src=x>"),
        ("ping @all", "ping &#64;all"),
        ("see https://evil.example", "see https&#58;//evil.example"),
        ("[x](y)", r"\[x\](y)"),
        ("1. one", "&#49;. one"),
        ("- item", "&#45; item"),
        ("line\n# two", r"line \# two"),
        ("*b* _i_ snake_case", r"\*b\* \_i\_ snake_case"),
    ],
)
def test_text_is_not_markdown(text, shown):
    assert markdown._text(text) == shown


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_adds_a_line_a_column_or_a_tag(text):
    made = markdown._text(text)
    assert len(made.splitlines()) <= 1
    assert "<" not in made
    assert not re.search(r"(?<!\\)(?:\\\\)*\|", made)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_a_code_span_cannot_be_closed_from_inside(text):
    made = markdown._code(text)
    fence = re.match("`+", made).group()
    inner = made[len(fence) : -len(fence)]
    assert fence not in re.findall("`+", inner)


def test_a_hostile_sentence_keeps_the_shape():
    run = make.good_update()
    run.decision = GateDecision(ship=False, exit_code=1, sentence="x\n\n# Ship\n| a |", reasons=("`\n```",))
    lines = markdown.render(run.doc()).splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# ⛔ DO NOT SHIP",
        "## OS builds × scenarios",
    ]
