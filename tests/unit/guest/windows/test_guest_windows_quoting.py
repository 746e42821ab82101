"""What is quoted comes out of the documented parsers as it went in, and of a real cmd.exe if there is one."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from windows_parsers import argv_of, cmd_of, powershell_of

from lab.guest.windows import launch, quoting

NASTY = st.text(
    alphabet=st.sampled_from(list(" \t\"\\'%^&|<>()!,;=`abcPATH\u2019\u00e9\U0001f600")), max_size=12
)
WORDS = st.lists(NASTY, max_size=4)
VARIABLES = {"PATH": "INJECTED", "A": "INJECTED", "AB": "INJECTED", "ABC": "INJECTED", "P": "INJECTED"}
PROGRAM = "C:\\Program Files\\a b\\x.exe"


@settings(max_examples=300, deadline=None)
@given(WORDS)
@example(["", "a b", 'a"b', "a\\", "a b\\", 'a\\"b', "\\\\", '\\\\"'])
def test_a_program_is_given_exactly_its_arguments(words: list[str]) -> None:
    assert argv_of(quoting.command_line([PROGRAM, *words])) == [PROGRAM, *words]


@settings(max_examples=300, deadline=None)
@given(WORDS)
@example(["%PATH%", "%A%B%", "a&b", '" & calc & "', "^", "100%", "!x!"])
def test_cmd_passes_on_exactly_the_arguments(words: list[str]) -> None:
    line = quoting.cmd([PROGRAM, *words])
    assert argv_of(cmd_of(line, VARIABLES)) == [PROGRAM, *words]


@settings(max_examples=300, deadline=None)
@given(WORDS)
@example(["%PATH%", "%1", "%*", "100%"])
def test_a_batch_file_passes_on_exactly_the_arguments(words: list[str]) -> None:
    line = quoting.batch([PROGRAM, *words])
    assert argv_of(cmd_of(line, VARIABLES, batch=True)) == [PROGRAM, *words]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30))
@example("it's \u2018quoted\u2019 $x `n\r\n\"")
def test_powershell_reads_a_literal_as_the_text(text: str) -> None:
    assert powershell_of(quoting.powershell(text)) == text


@given(st.text(max_size=30))
def test_an_encoded_command_is_the_script_and_safe_in_every_shell(text: str) -> None:
    encoded = quoting.encoded(text)
    assert base64.b64decode(encoded).decode("utf-16-le", "surrogatepass") == text
    assert set(encoded) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


@pytest.mark.parametrize("name", ["x.bat", "C:\\a\\X.CMD", "x.cmd .", 'a"b', "", "a\0b"])
def test_names_that_mean_something_else_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"program|NUL"):
        quoting.command_line([name, "a"])


@pytest.mark.parametrize("word", ["a\nb", "a\rb", "a\0b"])
def test_what_no_line_of_cmd_can_hold_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match=r"line break or NUL|NUL byte"):
        quoting.cmd(["x.exe", word])


def test_lines_that_are_too_long_are_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match="`put` a script"):
        quoting.command_line(["x.exe", "a" * 40_000])
    with pytest.raises(ValueError, match="wanted 8191"):
        quoting.through_cmd("a" * 9000)


def test_the_line_that_starts_everything_has_no_character_of_any_shell() -> None:
    line = launch.line()
    assert not set(line) & set("\"'%^&|<>()!$`;")
    assert len(line) < quoting.LONGEST_CMD_LINE / 2
    assert " ".join(launch.argv()) == line


WINE = shutil.which("wine")


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    if WINE is None:
        pytest.skip("wine is not installed: no real cmd.exe to ask")
    prefix = tmp_path_factory.mktemp("wine")
    environment = {**os.environ, "WINEPREFIX": str(prefix), "WINEDEBUG": "-all", "DISPLAY": ""}
    environment["WINEDLLOVERRIDES"] = "mscoree,mshtml="
    try:
        made = subprocess.run(
            [WINE, "cmd", "/c", "ver"], env=environment, capture_output=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("wine does not start here in 120 s")
    if made.returncode != 0:
        pytest.skip(f"wine does not start here: {made.stderr.decode(errors='replace')[-80:]}")
    yield environment
    subprocess.run(["wineserver", "-k"], env=environment, capture_output=True, timeout=30, check=False)


def asked(line: str, environment: dict[str, str]) -> str:
    assert WINE is not None
    done = subprocess.run(
        [WINE, "cmd", "/d", "/c", line], env=environment, capture_output=True, timeout=60, check=False
    )
    return done.stdout.decode("utf-8", "replace").rstrip("\r\n")


@pytest.mark.parametrize("word", ["a&b", "a|b", "<a>", "a^b", "(a)", "a!b!", "a,b;c=d", "%NOSUCHVARIABLE%"])
def test_a_real_cmd_leaves_careted_words_alone(wine: dict[str, str], word: str) -> None:
    careted = quoting.cmd(["echo", word])
    assert asked(careted, wine) == quoting.argument(word)
