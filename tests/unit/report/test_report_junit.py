"""JUnit: failure is the product's, error is the lab's, counts are true, names are stable."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
import report_factories as make
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.model import Arm, Blame, CellId, Omitted, Outcome
from lab.report import junit


def parse(run) -> ET.Element:
    return ET.fromstring(junit.render(run.doc()))


def case(root: ET.Element, name: str) -> ET.Element:
    (found,) = [one for one in root.iter("testcase") if one.get("name") == name]
    return found


@pytest.mark.parametrize(
    ("name", "tests", "failures", "errors", "skipped"),
    [
        ("bad_update", 37, 15, 0, 7),
        ("good_update", 30, 0, 0, 0),
        ("refused_update", 30, 15, 0, 0),
        ("lab_fault", 30, 0, 13, 4),
        ("mixed", 34, 4, 2, 2),
        ("empty", 0, 0, 0, 0),
    ],
)
def test_the_counts_are_those_of_the_cells(name, tests, failures, errors, skipped):
    root = parse(getattr(make, name)())
    assert [root.get(key) for key in ("tests", "failures", "errors", "skipped")] == [
        str(one) for one in (tests, failures, errors, skipped)
    ]
    for key in ("tests", "failures", "errors", "skipped"):
        assert sum(int(suite.get(key)) for suite in root.iter("testsuite")) == int(root.get(key))


def test_a_test_is_named_by_its_scenario_and_cell():
    element = case(parse(make.bad_update()), "debian-12_bios-1cpu_update-reboot_candidate")
    assert element.get("classname") == "lab.update-reboot"


def test_names_do_not_change_with_the_candidate():
    names = [
        {(one.get("classname"), one.get("name")) for one in parse(run).iter("testcase")}
        for run in (make.good_update(), make.refused_update())
    ]
    assert names[0] == names[1]


def test_a_crash_is_a_failure_with_its_title_kind_and_reproduction():
    failure = case(parse(make.bad_update()), "debian-12_bios-1cpu_update-reboot_candidate").find("failure")
    assert failure.get("message") == make.PANIC
    assert failure.get("type") == "panic"
    assert "lab repro 2026-03-04_0210_content-291 debian-12_bios-1cpu_update-reboot_candidate" in failure.text


@pytest.mark.parametrize("blame", [Blame.LAB, Blame.SCENARIO])
def test_what_is_not_the_products_fault_is_an_error(blame):
    run = make.bad_update()
    run.verdicts[1] = replace(run.verdicts[1], blame=blame)
    element = case(parse(run), run.verdicts[1].cell.id)
    assert element.find("error") is not None
    assert element.find("failure") is None


def test_a_pass_after_a_failed_attempt_shows_the_failed_one():
    root = parse(make.mixed())
    (flaky,) = root.iter("flakyFailure")
    assert flaky.get("message") == make.PANIC
    assert flaky.find("stackTrace").text.startswith("flaky")


def test_a_flaky_cell_without_a_known_cause_is_still_flaky():
    run = make.good_update()
    run.verdicts[0] = replace(run.verdicts[0], outcome=Outcome.FLAKY, reasons=("failed once",))
    (flaky,) = parse(run).iter("flakyFailure")
    assert flaky.get("message") == "failed once"


def test_everything_skipped_says_why():
    for run in (make.bad_update(), make.lab_fault(), make.mixed()):
        for skipped in parse(run).iter("skipped"):
            assert skipped.get("message")


def test_an_omitted_cell_is_in_the_suite_of_its_scenario():
    element = case(parse(make.bad_update()), "win11-24h2_uefi-tpm_update-reboot_candidate")
    assert element.get("classname") == "lab.update-reboot"
    assert element.find("skipped").get("message").endswith("(hint: lab image build win11-24h2 --medium FILE)")


def test_a_repetition_that_was_not_needed_is_skipped_with_the_answer_as_reason():
    run = make.good_update()
    name = CellId("debian-12_bios-1cpu_content-update_candidate_r2")
    run.omitted.append(Omitted(id=name, kind="decided", reason="enough after 6 pairs: 6 pairs decided 2"))
    (gap,) = (gap for gap in run.doc()["not_tested"] if gap["kind"] == "decided")
    assert gap["cells"] == [name]
    skipped = case(parse(run), name).find("skipped")
    assert skipped.get("message") == "decided: enough after 6 pairs: 6 pairs decided 2"


def test_an_omitted_cell_of_no_scenario_is_kept():
    run = make.good_update()
    run.omitted.append(Omitted(id=CellId("odd"), kind="excluded", reason="rule 1"))
    assert case(parse(run), "odd").get("classname") == "lab.other"


def test_properties_carry_axes_digests_and_blame():
    element = case(parse(make.bad_update()), "debian-12_bios-1cpu_update-reboot_candidate")
    told = {one.get("name"): one.get("value") for one in element.iter("property")}
    assert told["image"] == "debian-12"
    assert told["image.digest"].startswith("sha256:")
    assert told["agent.content"] == "291"
    assert told["installed.content"] == "289"
    assert told["blame"] == "candidate"
    assert len(told["artefact.content-291.bin"]) == 64


def test_output_is_capped_and_holds_the_console_of_the_exhibit(monkeypatch):
    run = make.bad_update()
    name = "debian-11_bios-1cpu_update-reboot_candidate"
    assert "Kernel panic - not syncing" in case(parse(run), name).find("system-out").text
    monkeypatch.setattr(junit, "OUTPUT_CAP", 40)
    assert len(case(parse(run), name).find("system-out").text) < 60


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80))
def test_no_text_breaks_the_xml(text):
    run = make.empty(id=text, started=text)
    make.faulted(run, make.cell("debian-12", "s", Arm.CANDIDATE, make.BAD), why=text)
    run.verdicts[0] = replace(run.verdicts[0], outcome=Outcome.FAILED, blame=Blame.CANDIDATE)
    doc = run.doc()
    doc["cells"][0]["title"] = text  # a document that nobody cleaned
    doc["cells"][0]["attempts"][0]["path"] = text
    root = ET.fromstring(junit.render(doc))
    assert root.get("failures") == "1"
