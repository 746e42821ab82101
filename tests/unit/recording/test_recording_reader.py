"""Reading back whatever a process left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.clock import Stopwatch
from lab.errors import ArtefactError
from lab.model import (
    Capture,
    CommandRun,
    Expectation,
    Frame,
    Heartbeat,
    MachineEvent,
    MachineSample,
    Observation,
    Proof,
    SerialChunk,
    Step,
    VcpuSample,
)
from lab.recording.layout import header_line, to_line
from lab.recording.reader import read
from lab.recording.writer import Recorder

EACH: tuple[Observation, ...] = (
    MachineEvent(t_s=0.1, name="started", details={"machine": "m"}),
    Heartbeat(t_s=1.0, channel="ssh", ok=False, latency_s=0.5, error="no route"),
    Frame(t_s=2.0, path="frames/000001.png", sha256="ab" * 32, width=720, height=400),
    Expectation(t_s=3.0, what="reboot", begin=True, reason="scenario"),
    Step(t_s=4.0, name="scenario", phase="end", outcome="completed", detail={"text": "", "n": [1, 2.5]}),
    CommandRun(
        t_s=5.0,
        channel="agent",
        command="uname -r",
        exit_code=None,
        stdout="6.1\n",
        stderr="ü",
        duration_s=0.1,
    ),
    Proof(t_s=6.0, what="exercised", values={"before": 1, "after": 2, "trigger": "open"}),
    MachineSample(
        t_s=7.0,
        state="running",
        vcpus=(VcpuSample(cpu=0, ip=0xFFFFFFFF81A592EB, halted=True, time_s=1.5, where="kernel"),),
        block={"rd_bytes": 1},
        host={"load1": 0.5, "late_s": 0.0},
    ),
    Capture(
        t_s=8.0, what="memory-dump", ok=True, path="memory.dump", bytes=9, sha256="cd" * 32, duration_s=0.8
    ),
)


def written(directory: Path, *observations: Observation, serial: bytes = b"", close: bool = True) -> Path:
    recorder = Recorder(directory, Stopwatch())
    for observation in observations:
        recorder.add(observation)
    if serial:
        (directory / "serial.log").write_bytes(serial)
    if close:
        recorder.close(scenario="completed")
    return directory


def mark(t_s: float, start: int, length: int) -> SerialChunk:
    return SerialChunk(t_s=t_s, start=start, data=b"?" * length)


def chunks(directory: Path) -> list[tuple[float, int, bytes]]:
    found = read(directory).observations
    return [(item.t_s, item.start, item.data) for item in found if isinstance(item, SerialChunk)]


def test_every_noun_comes_back_as_it_was(tmp_path: Path) -> None:
    recorded = read(written(tmp_path, *EACH))
    assert recorded.observations == EACH
    assert recorded.complete
    assert recorded.problems == ()


def test_console_bytes_are_joined_from_serial_log(tmp_path: Path) -> None:
    written(tmp_path, mark(1.0, 0, 4), mark(2.0, 4, 3), serial=b"one\ntwo")
    assert chunks(tmp_path) == [(1.0, 0, b"one\n"), (2.0, 4, b"two")]


def test_bytes_after_the_last_mark_are_one_last_chunk(tmp_path: Path) -> None:
    written(
        tmp_path,
        mark(1.0, 0, 4),
        Heartbeat(t_s=9.0, channel="agent", ok=True),
        serial=b"one\ntwo",
        close=False,
    )
    assert chunks(tmp_path) == [(1.0, 0, b"one\n"), (9.0, 4, b"two")]


def test_a_serial_log_that_is_too_short_is_a_problem_and_cut(tmp_path: Path) -> None:
    written(tmp_path, mark(1.0, 0, 4), mark(2.0, 4, 30), serial=b"one\ntwo")
    assert chunks(tmp_path) == [(1.0, 0, b"one\n"), (2.0, 4, b"two")]
    assert read(tmp_path).problems == ("serial.log: 7 bytes (wanted at least 34)",)


def test_a_missing_serial_log_is_a_problem_only_where_something_was_written(tmp_path: Path) -> None:
    assert read(written(tmp_path / "a", *EACH)).problems == ()
    assert len(read(written(tmp_path / "b", mark(1.0, 0, 4))).problems) == 1


def test_a_recording_that_is_closed_while_it_is_read_is_not_called_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last lines may be a crash that was not read."""
    recorder = Recorder(tmp_path, Stopwatch())
    recorder.add(EACH[0])
    real = Path.read_bytes

    def slowly(path: Path) -> bytes:
        found = real(path)
        if path.name == "events.jsonl":
            recorder.add(MachineEvent(t_s=9.0, name="panicked"))
            recorder.close(scenario="completed")
        return found

    monkeypatch.setattr(Path, "read_bytes", slowly)
    recorded = read(tmp_path)
    assert recorded.observations == EACH[:1]
    assert not recorded.complete


def test_a_torn_last_line_is_no_problem(tmp_path: Path) -> None:
    written(tmp_path, *EACH, close=False)
    path = tmp_path / "events.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    recorded = read(tmp_path)
    assert recorded.observations == EACH[:-1]
    assert recorded.problems == ()
    assert not recorded.complete


@pytest.mark.parametrize(
    "line",
    [b"not json", b"[1, 2]", b'{"type": "heartbeat"}', b'{"type": "ghost", "t_s": 1}', b'{"type": "serial"}'],
)
def test_any_other_broken_line_is_a_problem_and_the_rest_is_read(tmp_path: Path, line: bytes) -> None:
    parts = [header_line("now"), to_line(EACH[0]), line + b"\n", to_line(EACH[1])]
    (tmp_path / "events.jsonl").write_bytes(b"".join(parts))
    recorded = read(tmp_path)
    assert recorded.observations == EACH[:2]
    (problem,) = recorded.problems
    assert problem.startswith("events.jsonl:3: ")


def test_a_recording_of_a_later_lab_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(b'{"recording": 2, "started": "now"}\n')
    with pytest.raises(ArtefactError, match="version 2"):
        read(tmp_path)


def test_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="no recording"):
        read(tmp_path / "nothing")


def test_the_facts_of_the_attempt_come_along(tmp_path: Path) -> None:
    written(tmp_path, *EACH)
    (tmp_path / "attempt.json").write_text('{"attempt": 1}')
    assert read(tmp_path).facts == {"attempt": 1}
    (tmp_path / "attempt.json").write_text('{"attempt"')
    assert read(tmp_path).facts == {}
    assert read(tmp_path).problems[0].startswith("attempt.json: ")
    (tmp_path / "attempt.json").write_text("[]")
    assert read(tmp_path).problems == ("attempt.json: a list (wanted an object)",)


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 2000))
def test_whatever_a_kill_leaves_is_read(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    directory = tmp_path_factory.mktemp("killed")
    written(directory, mark(0.05, 0, 4), *EACH, serial=b"one\ntwo", close=False)
    path = directory / "events.jsonl"
    path.write_bytes(path.read_bytes()[:cut])
    recorded = read(directory)
    assert recorded.problems == ()
    kept = [item for item in recorded.observations if not isinstance(item, SerialChunk)]
    assert kept == list(EACH[: len(kept)])
    serial = b"".join(item.data for item in recorded.observations if isinstance(item, SerialChunk))
    assert serial == b"one\ntwo"


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=500))
def test_garbage_is_read_as_problems(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    directory = tmp_path_factory.mktemp("garbage")
    (directory / "events.jsonl").write_bytes(data)
    assert read(directory).observations == ()
