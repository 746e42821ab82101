"""report.json: what is joined, grouped, weighed and worded, and its schema."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import report_factories as make
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.model import Arm, Blame, CellId, FindingKind, GateDecision, Omitted, Outcome, Signature
from lab.report.shape import schema

SCHEMA = Path(__file__).parents[3] / "docs/schema/report.schema.json"
RUNS = ["bad_update", "good_update", "refused_update", "lab_fault", "mixed", "empty"]


@pytest.mark.parametrize("name", RUNS)
def test_every_report_is_valid_by_its_schema(name, tmp_path):
    doc = getattr(make, name)().doc(tmp_path)
    jsonschema.validate(json.loads(json.dumps(doc, allow_nan=False)), schema())
    assert doc["schema_version"] == 1


def test_the_kept_schema_is_the_schema():
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == schema(), (
        "make it again: docs/report.md says how"
    )


def test_an_unknown_key_is_refused_by_the_schema():
    doc = make.good_update().doc()
    doc["answer"]["mood"] = "good"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(doc, schema())


@pytest.mark.parametrize(
    ("ship", "exit_code", "word"),
    [(True, 0, "ship"), (False, 1, "do-not-ship"), (False, 4, "no-answer"), (True, 4, "no-answer")],
)
def test_the_answer_is_the_gates_and_a_ship_with_another_exit_code_is_none(ship, exit_code, word):
    run = make.good_update()
    run.decision = GateDecision(ship=ship, exit_code=exit_code, sentence="so it is")
    answer = run.doc()["answer"]
    assert (answer["word"], answer["ship"]) == (word, word == "ship")
    assert answer["exit_code"] == exit_code


def test_one_bug_on_fifteen_cells_is_one_failure():
    (failure,) = make.bad_update().doc()["failures"]
    assert failure["title"] == make.PANIC
    assert (failure["kind"], failure["module"], failure["function"]) == (
        "panic",
        "demo_sensor",
        "demo_sensor_match",
    )
    assert len(failure["cells"]) == 15
    assert failure["images"] == list(make.IMAGES)
    assert (failure["resets"], failure["looped_cells"], failure["boots"]) == (3, 5, 4)
    assert failure["also"] == ["boot loop: 3 unexpected resets"]
    assert failure["blame"] == "candidate"


def test_a_failure_says_since_which_content():
    (failure,) = make.bad_update().doc()["failures"]
    assert failure["since"] == (
        "New with content 291: the released content 290 passed on all 15 of the same cells."
    )


def test_a_failure_of_both_arms_is_not_new():
    run = make.empty()
    make.crashed(run, make.cell("debian-12", "content-update", Arm.BASELINE, make.RELEASED))
    make.crashed(run, make.cell("debian-12", "content-update", Arm.CANDIDATE, make.BAD))
    (failure,) = run.doc()["failures"]
    assert failure["since"] == "Not new: the released version fails in the same way on 1 of 1 cell."
    assert failure["arms"] == ["baseline", "candidate"]


def test_a_failure_without_a_passing_twin_claims_nothing():
    run = make.empty()
    make.crashed(run, make.cell("debian-12", "content-update", Arm.CANDIDATE, make.BAD))
    assert "no pass on these cells" in run.doc()["failures"][0]["since"]


def test_a_failure_of_the_released_version_alone_says_so():
    run = make.empty()
    make.crashed(run, make.cell("debian-12", "content-update", Arm.BASELINE, make.RELEASED))
    (failure,) = run.doc()["failures"]
    assert failure["since"].startswith("Only the released version")
    assert failure["share"] == 0


def test_titles_that_meet_only_through_a_third_are_one_bug():
    run = make.empty()
    titles = [("a", ()), ("c", ()), ("b", ("a", "c"))]
    for number, (title, others) in enumerate(titles):
        make.crashed(run, make.cell(f"os-{number}", "content-update", Arm.CANDIDATE, make.BAD))
        found = replace(run.verdicts[-1].findings[0], signature=Signature(title=title, alt_titles=others))
        run.verdicts[-1] = replace(run.verdicts[-1], findings=(found,))
    (failure,) = run.doc()["failures"]
    assert len(failure["cells"]) == 3


def test_the_cause_names_the_failure_not_what_followed_sooner():
    run = make.empty()
    make.crashed(run, make.cell("debian-12", "content-update", Arm.CANDIDATE, make.BAD))
    lost = replace(
        run.verdicts[-1].findings[0],
        kind=FindingKind.LOST_CONNECTION,
        signature=Signature(title="lost connection"),
        t_s=1.0,
    )
    run.verdicts[-1] = replace(run.verdicts[-1], findings=(lost, *run.verdicts[-1].findings))
    (failure,) = run.doc()["failures"]
    assert failure["title"] == make.PANIC
    assert failure["also"] == ["lost connection"]


def test_a_failure_that_no_detector_found_is_told_by_its_reason():
    run = make.empty()
    for number in (1, 2):
        one = make.cell(f"os-{number}", "uninstall", Arm.CANDIDATE, make.BAD)
        make.add(
            run, one, Outcome.FAILED, Blame.CANDIDATE, (f"{number} files left",), (), make.opening(one), 0
        )
    (failure,) = run.doc()["failures"]
    assert failure["title"] == "1 files left"
    assert failure["kind"] == "scenario-failed"
    assert failure["exhibit"] is None
    assert len(failure["cells"]) == 2


def test_a_refused_update_is_a_failure_but_no_crash():
    doc = make.refused_update().doc()
    (failure,) = doc["failures"]
    assert failure["kind"] == "update-refused"
    assert "no crash" in failure["meaning"]
    assert doc["fleet"]["refused_only"]
    assert {square["label"] for row in doc["heatmap"]["rows"] for square in row["squares"][1]} == {"refused"}


def test_the_worst_failure_comes_first():
    failures = make.mixed().doc()["failures"]
    assert [failure["kind"] for failure in failures] == ["panic", "update-refused"]
    assert [failure["id"] for failure in failures] == ["f1", "f2"]


def test_shares_follow_the_census_and_add_up():
    fleet = make.mixed().doc()["fleet"]
    assert fleet["affected"] == pytest.approx(0.27)
    assert fleet["unproven"] == pytest.approx(0.73)
    assert sum(fleet[state] for state in ("affected", "unproven", "untested", "proven")) == pytest.approx(1)
    assert not fleet["equal_weights"]


def test_a_census_may_name_patterns():
    run = make.matrix(make.empty(census={"debian-1*": 3, "*": 1}), make.BAD, make.passed)
    shares = {image["image"]: image["share"] for image in run.doc()["fleet"]["images"]}
    assert shares["debian-13"] == pytest.approx(3 / 13)
    assert shares["debian-sid"] == pytest.approx(1 / 13)


def test_cells_that_weigh_more_count_more_but_more_cells_do_not():
    run = make.empty()
    make.crashed(run, make.cell("a", "s1", Arm.CANDIDATE, make.BAD, weight=1.0))
    for scenario in ("s1", "s2", "s3"):
        make.passed(run, make.cell("b", scenario, Arm.CANDIDATE, make.BAD, weight=3.0))
    assert run.doc()["fleet"]["affected"] == pytest.approx(0.25)


def test_a_fleet_that_weighs_nothing_has_no_shares():
    run = make.empty()
    make.crashed(run, make.cell("a", "s1", Arm.CANDIDATE, make.BAD, weight=0.0))
    fleet = run.doc()["fleet"]
    assert fleet["affected"] == 0
    assert fleet["images"][0]["state"] == "affected"


@settings(max_examples=25, deadline=None)
@given(
    weights=st.lists(st.floats(0, 1e6), min_size=1, max_size=6),
    outcomes=st.lists(st.sampled_from(["passed", "crashed", "faulted"]), min_size=6, max_size=6),
)
def test_shares_are_never_negative_nor_more_than_all(weights, outcomes):
    run = make.empty()
    for number, weight in enumerate(weights):
        act = getattr(make, outcomes[number])
        act(run, make.cell(f"os-{number}", "s", Arm.CANDIDATE, make.BAD, weight=weight))
    fleet = run.doc()["fleet"]
    parts = [fleet[state] for state in ("affected", "unproven", "untested", "proven")]
    assert all(-1e-9 <= part <= 1 + 1e-9 for part in parts)
    assert sum(parts) == pytest.approx(1 if sum(weights) > 0 else 0)


def test_the_map_has_the_released_version_first_and_links_every_square():
    doc = make.bad_update().doc()
    assert [arm["arm"] for arm in doc["arms"]] == ["baseline", "candidate"]
    row = doc["heatmap"]["rows"][0]
    baseline, candidate = row["squares"]
    assert {square["outcome"] for square in baseline} == {"passed"}
    assert {(square["label"], square["section"]) for square in candidate} == {("panic", "f1")}
    assert [square["resets"] for square in candidate] == [0, 0, 3]
    anchors = {cell["anchor"] for cell in doc["cells"]}
    assert {square["section"] for square in baseline} <= anchors


def test_a_square_is_the_worst_of_its_repetitions():
    run = make.empty()
    for repetition, act in ((1, make.passed), (2, make.faulted), (3, make.passed)):
        one = make.cell("debian-12", "content-update", Arm.CANDIDATE, make.BAD, repetition=repetition)
        act(run, replace(one, id=CellId(f"{one.id}_r{repetition}")))
    square = run.doc()["heatmap"]["rows"][0]["squares"][0][0]
    assert square["outcome"] == "inconclusive"
    assert len(square["cells"]) == 3
    assert square["section"] == "n1"


def test_two_candidates_have_a_block_each_and_absent_squares_where_nothing_was_planned():
    doc = make.mixed().doc()
    assert [arm["version"]["build"] for arm in doc["arms"]] == ["1.0", "1.0", "1.1"]
    assert doc["heatmap"]["profiles"] == 2
    last = [block[-1] for row in doc["heatmap"]["rows"] for block in row["squares"]]
    assert {"outcome": "absent", "label": "", "resets": 0, "cells": [], "section": ""} in last


def test_nothing_is_left_out_silently():
    doc = make.bad_update().doc()
    gaps = {gap["kind"]: gap for gap in doc["not_tested"]}
    assert list(gaps) == ["unrunnable", "excluded"]
    assert len(gaps["unrunnable"]["cells"]) == 6
    assert gaps["unrunnable"]["hint"] == "lab image build win11-24h2 --medium FILE"
    assert next(one for one in doc["fleet"]["images"] if one["image"] == "win11-24h2")["state"] == "untested"


def test_reasons_that_differ_only_in_figures_are_one_gap():
    run = make.empty()
    for number, waited in enumerate(("410.1", "399")):
        one = make.cell(f"os-{number}", "s", Arm.CANDIDATE, make.BAD)
        make.faulted(run, one, why=f"guest did not answer in {waited} s")
    (gap,) = run.doc()["not_tested"]
    assert (gap["kind"], len(gap["cells"]), gap["blame"]) == ("inconclusive", 2, "lab")
    assert [line["text"] for line in gap["excerpt"]["lines"]][-1] == "Booting from Hard Disk..."


def test_a_planned_cell_without_a_verdict_is_reported_as_not_run():
    doc = make.lab_fault().doc()
    missing = [cell for cell in doc["cells"] if cell["outcome"] == "not-run"]
    assert len(missing) == 4
    assert {cell["section"] for cell in missing} == {"n2"}
    assert doc["not_tested"][1]["kind"] == "not-run"
    assert doc["run"]["interrupted"]


def test_an_unknown_kind_of_omission_is_kept():
    run = make.empty()
    run.omitted.append(Omitted(id=CellId("x"), kind="postponed", reason="tomorrow"))
    assert run.doc()["not_tested"][0]["kind"] == "postponed"


def test_lab_faults_of_attempts_are_told():
    doc = make.lab_fault().doc()
    told = [fault for cell in doc["cells"] for one in cell["attempts"] for fault in one["faults"]]
    assert set(told) == {"guest did not answer in 410 s"}


def test_hosts_images_and_artefacts_are_those_that_the_attempts_saw():
    doc = make.bad_update().doc()
    (host,) = doc["hosts"]
    assert (host["uri"], host["accelerator"], host["factor"], host["attempts"]) == (
        "qemu:///embed",
        "tcg",
        3.42,
        30,
    )
    assert [item["name"] for item in doc["artefacts"]] == [
        "content-290.bin",
        "content-291.bin",
        "demo-sensor-1.0.tar",
    ]
    assert doc["images"][3]["boot"] == "loader"
    assert doc["cells"][0]["image_digest"].startswith("sha256:")


def test_facts_of_a_wrong_shape_do_not_break_the_report():
    run = make.empty(
        hosts=["here"], images=[{"name": "debian-12", "release": "R"}, 3], scenarios=7, census=None
    )
    make.passed(run, make.cell("debian-12", "s", Arm.CANDIDATE, make.BAD))
    run.attempts[0] = replace(run.attempts[0], facts={"host": "x", "artefacts": ["y"], "image": None})
    doc = run.doc()
    assert doc["images"][0]["release"] == "R"
    assert doc["hosts"] == []
    assert doc["timeline"] == []


def test_attempts_that_overlap_are_in_different_lanes():
    spans = make.bad_update().doc()["timeline"]
    assert {span["lane"] for span in spans} == {0, 1}
    for lane in (0, 1):
        own = sorted((span["start_s"], span["end_s"]) for span in spans if span["lane"] == lane)
        assert all(first[1] <= second[0] for first, second in itertools.pairwise(own))


def test_secrets_and_escape_sequences_do_not_reach_the_document(tmp_path):
    text = json.dumps(make.bad_update().doc(tmp_path), ensure_ascii=False)
    assert "hunter2" not in text
    assert "\\u001b" not in text
    assert "token=[redacted]" in text


def test_the_same_run_gives_the_same_document(tmp_path):
    assert make.mixed().doc(tmp_path) == make.mixed().doc(tmp_path)
