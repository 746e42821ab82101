"""A cell's process may be killed at any moment: what it has recorded by then is there, whole and in order."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from lab.model import CommandRun, SerialChunk
from lab.recording.reader import read
from lab.running.child import environment

WRITER = """
import os, sys, threading
from pathlib import Path
from lab.clock import Stopwatch
from lab.model import CommandRun, SerialChunk
from lab.recording.writer import Recorder

recorder = Recorder(Path(sys.argv[1]), Stopwatch())
console = open(Path(sys.argv[1]) / "serial.log", "ab", buffering=0)

def commands(name):
    for number in range(10**9):
        # now and then one that is longer than a page and than a pipe takes at once
        text = str(number) * (20_000 if number % 50 == 7 else 1)
        recorder.add(CommandRun(t_s=0.0, channel=name, command=str(number), exit_code=0, stdout=text))
        os.write(1, f"{name} {number}\\n".encode())

def serial():
    for number in range(10**9):
        line = f"line {number}\\n".encode()
        start = console.tell()
        console.write(line)
        recorder.add(SerialChunk(t_s=0.0, start=start, data=line))
        os.write(1, f"serial {number}\\n".encode())

threads = [threading.Thread(target=commands, args=(name,)) for name in ("a", "b")]
for thread in [*threads, threading.Thread(target=serial)]:
    thread.start()
"""


def told_before_the_kill(directory: Path, lines: int) -> dict[str, int]:
    """Start a writer, kill it after so many lines; the last number that each thread was done with."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE, env=environment()
    )
    assert writer.stdout is not None
    with writer:
        told = [writer.stdout.readline() for _ in range(lines)]
        writer.kill()
        told += writer.stdout.readlines()
    assert writer.returncode == -9
    last: dict[str, int] = {}
    for line in told:
        name, _, number = line.decode().partition(" ")
        if number.endswith("\n"):  # the very last write may have been cut short
            last[name] = int(number)
    return last


@pytest.mark.parametrize("seed", range(6))
def test_whatever_was_recorded_before_a_kill_is_read_back(tmp_path: Path, seed: int) -> None:
    told = told_before_the_kill(tmp_path, lines=random.Random(seed).randrange(1, 400))
    recorded = read(tmp_path)
    assert recorded.problems == ()
    assert not recorded.complete
    for name in ("a", "b"):
        seen = [one for one in recorded.observations if isinstance(one, CommandRun) and one.channel == name]
        assert [int(one.command) for one in seen] == list(range(len(seen))), "a gap, or out of order"
        assert len(seen) > told.get(name, -1), "one that was recorded is missing"
        assert all(one.stdout.startswith(one.command) for one in seen)
    console = b"".join(one.data for one in recorded.observations if isinstance(one, SerialChunk))
    assert console == (tmp_path / "serial.log").read_bytes()
    assert f"line {told.get('serial', 0)}\n".encode() in console or "serial" not in told


def test_a_recording_that_was_cut_short_goes_on(tmp_path: Path) -> None:
    """A resumed soak, and a cell whose machine outlived it."""
    first = told_before_the_kill(tmp_path, lines=50)
    again = told_before_the_kill(tmp_path, lines=50)
    recorded = read(tmp_path)
    assert recorded.problems == ()
    commands = [one for one in recorded.observations if isinstance(one, CommandRun)]
    assert len(commands) >= sum(last.get(name, -1) + 1 for last in (first, again) for name in ("a", "b"))
