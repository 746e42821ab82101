"""What is left of a recording never says more for the candidate than the whole of it did."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from running_factories import cell, order, panicked

from lab import codec
from lab.clock import Stopwatch
from lab.model import (
    Capture,
    Cell,
    CellVerdict,
    Frame,
    GatePolicy,
    Heartbeat,
    MachineEvent,
    Observation,
    Outcome,
    Proof,
    SerialChunk,
    Step,
)
from lab.recording.layout import to_line
from lab.recording.writer import Recorder
from lab.running.records import records
from lab.verdict.judge import judge

CELL = cell()
OOPS = (
    b"[   30.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n"
    b"[   30.000001] Oops: 0000 [#1] PREEMPT SMP PTI\n"
    b"[   30.000002] RIP: 0010:demo_sensor_match+0x1c/0x40 [demo_sensor]\n"
    b"[   30.000003] Kernel panic - not syncing: Fatal exception\n"
)
QUIET = b"[    1.000000] Linux version 6.1.0\n"


def good(of: Cell = CELL) -> list[Observation]:
    """Everything a pass rests on."""
    version = {"build": of.version.build, "content": of.version.content}
    return [
        MachineEvent(t_s=0.1, name="started"),
        Step(t_s=1.0, name="scenario", phase="start", detail={"ends_with": "candidate"}),
        *(Heartbeat(t_s=float(second), channel="agent", ok=True, boot_id="b") for second in range(2, 60, 2)),
        Step(t_s=10.0, name="update", phase="start"),
        Step(t_s=12.0, name="update", phase="end", outcome="done"),
        Proof(t_s=13.0, what="version", values=version),
        Proof(t_s=14.0, what="healthy", values={"ok": True}),
        Proof(t_s=15.0, what="exercised", values={"before": 1, "after": 2}),
        SerialChunk(t_s=16.0, start=0, data=QUIET),
    ]


def recording(run: Path, crash: str = "", *, number: int = 1) -> Path:
    """An attempt on disk that completed; `crash` names the one channel that saw the guest fail."""
    place = run / "cells" / CELL.id / f"a{number}"
    (place / "frames").mkdir(parents=True)
    (place / "attempt.json").write_text(json.dumps({"detect": codec.to_dict(order(place).detect)}))
    serial, seen = QUIET, good()
    if crash == "event":
        seen.append(panicked(30.0))
    elif crash == "serial":
        seen.append(SerialChunk(t_s=30.0, start=len(serial), data=OOPS))
        serial += OOPS
    elif crash == "watcher":
        seen.append(panicked(30.0))
        detail = {"title": "kernel panic", "fatal": True, "channels": ["event"]}
        seen.append(Step(t_s=30.0, name="finding", phase="note", outcome="panic", detail=detail))
    seen = sorted(seen, key=lambda item: item.t_s)
    seen.append(Step(t_s=59.0, name="scenario", phase="end", outcome="completed"))
    recorder = Recorder(place, Stopwatch())
    (place / "serial.log").write_bytes(serial)
    for one in seen:
        recorder.add(one)
    recorder.close(scenario="completed")
    return place


def verdict(run: Path) -> CellVerdict:
    places = sorted((run / "cells" / CELL.id).iterdir())
    (made,) = judge(records([(run, CELL, place) for place in places]), GatePolicy(), "2026-11-23")
    return made


def test_a_whole_recording_of_a_good_attempt_passes(tmp_path: Path) -> None:
    recording(tmp_path)
    made = verdict(tmp_path)
    assert (made.outcome, made.reasons) == (Outcome.PASSED, ())


@pytest.mark.parametrize("crash", ["event", "serial", "watcher"])
def test_a_crash_on_one_channel_alone_fails(tmp_path: Path, crash: str) -> None:
    recording(tmp_path, crash)
    assert verdict(tmp_path).outcome is Outcome.FAILED


@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from(["event", "serial", "watcher"]))
def test_no_line_whose_loss_makes_a_failure_a_pass(data: st.DataObject, crash: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        place = recording(Path(scratch), crash)
        events = place / "events.jsonl"
        lines = events.read_bytes().splitlines(keepends=True)
        telling = {at for at, line in enumerate(lines) if b'"panicked"' in line or b'"finding"' in line}
        gone = data.draw(st.sets(st.integers(0, len(lines) - 1), min_size=not telling)) | telling
        events.write_bytes(b"".join(line for at, line in enumerate(lines) if at not in gone))
        assert verdict(Path(scratch)).outcome is not Outcome.PASSED


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["event", "serial", "watcher"]),
    st.sampled_from(["events.jsonl", "serial.log", "attempt.json", "closed.json"]),
    st.floats(0, 1),
)
def test_no_cut_of_a_file_makes_a_failure_a_pass(crash: str, name: str, share: float) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        path = recording(Path(scratch), crash) / name
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])
        assert verdict(Path(scratch)).outcome is not Outcome.PASSED


@pytest.mark.parametrize("name", ["events.jsonl", "serial.log", "attempt.json", "closed.json"])
@pytest.mark.parametrize("damage", ["gone", "zeros", "directory", "null"])
def test_a_file_that_is_gone_or_another_proves_nothing(tmp_path: Path, name: str, damage: str) -> None:
    """Even where the guest was well: nobody can tell any more."""
    path = recording(tmp_path) / name
    whole = path.read_bytes()
    path.unlink()
    if damage == "zeros":
        path.write_bytes(bytes(len(whole)))
    elif damage == "null":
        path.write_text("null\n")
    elif damage == "directory":
        path.mkdir()
    made = verdict(tmp_path)
    assert made.outcome is Outcome.INCONCLUSIVE
    assert made.reasons


@pytest.mark.parametrize(
    "closed",
    [
        {"t_s": None, "scenario": "completed"},
        {"t_s": "soon", "scenario": "completed", "sealed": []},
        {"t_s": 1e400, "sealed": {"events.jsonl": None}},
        {"t_s": 1.0, "sealed": {"events.jsonl": {"bytes": "many"}}},
        {"t_s": 1.0, "sealed": {"../../../../etc/hostname": {"bytes": 10**12, "sha256": ""}}},
    ],
)
def test_an_end_that_cannot_be_read_is_no_traceback(tmp_path: Path, closed: dict[str, object]) -> None:
    place = recording(tmp_path, "event")
    (place / "closed.json").write_text(json.dumps(closed))
    assert verdict(tmp_path).outcome is Outcome.FAILED


def test_settings_that_cannot_be_read_are_damage(tmp_path: Path) -> None:
    place = recording(tmp_path)
    (place / "attempt.json").write_text('{"detect": {"heartbeat_s": "never"}}')
    assert verdict(tmp_path).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    "facts",
    [
        {"image": 5, "host": 3, "artefacts": 7},
        {"host": {"factor": "x"}, "artefacts": [1]},
        {"clone": "x", "cold": []},
    ],
)
def test_facts_of_another_shape_are_damage_of_this_attempt_alone(
    tmp_path: Path, facts: dict[str, object]
) -> None:
    place = recording(tmp_path)
    (place / "attempt.json").write_text(json.dumps(facts))
    (made,) = records([(tmp_path, CELL, place)])
    assert made.facts.keys() == {"problems"}
    assert verdict(tmp_path).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    "line",
    [
        Step(t_s=60, name="resumed", phase="note", detail={"gap_s": "x"}),
        Proof(t_s=60, what="coverage", values={"content": CELL.version.content, "wildcards": 5}),
        Proof(t_s=60, what="exercised", values={"before": [], "after": {}}),
        Frame(t_s=60, path="a\0b", sha256="", width=-1, height=0),
        Capture(t_s=60, what="event-log", ok=True, path="a\0b", bytes=1, sha256=""),
    ],
)
def test_odd_values_are_no_traceback_and_no_pass(tmp_path: Path, line: Observation) -> None:
    place = recording(tmp_path)
    with (place / "events.jsonl").open("ab") as stream:
        stream.write(to_line(line))
    (place / "closed.json").write_text('{"t_s": 60, "sealed": {"events.jsonl": {"bytes": 1, "sha256": ""}}}')
    assert verdict(tmp_path).outcome is not Outcome.PASSED


def test_the_loss_of_a_recording_is_not_made_good_by_the_next_attempt(tmp_path: Path) -> None:
    first = recording(tmp_path, "event")
    recording(tmp_path, number=2)
    assert verdict(tmp_path).outcome is Outcome.FLAKY
    (first / "events.jsonl").unlink()
    assert verdict(tmp_path).outcome is Outcome.INCONCLUSIVE
    shutil.rmtree(first)
    assert verdict(tmp_path).outcome is Outcome.INCONCLUSIVE


def drop(path: Path) -> None:
    path.unlink()


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


@pytest.mark.parametrize("harm", [drop, tear])
def test_a_picture_that_nobody_can_look_at_may_have_shown_a_crash(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    import hashlib

    place = recording(tmp_path)
    picture = place / "frames/000001.png"
    Image.new("RGB", (64, 48)).save(picture)
    seen = Frame(
        t_s=20.0, path="frames/000001.png", sha256=hashlib.sha256(picture.read_bytes()).hexdigest(),
        width=64, height=48,
    )  # fmt: skip
    recorder = Recorder(place, Stopwatch())
    recorder.add(seen)
    recorder.close(scenario="completed")
    harm(picture)
    made = verdict(tmp_path)
    assert made.outcome is Outcome.INCONCLUSIVE
    assert "frames/000001.png" in made.reasons[0]


def test_an_event_log_that_was_taken_and_is_gone_may_have_told_of_a_crash(tmp_path: Path) -> None:
    place = recording(tmp_path)
    recorder = Recorder(place, Stopwatch())
    recorder.add(Capture(t_s=59.5, what="event-log", ok=True, path="eventlog.xml", bytes=9, sha256="0"))
    recorder.close(scenario="completed")
    made = verdict(tmp_path)
    assert made.outcome is Outcome.INCONCLUSIVE
    assert "eventlog.xml: no such file" in made.reasons[0]
