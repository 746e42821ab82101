"""What is found out after the scenario's end, by its fixtures or by the lab's own clean-up."""

from __future__ import annotations

from pathlib import Path

import pytest
from running_factories import order

from lab.errors import MachineError
from lab.model import Step
from lab.pytest_plugin import _tell_teardown
from lab.recording.reader import Recorded, read
from lab.running.attempt import Attempt
from lab.running.spawn import lab_fault


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    """One whose scenario has completed; it has no machine."""
    made = Attempt(order(tmp_path / "cells/one/a1"))
    made._open_recording()
    made.scenario_started({})
    made.scenario_ended("completed")
    return made


def ended(attempt: Attempt) -> tuple[Recorded, Step]:
    recorded = read(attempt.order.recording)
    steps = [item for item in recorded.observations if isinstance(item, Step) and item.name == "scenario"]
    return recorded, steps[-1]


def test_an_assertion_of_a_fixture_fails_the_scenario_also_after_its_end(attempt: Attempt) -> None:
    attempt._close()
    _tell_teardown(attempt, AssertionError("left 3 files behind"))
    recorded, end = ended(attempt)
    assert recorded.complete
    assert (end.outcome, end.detail["text"]) == ("failed", "after its end: left 3 files behind")


def test_the_errors_of_several_fixtures_are_told_by_the_assertion(attempt: Attempt) -> None:
    attempt._close()
    _tell_teardown(attempt, BaseExceptionGroup("two", [MachineError("gone"), AssertionError("left")]))
    recorded, end = ended(attempt)
    assert (end.outcome, end.detail["text"]) == ("failed", "after its end: left")
    assert lab_fault(recorded.observations) == ""


def test_a_fault_of_the_lab_in_a_fixture_is_the_labs(attempt: Attempt) -> None:
    attempt._close()
    _tell_teardown(attempt, MachineError("the disk was not given back"))
    recorded, end = ended(attempt)
    assert end.outcome == "error"
    assert lab_fault(recorded.observations) == "MachineError: the disk was not given back"


def test_what_failed_before_keeps_its_reason(attempt: Attempt) -> None:
    attempt.scenario_ended("failed", "1 != 2")
    attempt._close()
    _tell_teardown(attempt, AssertionError("left"))
    assert ended(attempt)[1].detail["text"] == "1 != 2"


def test_a_clean_up_that_fails_is_a_fault_of_the_lab(attempt: Attempt) -> None:
    """Sensors take their last look then: what they would have seen is not known."""

    def fail() -> None:
        raise MachineError("cannot be destroyed")

    attempt._stack.callback(fail)
    with pytest.raises(MachineError):
        attempt._close()
    recorded, _ = ended(attempt)
    assert recorded.complete
    assert lab_fault(recorded.observations) == "MachineError: cannot be destroyed"


def test_evidence_that_cannot_be_written_is_a_fault_of_the_lab(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(attempt, "_linger", full)
    with pytest.raises(OSError, match="No space left"):
        attempt.__exit__(None, None, None)
    assert "No space left" in lab_fault(ended(attempt)[0].observations)


def test_an_end_that_cannot_be_told_leaves_the_recording_open(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.recording import writer

    attempt._close()

    def full(_fd: int, _data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer.os, "write", full)
    _tell_teardown(attempt, AssertionError("left"))
    monkeypatch.undo()
    assert not read(attempt.order.recording).complete
