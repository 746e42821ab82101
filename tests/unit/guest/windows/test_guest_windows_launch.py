"""Orders, paths, files and boots of Windows: what is sent to it, as text."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.guest.channel import Unavailable
from lab.guest.windows import files, launch, paths
from lab.guest.windows.dialect import WINDOWS
from lab.proc import Completed


def script_of(order: bytes) -> str:
    line, end, rest = order.partition(b"\n")
    assert end
    assert not rest
    return base64.b64decode(line, validate=True).decode()


@given(
    st.text(
        alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40
    )
)
def test_an_order_is_one_line_whatever_is_ordered(text: str) -> None:
    assert launch.order(text).count(b"\n") == 1


def test_text_stops_at_the_first_error_and_a_program_gets_its_own_line() -> None:
    assert "$ErrorActionPreference='Stop'" in script_of(launch.order("Get-Item x"))
    program = script_of(launch.order(["C:\\a b.exe", "x y", 'q"q']))
    assert '$s.FileName=\'C:\\a b.exe\'; $s.Arguments=\'"x y" "q\\"q"\'' in program
    assert "exit 127" in program


def test_a_token_is_announced_only_where_one_is_given() -> None:
    assert "lab-7 '+$PID" in script_of(launch.order("x", "lab-7"))
    assert "$PID" not in script_of(launch.order("x"))


@pytest.mark.parametrize("command", ["", [], ["x.bat"]])
def test_what_cannot_be_run_is_refused_before_anything_is_sent(command: object) -> None:
    with pytest.raises(ValueError, match=r"guest command|program"):
        launch.order(command)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path",
    [
        "C:\\",
        "C:x",
        "\\\\server\\share\\f",
        "dir\\f",
        "/unix/f",
        "C:\\a\\f.",
        "C:\\a:b",
        "C:\\a?",
        "C:\\a\\",
        "",
    ],
)
def test_paths_must_be_absolute_on_a_drive_and_name_a_file(path: str) -> None:
    with pytest.raises(ValueError, match="wanted the absolute path of a file"):
        paths.checked(path)


def test_a_path_has_one_form_here_and_one_for_sftp() -> None:
    assert paths.checked("c:/a b/f.txt") == "c:\\a b\\f.txt"
    assert paths.sftp("C:\\a b\\f.txt") == "/C:/a b/f.txt"
    assert paths.part_of("C:\\f.txt", "77") == "C:\\f.txt.part-77"


def test_a_files_name_is_a_literal_in_its_script() -> None:
    script = files.install("C:\\it's.part", "C:\\it's", 3, "ab" * 32)
    assert "$to='C:\\it''s'" in script
    assert "{" in script
    assert "{{" not in script


class Answering:
    name = "x"

    def __init__(self, done: Completed) -> None:
        self.done = done

    def run(self, command: object, *, timeout_s: float) -> Completed:
        assert timeout_s
        assert command
        return self.done


def test_a_boot_is_told_from_its_count_and_its_beginning() -> None:
    told = Completed(exit_code=0, stdout=b"noise\r\nboot=17-133791234567890123\r\n")
    assert WINDOWS.boot_id(Answering(told), 5.0) == "17-133791234567890123"  # type: ignore[arg-type]


def test_a_windows_that_cannot_say_its_boot_yet_is_not_a_new_boot() -> None:
    with pytest.raises(Unavailable, match="no wininit"):
        WINDOWS.boot_id(Answering(Completed(exit_code=1, stderr=b"no wininit.exe yet")), 5.0)  # type: ignore[arg-type]
