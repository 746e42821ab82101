"""The page on comparisons: regressions first, everything within its frame, nothing lost silently."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
import report_factories as make
import report_measured as measured

from lab.model import Arm, Compared, Comparison
from lab.report import charts, html, markdown
from lab.report.shape import schema


@pytest.fixture(scope="module")
def doc():
    return measured.doc(measured.measured())


def one(**more) -> Comparison:
    told = {
        "kind": "figure",
        "name": "boot_s",
        "verdict": Compared.NOT_ENOUGH,
        "sentence": "boot_s: <not> enough",
        "image": "debian-12",
        "profile": "bios-1cpu",
        "scenario": "content-update",
        "pairs": 6,
        "baseline": 10.0,
        "candidate": 11.0,
        "effect": 0.1,
        "margin": 0.1,
        "points": ((10.0, 11.0),),
    }
    return Comparison(**{**told, **more})


def view(*comparisons: Comparison):
    run = make.good_update()
    made = make.document.build(
        run.run, run.plan, run.verdicts, run.decision, run.attempts, comparisons=comparisons
    )
    return charts.comparisons(made), html.render(made)


def test_the_measured_run_is_a_report_by_its_schema(doc):
    jsonschema.Draft202012Validator(schema()).validate(json.loads(json.dumps(doc)))


def test_the_page_shows_the_regressions_and_every_kind_of_chart(doc):
    page = html.render(doc)
    for told in ("Is the candidate worse by numbers?", "agent_rss_kib", "slab_kib", "used up in", "+12 %"):
        assert told in page
    assert page.count("<svg") > 20
    assert "<script" not in page


def test_the_comparison_over_all_builds_comes_first_and_speaks_for_the_others(doc):
    made = charts.comparisons(doc)
    leaders = {(first["name"], first["image"]): others for first, others in made["worse"]}
    assert leaders["agent_rss_kib", "*"] == 3
    fattest = next(group for group in made["groups"] if group["title"] == "agent_rss_kib")
    assert fattest["rows"][0]["one"]["image"] == "*"


def test_everything_that_is_drawn_lies_within_its_frame(doc):
    made = charts.comparisons(doc)
    for group in made["groups"]:
        for row in group["rows"]:
            drawn = [row["low"], row["high"], row["dot"], *row["points"], group["zero"], group["margin"]]
            assert all(0 <= x <= 100 for x in drawn)
            assert row["low"] <= row["dot"] <= row["high"]
    for slope in made["slopes"]:
        points = [points for _, points in slope["lines"]]
        points += [band[part] for band in slope["bands"] for part in ("line", "area")]
        numbers = [float(value) for line in points for pair in line.split() for value in pair.split(",")]
        assert all(0 <= value <= 100 for value in numbers)


def test_a_bound_that_there_is_not_is_drawn_open():
    made, page = view(one(interval=(None, None)), one(image="debian-13", interval=(0.05, None)))
    first, second = made["groups"][0]["rows"]
    assert (first["open_low"], first["open_high"]) == (True, True)
    assert (second["open_low"], second["open_high"], second["high"]) == (False, True, 100.0)
    assert "range open" in page


def test_places_that_are_not_shown_are_counted():
    many = [one(image=f"image-{n}") for n in range(charts.MOST_ROWS + 5)]
    made, page = view(*many)
    assert made["groups"][0]["left"] == 5
    assert "5 more places in report.json" in page


def test_single_pairs_are_a_line_and_no_chart():
    made, page = view(*[one(pairs=1, image=f"image-{n}") for n in range(4)])
    assert (made["groups"], made["single"]) == ([], 4)
    assert "4 comparisons rest on a single pair" in page


def test_a_figure_that_was_never_measured_in_pairs_is_named():
    made, page = view(one(effect=None, baseline=None, candidate=None, pairs=0, points=()))
    assert len(made["unmeasured"]) == 1
    assert "Without a pair of numbers: boot_s" in page


def test_failure_rates_are_told_in_runs():
    rates = one(
        kind="crashes", name="crashes", verdict=Compared.REGRESSION, baseline=0.0, candidate=0.5, effect=0.5,
        interval=(0.2, 0.8), points=((0.0, 1.0),),
    )  # fmt: skip
    made, page = view(rates)
    assert made["groups"][0]["rows"][0]["text"] == "3 : 0 failed"
    assert "Failed runs" in page


def test_rates_without_any_failure_need_no_chart():
    made, _ = view(one(kind="crashes", name="crashes", baseline=0.0, candidate=0.0, effect=0.0))
    assert made["groups"] == []


@pytest.mark.parametrize("effect", [0.0, -1.0, 1e9, 1e-12])
def test_any_effect_finds_its_place(effect):
    made, _ = view(one(effect=effect, points=((1.0, 1.0 + effect),)))
    assert 0 <= made["groups"][0]["rows"][0]["dot"] <= 100


def test_no_text_of_a_comparison_becomes_markup():
    _, page = view(one(name="<b>boot", sentence="<script>x</script>", unit="<i>"))
    assert "<script>" not in page
    assert "<b>boot" not in page


def test_a_run_without_comparisons_has_no_section():
    _, page = view()
    assert 'id="compared"' not in page
    assert 'id="covered"' in page


def test_the_summary_still_renders(doc):
    assert "SHIP" in markdown.render(doc)


@pytest.mark.parametrize(
    ("hours", "words"), [(0.5, "30 min"), (5, "5 h"), (200, "8 days"), (24 * 365 * 3, "3 years")]
)
def test_time_that_is_left_is_told_in_words(hours, words):
    assert charts.span(hours) == words


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-0.3, 7), (380_000, 391_000), (5, 5)])
def test_ticks_are_few_round_and_within(low, high):
    ticks = charts.nice_ticks(low, high, 6)
    assert 1 <= len(ticks) <= 8
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)


def test_arms_are_told_apart_without_colour(doc):
    """The released agent's line is dashed, by its class; a regression's mark is a square."""
    page = html.render(doc)
    assert "series baseline" in page
    assert ".plot .series.baseline { stroke-dasharray" in page
    assert "stroke-linecap: square" in page


def test_pairs_of_several_candidates_are_kept_apart():
    run = measured.measured(repetitions=2)
    other = [
        replace(cell, id=f"{cell.id}_b", version=make.MENDED)
        for cell in run.cells
        if cell.arm is Arm.CANDIDATE
    ]
    assert {comparison.version for comparison in measured.compared(run)} == {""}
    run.verdicts += [replace(run.verdicts[0], cell=cell) for cell in other]
    run.attempts += [replace(run.attempts[0], cell=cell) for cell in other]
    assert {comparison.version for comparison in measured.compared(run)} == {str(make.MENDED), str(make.BAD)}
