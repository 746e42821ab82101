"""What becomes of a command whose output nobody reads, or cannot be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import cli
from lab.cli import streams
from lab.errors import ExitCode


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for number in (read, write):
        try:
            os.close(number)
        except OSError:
            continue


def test_a_reader_who_has_gone_ends_nothing(pipe: tuple[int, int]) -> None:
    read, write = pipe
    stream = streams.writer(write)
    stream.write("first\n")
    stream.flush()
    assert os.read(read, 100) == b"first\n"
    os.close(read)
    for _ in range(3):
        stream.write("x" * 100_000)
        stream.flush()
    assert str(Path(f"/proc/self/fd/{write}").readlink()) == os.devnull


def test_a_disk_that_is_full_is_told() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        stream = streams.writer(full)
        stream.write("a result\n")
        with pytest.raises(OSError, match="No space left"):
            stream.flush()
        streams._point_nowhere(full)
        stream.close()
    finally:
        os.close(full)


def test_what_the_locale_cannot_say_is_escaped(tmp_path: Path) -> None:
    class Plain:
        encoding = "ascii"

    with (tmp_path / "out").open("wb") as out:
        stream = streams.writer(out.fileno(), Plain())  # type: ignore[arg-type]
        stream.write("2 \u00d7 4 \ud800\n")
        stream.flush()
    assert (tmp_path / "out").read_bytes() == b"2 \\xd7 4 \\ud800\n"


@pytest.mark.parametrize("number", sorted(cli.MENDS))
def test_what_the_machine_refuses_has_a_place_a_reason_and_a_remedy(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(_word: str = "") -> None:
        raise OSError(number, os.strerror(number), "/srv/reports/run.json")

    monkeypatch.setattr(cli, "application", refused)
    assert cli.invoke(["plan"]) == ExitCode.LAB_FAULT
    told = capsys.readouterr().err.splitlines()
    assert told[0] == f"lab: error: /srv/reports/run.json: {os.strerror(number).lower()}"
    assert told[1].startswith("hint: ")
    assert len(told) == 2


def test_any_other_error_of_the_system_is_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lost(_word: str = "") -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "x")

    monkeypatch.setattr(cli, "application", lost)
    assert cli.invoke(["plan"]) == ExitCode.LAB_FAULT
    assert "this is a bug in the lab" in capsys.readouterr().err
