"""The directory of a run: made, found again, and judged from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from running_factories import cell, ended, panicked, plan, record, started

from lab.errors import ArtefactError, InfraError, InputError
from lab.model import Omitted
from lab.running.rundir import RunDirectory, stop_file


def run(reports: Path, name: str) -> RunDirectory:
    path = reports / name
    path.mkdir(parents=True)
    made = RunDirectory(path)
    made.write_run({"id": name, "gate": {"min_cells": 3}})
    return made


def test_a_new_run_has_a_readable_id_and_is_the_latest(tmp_path: Path) -> None:
    made = RunDirectory.create(tmp_path)
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", made.id)
    made.write_run({"id": made.id})
    assert RunDirectory.open(tmp_path, "latest").path == made.path


def test_latest_follows_the_newest_run(tmp_path: Path) -> None:
    for made in (RunDirectory.create(tmp_path), RunDirectory.create(tmp_path)):
        made.write_run({"id": made.id})
    assert RunDirectory.open(tmp_path, "latest").id == made.id
    assert not list(tmp_path.glob(".latest-*"))


def test_a_run_is_found_by_id_by_the_start_of_it_and_by_path(tmp_path: Path) -> None:
    made = run(tmp_path, "20260101-000000-aaaa")
    for name in (made.id, "20260101", str(made.path)):
        assert RunDirectory.open(tmp_path, name).path == made.path


def test_a_start_that_fits_several_runs_is_refused_with_them(tmp_path: Path) -> None:
    run(tmp_path, "20260101-000000-aaaa")
    run(tmp_path, "20260101-000000-bbbb")
    with pytest.raises(InputError, match="run '2026' fits 2 runs") as caught:
        RunDirectory.open(tmp_path, "2026")
    assert "20260101-000000-aaaa" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["latest", "2027", "../elsewhere"])
def test_a_run_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="is not in") as caught:
        RunDirectory.open(tmp_path, name)
    assert "none yet" in str(caught.value.hint)


def test_a_directory_without_run_json_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "20260101-000000-aaaa").mkdir()
    with pytest.raises(InputError):
        RunDirectory.open(tmp_path, "20260101")


def test_the_policy_is_the_one_the_run_was_started_with(tmp_path: Path) -> None:
    assert run(tmp_path, "r").policy().min_cells == 3


@pytest.mark.parametrize("text", ["", "{", None])
def test_a_broken_run_json_is_named(tmp_path: Path, text: str | None) -> None:
    made = run(tmp_path, "r")
    path = made.path / "run.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(ArtefactError, match=r"run\.json: cannot be read"):
        made.run_facts()


def test_the_plan_comes_back_as_it_was_written(tmp_path: Path) -> None:
    made = run(tmp_path, "r")
    made.write_plan(plan(cell("one"), cell("two")))
    assert made.plan() == plan(cell("one"), cell("two"))


def test_cells_that_did_not_run_move_to_what_was_left_out(tmp_path: Path) -> None:
    made, gone = run(tmp_path, "r"), cell("two")
    left = Omitted(id=gone.id, kind="not-run", reason="the run was stopped")
    changed = made.leave_out(plan(cell("one"), gone), [left])
    assert [one.id for one in changed.cells] == [cell("one").id]
    assert changed.omitted == (left,)
    assert made.plan() == changed


def test_recordings_are_in_the_order_of_attempts_and_nothing_else_counts(tmp_path: Path) -> None:
    made, one = run(tmp_path, "r"), cell("one")
    for number in (10, 2, 1):
        made.recording(one.id, number).mkdir(parents=True)
    (made.path / "cells" / one.id / "aside").mkdir()
    assert [path.name for path in made.recordings(one.id)] == ["a1", "a2", "a10"]


def test_attempts_are_detected_afresh_from_disk(tmp_path: Path) -> None:
    made, one = run(tmp_path, "r"), cell("one")
    record(made.recording(one.id), started(), panicked(), ended("stopped"))
    record(made.recording(one.id, 2), started(), closed=False)
    first, second = made.attempts(plan(one))
    assert [finding.title for finding in first.findings] == ["kernel panic"]
    assert (first.attempt, first.path, first.complete) == (1, f"cells/{one.id}/a1", True)
    assert (second.attempt, second.findings, second.complete) == (2, (), False)


def test_a_recording_that_cannot_be_read_is_an_incomplete_attempt(tmp_path: Path) -> None:
    made, one = run(tmp_path, "r"), cell("one")
    made.recording(one.id).mkdir(parents=True)
    (attempt,) = made.attempts(plan(one))
    assert (attempt.complete, attempt.observations) == (False, ())


def test_what_of_a_recording_could_not_be_read_is_told_with_it(tmp_path: Path) -> None:
    made, one = run(tmp_path, "r"), cell("one")
    where = record(made.recording(one.id), started())
    assert "problems" not in made.attempts(plan(one))[0].facts
    with (where / "events.jsonl").open("ab") as events:
        events.write(b'{"type": "no such thing"}\n{"type": "event", "t_s": 1, "name": "reset"}\n')
    (attempt,) = made.attempts(plan(one))
    (problem,) = attempt.facts["problems"]
    assert "unknown observation type 'no such thing'" in problem
    assert len(attempt.observations) == 2, "and the rest is read"


def test_a_cell_that_was_never_begun_has_no_attempts(tmp_path: Path) -> None:
    assert run(tmp_path, "r").attempts(plan(cell("one"))) == []


def test_asking_a_run_to_stop_reaches_its_cells_and_no_repeat(tmp_path: Path) -> None:
    made = run(tmp_path, "r")
    made.ask_to_stop()
    asked = stop_file(made.recording(cell().id))
    assert asked is not None
    assert asked.exists()
    assert stop_file(made.path / "repro" / cell().id / "a1") is None


def test_reports_that_cannot_be_written_are_named_with_their_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InfraError, match=r"run directory '.*' cannot be made: not a directory") as caught:
        RunDirectory.create(tmp_path / "file/reports")
    assert "reports:" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["[]", "null", "{}", '{"gate": null}', '{"gate": {"min_cells": "x"}}'])
def test_a_run_whose_policy_cannot_be_read_says_where_and_what_to_do(tmp_path: Path, text: str) -> None:
    made = run(tmp_path, "r")
    (made.path / "run.json").write_text(text)
    with pytest.raises(ArtefactError, match=r"run\.json: "):
        made.policy()


def test_what_a_stopped_run_left_out_is_to_do_when_it_is_resumed(tmp_path: Path) -> None:
    made, cells = run(tmp_path, "r"), [cell(name) for name in ("one", "two", "three")]
    made.write_plan(plan(*cells))
    assert made.resumable() == plan(*cells), "an orchestrator that was killed left nothing out"
    left = Omitted(id=cells[0].id, kind="not-run", reason="the run was stopped")
    decided = Omitted(id=cells[1].id, kind="decided", reason="enough after 3 pairs")
    stopped = made.leave_out(plan(*cells), [left, decided])
    assert stopped.cells == (cells[2],)
    again = made.resumable()
    assert (again.cells, again.omitted) == ((cells[0], cells[2]), (decided,))
    made.leave_out(again, [left])
    assert made.resumable() == again, "and so a second time"


def test_a_cell_that_the_lab_lost_after_its_guest_crashed_is_judged(tmp_path: Path) -> None:
    made, one = run(tmp_path, "r"), cell("one")
    record(made.recording(one.id), started(), panicked())
    lost = Omitted(id=one.id, kind="not-run", reason="the lab could not run it: OSError")
    left = made.leave_out(plan(one), [lost])
    assert (left.cells, left.omitted) == ((one,), ())
    (attempt,) = made.attempts(left)
    assert attempt.findings
