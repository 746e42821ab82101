"""Quoting, the order of arguments and the shapes of scripts."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.guest import shell
from lab.guest.channel import quoted

WORD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@given(WORD)
def test_a_quoted_word_reads_back_as_itself(word: str) -> None:
    assert shlex.split(shell.quote(word)) == [word]


@given(st.lists(WORD, min_size=1, max_size=5))
def test_a_remote_line_ends_in_the_very_words(argv: list[str]) -> None:
    """Two shells read it: the login shell, then /bin/sh."""
    outer = shlex.split(shell.announced("token", argv))
    assert outer[:3] == ["exec", "/bin/sh", "-c"]
    words = shlex.split(outer[3].partition("cd /; ")[2])
    assert words == ["exec", *argv]


def test_a_remote_line_announces_the_pid_before_anything_else() -> None:
    assert shlex.split(shell.announced("lab-1", ["true"]))[3].startswith("echo lab-1 $$; ")


def test_text_is_for_the_shell_and_words_are_left_alone() -> None:
    assert shell.words("a | b") == ["/bin/sh", "-c", "a | b"]
    assert shell.words(["a", "| b"]) == ["a", "| b"]
    assert shell.words(("a",)) == ["a"]


@pytest.mark.parametrize("command", ["", [], ()])
def test_an_empty_command_is_refused(command: str | list[str]) -> None:
    with pytest.raises(ValueError, match=r"empty \(wanted text or a program"):
        shell.words(command)


@pytest.mark.parametrize("command", ["a\0", ["a", "\0"]])
def test_a_nul_byte_is_refused(command: str | list[str]) -> None:
    with pytest.raises(ValueError, match="NUL byte"):
        shell.words(command)


def test_a_command_beyond_what_every_channel_carries_is_refused() -> None:
    assert shell.words(["x" * shell.LONGEST])
    with pytest.raises(ValueError, match=r"wanted 32768; `put` a script"):
        shell.words(["x", "y" * shell.LONGEST])


def test_people_read_a_command_as_they_would_type_it() -> None:
    assert shell.readable("a  b") == "a  b"
    assert shell.readable(["a", "b c"]) == "a 'b c'"


def test_values_are_arguments_and_never_part_of_a_script() -> None:
    evil = "/tmp/$(reboot);'x"
    install = shell.install(evil, "/to", 0o640, 5, "ab")
    assert install[2] == shell.install("/other", "/to", 0o640, 5, "ab")[2]
    assert install[3:] == ["lab", evil, "/to", "640", "5", "ab"]
    spooled = shell.spooled("/o", "/e", "", [evil])
    assert evil not in spooled[1]
    assert spooled[2:] == ["sh", "/o", "/e", "", evil]
    assert shell.spooled("/o", "/e", "", "echo $#")[2:] == ["sh", "/o", "/e", ""]
    assert shell.digest_of_first(evil, 9)[3:] == ["lab", evil, "9"]


def test_a_part_lies_beside_its_target() -> None:
    assert shell.part_of("/etc/x.conf", "12") == "/etc/x.conf.part-12"


@pytest.mark.parametrize("path", ["x", "./x", "/x/", "/a\0b", ""])
def test_a_path_that_is_no_absolute_file_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="wanted the absolute path of a file"):
        shell.part_of(path, "12")


def test_assignments_are_unquoted_and_broken_lines_left_out() -> None:
    text = 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12"\nBROKEN="x\n# NAME=no\nEMPTY=\n'
    assert shell.assignments(text) == {"ID": "debian", "PRETTY_NAME": "Debian GNU/Linux 12", "EMPTY": ""}


@pytest.mark.parametrize("size", [1, 100, 101, 5000])
def test_an_error_names_a_command_in_a_few_words(size: int) -> None:
    named = quoted("x" * size)
    assert len(named) <= 102
    assert ("…" in named) == (size > 100)
