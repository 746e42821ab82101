"""The table of commands is true, so that a command that is asked for is there."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import typer

from lab import cli


def commands(app: typer.Typer) -> set[str]:
    made: Any = typer.main.get_command(app)
    return set(made.commands)


@pytest.mark.parametrize("module", cli.COMMANDS)
def test_a_module_registers_the_commands_that_the_table_says(module: str) -> None:
    app = typer.Typer()
    app.callback()(cli.setup)
    importlib.import_module(f"lab.cli.{module}").register(app)
    assert commands(app) == set(cli.COMMANDS[module])


def test_a_command_comes_with_those_of_its_module_only() -> None:
    assert commands(cli.application("doctor")) == {"doctor"}


@pytest.mark.parametrize("word", ["", "no-such-command"])
def test_without_a_known_command_all_are_there_to_be_listed(word: str) -> None:
    assert commands(cli.application(word)) == {one for words in cli.COMMANDS.values() for one in words}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [([], ""), (["--help"], ""), (["-v", "plan", "-k", "x"], "plan"), (["plan"], "plan")],
)
def test_the_command_is_the_first_word(arguments: list[str], word: str) -> None:
    assert cli._first_word(arguments) == word
