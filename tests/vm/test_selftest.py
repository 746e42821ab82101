"""Canaries on real guests: one that dies, one that is well, and a stand-in that shows a stop screen."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from temporary_lab import TemporaryLab, temporary_lab, tiny

from lab.selftest import results

pytestmark = [pytest.mark.vm, pytest.mark.timeout(600)]

CHOSEN = ("panic", "healthy", "stand-in-bugcheck-screen-only")


@pytest.fixture(scope="module")
def lab() -> Iterator[TemporaryLab]:
    tiny()
    with temporary_lab() as own:
        yield own


def test_canaries_are_found_by_their_channels_and_the_host_counts_as_proven(lab: TemporaryLab) -> None:
    options = [word for name in CHOSEN for word in ("--canary", name)]
    answer = lab("selftest", *options, "--json", timeout_s=500)
    assert answer.code == 0, answer
    (proven,) = json.loads(answer.out)
    found = {canary["name"]: canary for canary in proven["canaries"]}
    assert found.keys() == set(CHOSEN)
    assert {"event", "serial"} <= found["panic"]["seen"].keys()
    assert "screen" in found["stand-in-bugcheck-screen-only"]["seen"]
    assert found["stand-in-bugcheck-screen-only"]["standin"]
    assert not found["healthy"]["seen"]
    assert lab.left_behind() == []
    _doctor_says_so(lab, proven["host"])
    _a_host_that_failed_gets_no_cells(lab, proven["host"])


def _doctor_says_so(lab: TemporaryLab, host: str) -> None:
    answer = lab("doctor", "--remembered", "--json")
    (report,) = json.loads(answer.out)
    assert (report["selftest"]["host"], report["selftest"]["state"]) == (host, "proven")
    assert not list((results.path(lab.places, host).parent / "recordings").rglob("serial.log")), (
        "recordings of canaries that were found are not kept"
    )


def _a_host_that_failed_gets_no_cells(lab: TemporaryLab, host: str) -> None:
    path = results.path(lab.places, host)
    told = json.loads(path.read_text())
    told["canaries"][0] |= {"ok": False, "problem": "not seen by serial"}
    path.write_text(json.dumps(told))
    for command in ("plan", "run"):
        answer = lab(command)
        assert answer.code == 4, answer
        assert "detectors failed the self-test" in answer.err
        assert f"lab selftest --host {host}" in answer.err
    assert lab("doctor", "--remembered").code == 4
