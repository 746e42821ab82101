"""One orchestrator per state directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.errors import Busy, ExitCode, InfraError
from lab.places import Places
from lab.running.lock import orchestrator


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(cache=tmp_path / "c", state=tmp_path / "s", runtime=tmp_path / "r")


def second(places: Places) -> Busy:
    with pytest.raises(Busy) as caught, orchestrator(places, "a lab repro"):
        pytest.fail("two orchestrators at once")
    return caught.value


def test_a_second_one_is_refused_with_the_name_of_the_first(places: Places) -> None:
    with orchestrator(places, "a lab run"):
        refusal = second(places)
    assert f"is used by a lab run (pid {os.getpid()})" in refusal.message
    assert "LAB_HOME" in str(refusal.hint)
    assert refusal.exit_code == ExitCode.LAB_FAULT


def test_a_refused_one_does_not_take_the_name_of_the_first(places: Places) -> None:
    with orchestrator(places, "a lab run"):
        second(places)
        assert "a lab run" in second(places).message


def test_the_next_one_is_let_in_however_the_first_ended(places: Places) -> None:
    with pytest.raises(KeyboardInterrupt), orchestrator(places, "a lab run"):
        raise KeyboardInterrupt
    with orchestrator(places, "a lab repro"):
        assert "a lab repro" in second(places).message


def test_another_state_directory_is_another_lab(places: Places, tmp_path: Path) -> None:
    other = Places(cache=tmp_path / "c", state=tmp_path / "s2", runtime=tmp_path / "r")
    with orchestrator(places, "one"), orchestrator(other, "two"):
        assert (other.state / "orchestrator.lock").read_text().startswith("two")


def test_a_holder_that_has_not_said_its_name_is_another_process(places: Places) -> None:
    with orchestrator(places, "a lab run"):
        (places.state / "orchestrator.lock").write_text("")
        assert "is used by another process" in second(places).message


def test_a_state_directory_that_cannot_be_made_is_named_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    wrong = Places(cache=tmp_path / "c", state=tmp_path / "file/s", runtime=tmp_path / "r")
    told = r"state directory '.*/s' cannot be used: not a directory"
    with pytest.raises(InfraError, match=told) as caught, orchestrator(wrong, "a lab run"):
        pytest.fail("there is no such directory")
    assert "LAB_HOME" in str(caught.value.hint)
