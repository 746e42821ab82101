"""What becomes of an attempt: read back from its recording, however it ended."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from running_factories import cell, ended, fault, order, panicked, record, result, started

from lab.machine.leases import Lease, LeaseBook, owner_started
from lab.model import MachineEvent, Step
from lab.running import spawn
from lab.running.order import CellOrder
from lab.running.spawn import AttemptResult, clean_up, execute, lab_fault, summarise


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "reports/r/cells/c/a1"


def test_a_completed_scenario_has_neither_a_title_nor_a_fault(place: Path) -> None:
    record(place, started(), ended("completed"))
    done = summarise(order(place), killed="", seconds=3.0)
    assert (done.scenario, done.title, done.fatal, done.lab_fault) == ("completed", "", False, "")
    assert (done.attempt, done.recording, done.seconds) == (1, str(place), 3.0)


def test_a_crash_has_its_title_and_is_nobodys_fault_of_ours(place: Path) -> None:
    record(place, started(), panicked(), ended("stopped"))
    done = summarise(order(place), killed="the cell's process died of SIGKILL", seconds=3.0)
    assert (done.fatal, done.title, done.lab_fault) == (True, "kernel panic", "")


@pytest.mark.parametrize(("clone", "seconds"), [(False, 20.5), (True, 0.0)])
def test_the_first_start_of_a_cold_guest_is_measured(place: Path, clone: bool, seconds: float) -> None:
    booted = Step(t_s=21.0, name="booted", phase="end", detail={"boot_s": 20.5, "channel": "agent"})
    record(place, started(), booted, ended("completed"))
    facts = json.loads((place / "attempt.json").read_text())
    (place / "attempt.json").write_text(json.dumps({**facts, "clone": clone}))
    assert summarise(order(place), killed="", seconds=30.0).boot_s == seconds


def test_what_a_dump_that_was_cut_short_left_is_removed(place: Path) -> None:
    place.mkdir(parents=True)
    (place / "memory.dump.part").write_bytes(b"KDUMP")
    (place / "serial.log").write_bytes(b"text")
    clean_up(order(place))
    assert [path.name for path in place.iterdir()] == ["serial.log"]


def test_the_guest_of_an_attempt_that_an_earlier_session_lost_is_ended_before_the_next_one(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(place, started(), closed=False)
    this = order(place)
    owner = subprocess.Popen(["sleep", "60"])
    book = LeaseBook(this.places)
    book.add(lease(place, this, owner.pid))
    owner.kill()
    os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)  # nobody has taken note of its end
    monkeypatch.setattr(spawn, "attempt", lambda again, **_: result(again.cell, attempt=again.attempt))
    assert [one.attempt for one in execute(this)] == [2]
    assert list(book.all()) == []
    owner.wait()


def lease(recording: Path, of: CellOrder, owner: int) -> Lease:
    return Lease(
        machine="abcd1234", uuid="8f9c5a0e-5b0a-4a53-8b6b-0d9f6a0f3c11", uri="embed", run=of.run,
        cell=of.cell.id, attempt=1, recording=str(recording), owner_pid=owner,
        owner_started=owner_started(owner), created="2026-06-01T11:00:00Z", deadline="2126-06-01T11:00:00Z",
    )  # fmt: skip


def test_a_process_that_was_killed_is_the_labs_fault(place: Path) -> None:
    record(place, started(), closed=False)
    done = summarise(order(place), killed="the cell's process died of SIGKILL", seconds=3.0)
    assert (done.scenario, done.lab_fault) == ("", "the cell's process died of SIGKILL")


def test_a_recording_that_was_never_begun_is_the_labs_fault_too(place: Path) -> None:
    place.mkdir(parents=True)
    done = summarise(order(place), killed="the cell's process exited with 3", seconds=0.1)
    assert done.lab_fault == "the cell's process exited with 3"


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ([], ""),
        ([fault("HostError: no QEMU")], "HostError: no QEMU"),
        ([MachineEvent(t_s=1.0, name="process-gone")], "QEMU ended by itself"),
        ([started(), ended("failed")], ""),
    ],
)
def test_the_labs_own_faults_are_told_from_the_guests_doings(seen: list[object], said: str) -> None:
    assert lab_fault(seen) == said  # type: ignore[arg-type]


class Attempts:
    """Stands for `spawn.attempt`: ends the attempts as told."""

    def __init__(self, *results: AttemptResult) -> None:
        self._results = list(results)
        self.orders: list[CellOrder] = []

    def __call__(self, this: CellOrder, **_calls: object) -> AttemptResult:
        self.orders.append(this)
        return self._results.pop(0)


def attempts(monkeypatch: pytest.MonkeyPatch, *results: AttemptResult) -> Attempts:
    made = Attempts(*results)
    monkeypatch.setattr(spawn, "attempt", made)
    return made


FAULT = result(cell(), scenario="", lab_fault="QEMU ended by itself")


def test_a_lab_fault_earns_one_more_attempt_recorded_beside_the_first(
    monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    made = attempts(monkeypatch, FAULT, result(cell(), attempt=2))
    assert len(execute(order(place))) == 2
    assert [(one.attempt, one.recording) for one in made.orders] == [(1, place), (2, place.with_name("a2"))]


def test_a_second_lab_fault_earns_no_third_attempt(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    attempts(monkeypatch, FAULT, FAULT)
    assert len(execute(order(place))) == 2


@pytest.mark.parametrize(
    "first",
    [
        result(cell()),
        result(cell(), scenario="stopped", fatal=True, title="kernel panic"),
        result(cell(), scenario="failed"),
    ],
    ids=["pass", "crash", "assertion"],
)
def test_what_the_product_did_is_never_tried_again(
    monkeypatch: pytest.MonkeyPatch, place: Path, first: AttemptResult
) -> None:
    attempts(monkeypatch, first)
    assert execute(order(place)) == [first]


def test_a_cancelled_attempt_is_not_tried_again(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    cancelled = result(cell(), scenario="error", lab_fault="Cancelled: cancelled by the orchestrator")
    attempts(monkeypatch, cancelled)
    assert execute(order(place)) == [cancelled]


def test_a_repeat_keeps_its_own_number(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    made = attempts(monkeypatch, result(cell()))
    execute(order(place, attempt=3, keep_hours=2.0))
    assert [(one.attempt, one.recording.name, one.keep_hours) for one in made.orders] == [(3, "a3", 2.0)]


def test_a_process_that_ended_well_and_left_its_recording_open_is_the_labs_fault(place: Path) -> None:
    record(place, started(), ended("completed"), closed=False)
    assert "not closed" in summarise(order(place), killed="", seconds=1.0).lab_fault


def test_a_disk_that_is_full_before_an_attempt_begins_is_the_labs_fault(
    monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    def full(_order: object, _path: Path) -> None:
        raise OSError(28, "No space left on device", str(place / "order.json"))

    monkeypatch.setattr(spawn.codec, "write", full)
    made = spawn.attempt(order(place))
    assert (made.scenario, made.fatal) == ("", False)
    assert made.lab_fault == f"{place / 'order.json'}: no space left on device"
