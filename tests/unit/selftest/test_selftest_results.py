"""Results of self-tests: kept per host, merged, worth nothing once the detectors have changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.places import Places
from lab.selftest import results
from lab.selftest.results import CanaryResult, Proven, State, detectors_digest

QEMU = "7.2.22"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(cache=tmp_path / "cache", state=tmp_path / "state", runtime=tmp_path / "run")


def canary(name: str, *, ok: bool = True, **more: object) -> CanaryResult:
    return replace(CanaryResult(name=name, ok=ok, problem="" if ok else "not seen by serial"), **more)


def proven(*canaries: CanaryResult, **more: object) -> Proven:
    made = Proven(
        host="here", when="2026-01-01T00:00:00Z", lab="0.1", qemu=QEMU, detectors=detectors_digest(),
        canaries=canaries,
    )  # fmt: skip
    return replace(made, **more)


def test_what_was_stored_is_read_back(places: Places) -> None:
    one = proven(canary("panic", seen={"event": 0.06, "serial": 0.11}, expected=("event", "serial")))
    results.store(places, one)
    assert results.load(places, "here") == one
    assert results.load(places, "elsewhere") is None


def test_a_file_that_cannot_be_read_is_no_result(places: Places) -> None:
    target = results.path(places, "here")
    target.parent.mkdir(parents=True)
    target.write_text("{")
    assert results.load(places, "here") is None


def test_canaries_that_were_not_run_this_time_are_kept(places: Places) -> None:
    results.store(places, proven(canary("panic", ok=False), canary("oom")))
    again = results.store(places, proven(canary("panic")))
    assert {one.name: one.ok for one in again.canaries} == {"panic": True, "oom": True}


@pytest.mark.parametrize("changed", [{"detectors": "other"}, {"qemu": "9.0"}])
def test_results_of_other_detectors_or_another_qemu_are_not_kept(
    places: Places, changed: dict[str, str]
) -> None:
    results.store(places, proven(canary("oom", ok=False), **changed))
    again = results.store(places, proven(canary("panic")))
    assert [one.name for one in again.canaries] == ["panic"]


@pytest.mark.parametrize(
    ("last", "state"),
    [
        (None, State.NEVER),
        (proven(), State.NEVER),
        (proven(canary("panic")), State.PROVEN),
        (proven(canary("panic"), canary("oom", ok=False)), State.FAILED),
        (proven(canary("panic", ok=False), detectors="other"), State.OUTDATED),
        (proven(canary("panic"), qemu="9.0"), State.OUTDATED),
    ],
)
def test_what_a_result_is_worth_today(last: Proven | None, state: State) -> None:
    assert results.state_of(last, QEMU) is state


def test_a_run_says_of_each_host_what_was_proven_and_by_whom(places: Places) -> None:
    results.store(places, proven(canary("stand-in-xp", standin=True, seen={"screen": 1.5})))
    here, far = results.facts(places, {"here": QEMU, "far": ""})
    assert (here["host"], here["state"], here["ok"]) == ("here", "proven", True)
    assert here["canaries"][0] == {
        "name": "stand-in-xp", "standin": True, "ok": True, "channels": {"screen": 1.5}, "problem": "",
    }  # fmt: skip
    assert (far["state"], far["ok"], far["canaries"]) == ("never", False, [])
