"""Writing a recording: whole lines, in order, without secrets."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from lab.clock import Stopwatch
from lab.errors import InfraError
from lab.model import CommandRun, Heartbeat, Observation, Proof, SerialChunk, Step
from lab.recording import writer as writing
from lab.recording.layout import COMMAND_CAP
from lab.recording.reader import read
from lab.recording.writer import Recorder


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "cells" / "some-cell" / "a1"


def beat(t_s: float) -> Heartbeat:
    return Heartbeat(t_s=t_s, channel="agent", ok=True)


def lines(directory: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (directory / "events.jsonl").read_text().splitlines()]


def test_the_first_line_says_which_format_it_is(directory: Path) -> None:
    Recorder(directory, Stopwatch())
    (header,) = lines(directory)
    assert header["recording"] == 1
    assert str(header["started"]).endswith("Z")


def test_an_observation_is_on_disk_when_add_returns(directory: Path) -> None:
    recorder = Recorder(directory, Stopwatch())
    recorder.add(beat(1.5))
    assert lines(directory)[1] == {
        "type": "heartbeat",
        "t_s": 1.5,
        "channel": "agent",
        "ok": True,
        "latency_s": 0.0,
        "boot_id": None,
        "error": "",
    }


def test_console_bytes_stay_in_serial_log(directory: Path) -> None:
    Recorder(directory, Stopwatch()).add(SerialChunk(t_s=1.0, start=5, data=b"secret bytes"))
    assert lines(directory)[1] == {"type": "serial", "t_s": 1.0, "start": 5, "length": 12}


def test_secrets_are_masked_wherever_they_are(directory: Path) -> None:
    recorder = Recorder(directory, Stopwatch())
    recorder.add(
        CommandRun(
            t_s=1, channel="ssh", command="login token=abc123", exit_code=0, stdout="password: hunter2"
        )
    )
    recorder.add(Step(t_s=2, name="install", phase="end", detail={"inner": ["api_key=abc123"]}))
    recorder.close(scenario="failed", detail="password=hunter2")
    everything = "".join(path.read_text() for path in directory.iterdir())
    assert "abc123" not in everything
    assert "hunter2" not in everything
    assert everything.count("[redacted]") == 4


def test_long_output_keeps_its_beginning_and_its_end(directory: Path) -> None:
    recorder = Recorder(directory, Stopwatch())
    recorder.add(
        CommandRun(t_s=1, channel="ssh", command="x", exit_code=0, stdout="a" * 100_000 + "z" * 100_000)
    )
    text = str(lines(directory)[1]["stdout"])
    assert len(text) < COMMAND_CAP + 100
    assert text.startswith("a" * 100)
    assert text.endswith("z" * 100)
    assert f"[{200_000 - COMMAND_CAP} characters left out]" in text


def test_values_that_json_does_not_know_are_written_as_text(directory: Path) -> None:
    values = {"path": Path("a/b"), "raw": b"\xff", "set": {1}, "odd": "\ud800", "nested": beat(1.0), 3: None}
    Recorder(directory, Stopwatch()).add(Proof(t_s=1, what="removed", values=values))
    written = lines(directory)[1]["values"]
    assert isinstance(written, dict)
    assert (written["path"], written["set"], written["3"], written["odd"]) == ("a/b", [1], None, "?")
    assert written["nested"]["channel"] == "agent"


def test_subscribers_see_what_was_written_in_that_order(directory: Path) -> None:
    recorder, seen = Recorder(directory, Stopwatch()), []

    def look(observation: Observation) -> None:
        seen.append((observation.t_s, len(lines(directory))))

    recorder.subscribe(look)
    for t_s in (1.0, 2.0):
        recorder.add(beat(t_s))
    assert seen == [(1.0, 2), (2.0, 3)]


def test_what_a_subscriber_adds_is_delivered_after_what_it_reacts_to(directory: Path) -> None:
    recorder, seen = Recorder(directory, Stopwatch()), []

    def react(observation: Observation) -> None:
        if isinstance(observation, Heartbeat):
            recorder.add(Step(t_s=observation.t_s, name="booted", phase="note"))

    recorder.subscribe(react)
    recorder.subscribe(lambda observation: seen.append(type(observation).__name__))
    recorder.add(beat(1.0))
    assert seen == ["Heartbeat", "Step"]


def test_many_threads_write_whole_lines(directory: Path) -> None:
    with Recorder(directory, Stopwatch()) as recorder:
        seen: list[float] = []
        recorder.subscribe(lambda observation: seen.append(observation.t_s))
        threads = [
            threading.Thread(target=lambda base=base: [recorder.add(beat(base + i)) for i in range(200)])
            for base in (0, 1000, 2000, 3000)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        recorder.close(scenario="completed")
    recorded = read(directory)
    assert recorded.problems == ()
    assert [item.t_s for item in recorded.observations] == seen
    assert len(seen) == 800


def test_closing_says_how_the_scenario_ended(directory: Path) -> None:
    recorder = Recorder(directory, Stopwatch())
    recorder.close(scenario="completed", detail="fine")
    closed = json.loads((directory / "closed.json").read_text())
    assert (closed["scenario"], closed["detail"]) == ("completed", "fine")
    assert closed["t_s"] >= 0


def test_the_first_close_counts_and_later_observations_are_dropped(directory: Path) -> None:
    recorder = Recorder(directory, Stopwatch())
    recorder.close(scenario="failed")
    recorder.close(scenario="completed")
    recorder.add(beat(1.0))
    recorded = read(directory)
    assert recorded.closed["scenario"] == "failed"
    assert recorded.observations == ()


def test_leaving_by_an_exception_closes_as_error(directory: Path) -> None:
    with pytest.raises(KeyError), Recorder(directory, Stopwatch()):
        raise KeyError("boom")
    assert read(directory).closed["scenario"] == "error"


def test_leaving_without_closing_is_an_incomplete_recording(directory: Path) -> None:
    with Recorder(directory, Stopwatch()) as recorder:
        recorder.add(beat(1.0))
    assert not read(directory).complete


def test_a_recording_can_be_continued_after_its_process_died(directory: Path) -> None:
    Recorder(directory, Stopwatch()).add(beat(1.0))
    with (directory / "events.jsonl").open("ab") as stream:
        stream.write(b'{"type":"heartb')
    Recorder(directory, Stopwatch()).add(beat(2.0))
    recorded = read(directory)
    assert [item.t_s for item in recorded.observations] == [1.0, 2.0]
    assert recorded.problems == ()


def test_a_full_disk_is_a_fault_of_the_lab_and_the_next_line_is_whole_again(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(directory, Stopwatch())
    recorder.add(beat(1.0))
    real, calls = os.write, []

    def full(fd: int, data: memoryview) -> int:
        calls.append(fd)
        if len(calls) == 1:
            return real(fd, data[:7])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "write", full)
    with pytest.raises(InfraError, match=r"recording '.*' stopped: No space left on device"):
        recorder.add(beat(2.0))
    monkeypatch.undo()
    recorder.add(beat(3.0))
    recorded = read(directory)
    assert [item.t_s for item in recorded.observations] == [1.0, 3.0]
    assert len(recorded.problems) == 1


def test_a_directory_that_cannot_be_made_is_a_fault_of_the_lab(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InfraError, match="cannot be opened"):
        Recorder(tmp_path / "file" / "a1", Stopwatch())


def test_a_recording_that_lost_something_is_never_closed(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(directory, Stopwatch())

    def full(_fd: int, _data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "write", full)
    with pytest.raises(InfraError):
        recorder.add(beat(2.0))
    monkeypatch.undo()
    recorder.add(beat(3.0))
    recorder.close(scenario="completed")
    assert not read(directory).complete


def test_a_recording_that_goes_on_is_not_closed_any_more(directory: Path) -> None:
    Recorder(directory, Stopwatch()).close(scenario="completed")
    recorder = Recorder(directory, Stopwatch())
    assert not read(directory).complete
    recorder.add(beat(1.0))
    recorder.close(scenario="failed")
    recorded = read(directory)
    assert (recorded.closed["scenario"], recorded.problems) == ("failed", ())


def test_a_closed_recording_is_sealed_and_may_only_grow(directory: Path) -> None:
    directory.mkdir(parents=True)
    (directory / "serial.log").write_bytes(b"one\n")
    recorder = Recorder(directory, Stopwatch())
    recorder.add(beat(1.0))
    recorder.close(scenario="completed")
    with (directory / "serial.log").open("ab") as kept:
        kept.write(b"two\n")
    assert read(directory).problems == ()
    (directory / "serial.log").write_bytes(b"two\n")
    assert read(directory).problems == ("serial.log: is not what was recorded (its sha256 is another one)",)
    (directory / "serial.log").write_bytes(b"on")
    assert read(directory).problems == ("serial.log: 2 bytes are left of 4 that were recorded",)
