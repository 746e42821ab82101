"""What the report says of one failure beside its title: the fault, who saw it, who did not, and the noise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from report_factories import bad_update
from report_windows import STOP, stopped_windows

from lab.model import Diagnosis, FindingKind, ScreenKind
from lab.report import html, junit, markdown
from lab.report.wording import DIAGNOSIS_WORDS, KIND_MEANING, KIND_WORD, SCREEN_WORD, age


@pytest.fixture
def doc(tmp_path: Path) -> dict[str, Any]:
    return stopped_windows().doc(tmp_path)


def test_the_catalogue_explains_the_stop_and_its_parameters(doc: dict[str, Any]) -> None:
    (failure,) = doc["failures"]
    assert failure["title"] == STOP
    assert failure["fault"]["code"] == "0x7E"
    assert failure["fault"]["meaning"]
    assert failure["fault"]["checks"]
    assert [one["value"] for one in failure["fault"]["parameters"]] == [
        "0xFFFFFFFFC0000005",
        "0xFFFFF80012345678",
    ]
    assert all(one["meaning"] for one in failure["fault"]["parameters"])


def test_every_channel_is_accounted_for(doc: dict[str, Any]) -> None:
    sightings = {one["channel"]: one for one in doc["failures"][0]["exhibit"]["sightings"]}
    assert list(sightings) == ["event", "screen", "heartbeat", "serial"]
    assert sightings["event"]["first"]
    assert sightings["screen"]["delay_s"] == pytest.approx(1.1)
    assert not sightings["serial"]["seen"]
    assert not sightings["serial"]["blind"]
    assert sightings["serial"]["what"] == "the console wrote nothing that names it"


def test_the_filmstrip_says_what_each_screen_shows(doc: dict[str, Any]) -> None:
    strip = doc["failures"][0]["exhibit"]["filmstrip"]
    assert [picture["shows"] for picture in strip] == [
        "login",
        "stop screen: 0x7E, csagent.sys, 0 %",
        "stop screen: 0x7E, csagent.sys, 60 %",
    ]


def test_without_the_recording_nobody_says_what_a_screen_shows() -> None:
    strip = stopped_windows().doc()["failures"][0]["exhibit"]["filmstrip"]
    assert {picture["shows"] for picture in strip} == {""}


def test_noise_is_listed_apart_and_problems_of_a_recording_are_told(doc: dict[str, Any]) -> None:
    (noise,) = doc["noise"]
    assert noise["reason"] == "somebody printed a log of another machine"
    assert noise["count"] == 1
    told = [attempt["problems"] for cell in doc["cells"] for attempt in cell["attempts"]]
    assert told == [[], ["frames/000009.png is missing"]]


def test_a_host_says_when_its_detectors_were_last_proven(doc: dict[str, Any]) -> None:
    (host,) = doc["hosts"]
    assert host["selftest"]["age_s"] == 3 * 3600
    assert (host["selftest"]["found"], host["selftest"]["canaries"]) == (3, 3)
    (unproven,) = bad_update().doc()["hosts"]
    assert unproven["selftest"] is None


def test_the_page_shows_all_of_it(doc: dict[str, Any], tmp_path: Path) -> None:
    page = re.sub(r"\s+", " ", html.render(doc, tmp_path))
    assert doc["failures"][0]["fault"]["checks"][0][:30] in page.replace("&#39;", "'")
    assert "the console wrote nothing that names it" in page
    assert "stop screen: 0x7E, csagent.sys, 60 %" in page
    assert "detectors last proven on this host 3 h before this run" in page
    assert "Left out as noise (1)" in page
    assert "frames/000009.png is missing" in page
    assert "detectors never proven on this host" in html.render(bad_update().doc())


def test_junit_tells_the_meaning_and_the_witnesses(doc: dict[str, Any]) -> None:
    text = junit.render(doc)
    assert "event: saw it first" in text
    assert "screen: saw it 1.1 s after the first" in text
    assert "serial: missed it, the console wrote nothing that names it" in text
    assert "fault: SYSTEM_THREAD_EXCEPTION_NOT_HANDLED: " in text


def test_the_summary_tells_the_witnesses(doc: dict[str, Any]) -> None:
    text = markdown.render(doc)
    assert "seen by event, screen +1.1 s" in text
    assert "missed by serial" in text


def test_every_kind_has_its_words() -> None:
    assert set(FindingKind) == set(KIND_WORD) == set(KIND_MEANING)
    assert set(ScreenKind) == set(SCREEN_WORD)
    assert set(Diagnosis) == set(DIAGNOSIS_WORDS)


def test_ages_are_said_as_a_person_would() -> None:
    assert [age(value) for value in (40, 300, 3 * 3600, 5 * 86400)] == ["40 s", "5 min", "3 h", "5 days"]
