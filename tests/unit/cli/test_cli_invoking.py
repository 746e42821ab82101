"""Every way to end has its exit code and its sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import workflow
from lab.cli import complain, invoke, options
from lab.errors import (
    ArtefactError,
    BuildError,
    Busy,
    ChannelError,
    ConfigError,
    HostError,
    InfraError,
    InputError,
    LabError,
    MachineError,
    NothingSelected,
)
from lab.places import places
from lab.setting import Request

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (LabError, 4), (InputError, 2), (ConfigError, 2), (ArtefactError, 2), (NothingSelected, 3),
        (InfraError, 4), (HostError, 4), (BuildError, 4), (MachineError, 4), (ChannelError, 4), (Busy, 4),
    ],
)  # fmt: skip
def test_each_error_has_its_exit_code_and_is_said_with_its_hint(
    capsys: Capture, kind: type[LabError], code: int
) -> None:
    assert complain(kind("disk 'x' is full", hint="lab gc")) == code
    said = capsys.readouterr()
    assert said.err == "lab: error: disk 'x' is full\nhint: lab gc\n"
    assert said.out == ""


def test_every_line_of_an_error_is_marked_and_no_hint_is_invented(capsys: Capture) -> None:
    complain(ConfigError("lab.yaml:1:1: one\nlab.yaml:2:1: two"))
    assert capsys.readouterr().err == "lab: error: lab.yaml:1:1: one\nlab: error: lab.yaml:2:1: two\n"


def raising(error: BaseException) -> Callable[[object], None]:
    def run(_request: object) -> None:
        raise error

    return run


def test_a_refused_command_ends_with_the_code_of_the_error(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(workflow, "plan", raising(NothingSelected("selection 'x' matches none of 2 cells")))
    assert invoke(["plan"]) == 3
    assert "selection 'x'" in capsys.readouterr().err


def test_a_bug_of_ours_is_called_one_and_shown(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(workflow, "plan", raising(KeyError("oops")))
    assert invoke(["plan"]) == 4
    said = capsys.readouterr().err
    assert "lab: error: this is a bug in the lab: KeyError: 'oops'" in said
    assert "Traceback" in said


def test_ctrl_c_is_no_bug(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(workflow, "plan", raising(KeyboardInterrupt()))
    assert invoke(["plan"]) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("words", [["nonsense"], ["plan", "--nonsense"], ["repro"], ["image", "show"]])
def test_words_that_are_no_command_are_bad_input(capsys: Capture, words: list[str]) -> None:
    assert invoke(words) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "command",
    [
        "plan",
        "run",
        "judge",
        "gate",
        "doctor",
        "image",
        "repro",
        "console",
        "screenshot",
        "ps",
        "gc",
        "schema",
    ],
)
def test_every_command_explains_itself(capsys: Capture, command: str) -> None:
    assert invoke([command, "--help"]) == 0
    assert command in capsys.readouterr().out


def test_the_schema_is_json_on_stdout(capsys: Capture) -> None:
    assert invoke(["schema"]) == 0
    assert "matrix" in json.loads(capsys.readouterr().out)["properties"]


# -- options -------------------------------------------------------------------


def test_options_become_a_request() -> None:
    asked = options.request(Path("x.yaml"), "build=1.1,content=292", ["debian*", "update"], "tcp://h:1")
    assert asked == Request(
        config=Path("x.yaml"),
        candidate={"build": "1.1", "content": "292"},
        select=("debian*", "update"),
        scheduler="tcp://h:1",
    )


def test_no_options_ask_for_what_lab_yaml_says() -> None:
    assert options.request(Path("lab.yaml")) == Request()


@pytest.mark.parametrize("text", ["1.1", "build", "build=", "colour=red", "build=1.1,build=1.2", "="])
def test_a_candidate_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="candidate"):
        options.request(Path("lab.yaml"), text)


def test_without_a_lab_yaml_the_users_own_places_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    assert options.lab_or_defaults(options.DEFAULT) == (places(), Path("reports"))


def test_a_lab_yaml_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        options.lab_or_defaults(tmp_path / "mine.yaml")


# -- looking inside, without guests ----------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty lab."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    return tmp_path


def test_an_empty_lab_has_no_guests_and_nothing_to_end(home: Path, capsys: Capture) -> None:
    assert home.is_dir()
    assert invoke(["ps"]) == 0
    assert "machine" in capsys.readouterr().out
    assert invoke(["gc"]) == 0
    assert capsys.readouterr().out == "0 ended\n"


@pytest.mark.parametrize("command", ["console", "screenshot"])
def test_a_guest_that_is_not_there_cannot_be_looked_at(home: Path, capsys: Capture, command: str) -> None:
    assert home.is_dir()
    assert invoke([command, "abcd"]) == 2
    assert "machine 'abcd' fits 0 of 0 machines" in capsys.readouterr().err
