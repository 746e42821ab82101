"""The documentation is true of the code where a machine can tell: links, commands, options, exit codes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from test_house_rules import LAYERS

from lab.cli import application
from lab.errors import ExitCode

ROOT = Path(__file__).parents[2]
APP = application()
LARGE_ROOM = 18
"""Modules beside each other that are found by their names alone."""
SKIPPED = {".venv", ".git", "reports", "node_modules"}
PAGES = sorted(path for path in ROOT.rglob("*.md") if not SKIPPED.intersection(path.relative_to(ROOT).parts))
FENCED = re.compile(r"^(`{3,})[^\n]*\n(.*?)^\1", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:\A|\n\n)((?:(?: {4}|\t)[^\n]*\n)(?:(?:(?: {4}|\t)[^\n]*)?\n)*)")
SPAN = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CALL = re.compile(r"^(?:[A-Z_]+=\S+ )*(?:\$ |\S+: |- )?(?:\.venv/bin/)?lab (?P<words>[^#|;&]*)")


def without_code(text: str) -> str:
    """Links inside code are examples."""
    return SPAN.sub("", INDENTED.sub("\n\n", FENCED.sub("", text)))


def anchors(page: Path) -> set[str]:
    """Heading anchors as code hosts make them: lower case, hyphens, no punctuation."""
    found = set()
    for heading in re.findall(r"^#+ +(.+)$", FENCED.sub("", page.read_text()), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(plain.strip().replace(" ", "-"))
    return found


def code_lines(text: str) -> list[str]:
    """Lines of code blocks, and code spans."""
    blocks = [match[2] for match in FENCED.finditer(text)]
    rest = FENCED.sub("", text)
    blocks += [match[1] for match in INDENTED.finditer(rest)]
    lines = [line.strip() for block in blocks for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    return lines + [match[1].replace("\n", " ").strip() for match in SPAN.finditer(INDENTED.sub("", rest))]


def calls(page: Path) -> list[list[str]]:
    """Every `lab ...` command line of a page, as words."""
    found = (CALL.match(line) for line in code_lines(page.read_text()))
    return [match["words"].split() for match in found if match]


def command_of(words: list[str]) -> tuple[Any, list[str]] | None:
    """The command that the words name, and what follows it; None when there is no such command.

    Commands are looked at by their attributes: typer may bring its own copy of click.
    """
    command: Any = typer.main.get_command(APP)
    rest = list(words)
    while hasattr(command, "commands"):
        while rest and rest[0] in ("-v", "--verbose"):
            rest.pop(0)
        if not rest or not re.match(r"[a-z]", rest[0]):
            return command, rest
        # `lab image list|build` names several: the first stands for all of them
        names = rest[0].split("|")
        if any(name not in command.commands for name in names):
            return None
        command, rest = command.commands[names[0]], rest[1:]
    return command, rest


def options_of(command: Any) -> set[str]:
    known = {"-h", "--help"}
    for parameter in command.params:
        if parameter.param_type_name == "option":
            known |= {*parameter.opts, *parameter.secondary_opts}
    return known


def test_there_are_pages() -> None:
    assert ROOT / "README.md" in PAGES
    assert ROOT / "docs" / "README.md" in PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target in LINK.findall(without_code(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.relative_to(ROOT)}: {target} is not there"
        if anchor and file.suffix == ".md":
            known = anchors(file)
            assert anchor in known, f"{page.relative_to(ROOT)}: {target}: headings are {sorted(known)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_lab_command_named_in_a_page_exists_with_its_options(page: Path) -> None:
    for words in calls(page):
        found = command_of(words)
        said = " ".join(words)
        assert found is not None, f"{page.relative_to(ROOT)}: there is no `lab {said}`"
        command, rest = found
        given = {word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        unknown = given - options_of(command)
        assert not unknown, f"{page.relative_to(ROOT)}: `lab {said}`: no option {sorted(unknown)}"


def test_the_pages_name_every_command() -> None:
    """A command that no page mentions is one that nobody finds."""
    command: Any = typer.main.get_command(APP)
    named = {words[0].split("|")[0] for page in PAGES for words in calls(page) if words}
    assert set(command.commands) <= named, f"not in any page: {sorted(set(command.commands) - named)}"


def test_the_table_of_exit_codes_is_that_of_the_code() -> None:
    text = (ROOT / "docs" / "exit-codes.md").read_text()
    rows = re.findall(r"^\| (\d+) \| `([A-Z_]+)` \|", text, re.MULTILINE)
    assert {(int(code), name) for code, name in rows} == {(code.value, code.name) for code in ExitCode}


def test_the_architecture_names_every_room_and_the_import_order() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    _, _, layout = text.partition("## Layout")
    table, _, order = layout.partition("## Import order")
    rooms = {path.name for path in (ROOT / "lab").glob("[!_]*") if path.suffix in ("", ".py")}
    unnamed = {room for room in rooms if not re.search(rf"`(lab/)?{re.escape(room)}/?`", table)}
    assert not unnamed, f"docs/architecture.md does not say what {sorted(unnamed)} own"
    written = [tuple(line.split()) for line in INDENTED.findall(order)[0].strip().splitlines()]
    assert written == list(LAYERS)


def test_a_large_room_says_where_each_of_its_modules_belongs() -> None:
    for room in (path for path in (ROOT / "lab").iterdir() if (path / "__init__.py").is_file()):
        modules = {path.stem for path in room.glob("[!_]*.py")}
        if len(modules) > LARGE_ROOM and room.name != "cli":  # its table of commands says it
            named = set(re.findall(r"`(\w+)`", (room / "__init__.py").read_text()))
            assert modules <= named, f"lab/{room.name}/__init__.py does not name {sorted(modules - named)}"


def test_the_table_of_fixtures_is_that_of_the_plugin() -> None:
    plugin = (ROOT / "lab" / "pytest_plugin.py").read_text()
    there = set(re.findall(r"^@pytest\.fixture\ndef (\w+)", plugin, re.MULTILINE))
    text = (ROOT / "docs" / "writing-a-scenario.md").read_text()
    _, _, rest = text.partition("## Fixtures")
    assert set(re.findall(r"^\| `(\w+)` \|", rest.partition("**")[0], re.MULTILINE)) == there


def test_every_page_of_docs_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target).resolve() for target in LINK.findall(index.read_text())}
    missing = [path.name for path in (ROOT / "docs").glob("*.md") if path != index and path not in linked]
    assert not missing, f"docs/README.md has no link to {missing}"


def test_the_decisions_are_numbered_and_listed() -> None:
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text()
    numbers = []
    for path in sorted(folder.glob("[0-9]*.md")):
        number, title = int(path.name[:4]), path.read_text().splitlines()[0]
        assert title.startswith(f"# {number}. "), f"{path.name}: its title is {title!r}"
        assert f"[{number}]({path.name})" in index, f"{path.name} is not in docs/adr/README.md"
        numbers.append(number)
    assert numbers == list(range(1, len(numbers) + 1))
