"""A run in which Windows stops: seen by event, console and screen, missed by others, with noise beside it."""

from __future__ import annotations

import json
from dataclasses import replace

from report_factories import BAD, RELEASED, Run, add, cell, empty, frame, opening, passed, stamp

from lab import codec
from lab.detect import Detectors
from lab.model import (
    Arm,
    AttemptRecord,
    Blame,
    Cell,
    DetectSettings,
    Frame,
    GateDecision,
    Heartbeat,
    MachineEvent,
    Outcome,
    Screen,
    ScreenKind,
    SerialChunk,
)
from lab.recording.look import SCREENS, classifier

CODE = {"type": "hyper-v", "arg1": 0x7E, "arg2": 0xFFFFFFFFC0000005, "arg3": 0xFFFFF80012345678}
STOP = "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E) in csagent.sys"


def stopped_windows() -> Run:
    """One candidate cell that stops after the update; its baseline passes. The findings are real ones."""
    run = empty(
        selftest=[
            {
                "host": "local",
                "state": "proven",
                "when": stamp(-3 * 3600),
                "ok": True,
                "canaries": [{"name": name, "ok": True} for name in ("panic", "hang", "stop-screen")],
            }
        ],
        hosts=[{"name": "local", "uri": "qemu:///embed"}],
    )
    passed(run, cell("win11-24h2", "content-update", Arm.BASELINE, RELEASED))
    one = cell("win11-24h2", "content-update", Arm.CANDIDATE, BAD)
    _stopped(run, one)
    run.decision = GateDecision(ship=False, exit_code=1, sentence=f"Do not ship: {STOP} on 1 of 1 OS build.")
    return run


def _stopped(run: Run, one: Cell) -> None:
    path = f"cells/{one.id}/a1"
    frames = [
        frame(run, path, 1, 28.0, ["Sign in"]),
        frame(run, path, 2, 33.1, [":(", "Your device ran into a problem"]),
        frame(run, path, 3, 37.0, [":(", "Your device ran into a problem", "60% complete"]),
    ]
    shows = (
        Screen(kind=ScreenKind.LOGIN, reason="for a test"),
        Screen(kind=ScreenKind.BUGCHECK, reason="for a test", code=0x7E, module="csagent.sys", progress=0),
        Screen(kind=ScreenKind.BUGCHECK, reason="for a test", code=0x7E, module="csagent.sys", progress=60),
    )
    seen = {shot.sha256: screen for shot, screen in zip(frames, shows, strict=True)}
    remembered = {
        "classifier": classifier(),
        "screens": {digest: codec.to_dict(screen) for digest, screen in seen.items()},
    }
    run.files[f"{path}/{SCREENS}"] = json.dumps(remembered).encode()
    observations = [
        *opening(one),
        SerialChunk(t_s=29.0, start=0, data=b"SAC>\r\n"),
        MachineEvent(t_s=32.0, name="panicked", details={"info": CODE}),
        *frames,
        *(Heartbeat(t_s=32.5 + beat, channel="agent", ok=False, error="no answer") for beat in range(30)),
        MachineEvent(t_s=70.0, name="destroyed"),
    ]
    observations.sort(key=lambda item: item.t_s)
    detectors = Detectors(DetectSettings(), look=lambda shot: _look(shot, seen))
    for item in observations:
        detectors.feed(item)
    detectors.finish(70.0)
    add(
        run,
        one,
        Outcome.FAILED,
        Blame.CANDIDATE,
        (f"{STOP}; the released version passed",),
        detectors.findings,
        observations,
        0.0,
    )
    noise = replace(
        detectors.findings[0], fatal=False, suppressed="somebody printed a log of another machine"
    )
    run.attempts[-1] = _with(run.attempts[-1], noise=(noise,), problems=["frames/000009.png is missing"])


def _look(shot: Frame, seen: dict[str, Screen]) -> Screen | None:
    return seen.get(shot.sha256)


def _with(record: AttemptRecord, *, noise: tuple[object, ...], problems: list[str]) -> AttemptRecord:
    return replace(record, suppressed=noise, facts={**record.facts, "problems": problems})  # type: ignore[arg-type]
