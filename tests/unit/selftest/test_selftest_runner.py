"""What a canary's findings are worth, and what the command shows of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from lab.cli import selftest
from lab.errors import NothingSelected
from lab.model import (
    AgentVersion,
    Arm,
    AttemptRecord,
    Cell,
    CellId,
    Diagnosis,
    Finding,
    FindingKind,
    Sighted,
    Signature,
)
from lab.selftest import bench, runner
from lab.selftest.bench import Watched
from lab.selftest.canaries import CANARIES, Canary
from lab.selftest.results import CanaryResult, Proven

BY_NAME = {canary.name: canary for canary in CANARIES}
NOTHING = AgentVersion(build="", content="")
CELL = Cell(
    id=CellId("selftest-panic"), image="tiny", profile="p", scenario="selftest", arm=Arm.BASELINE, agent="",
    version=NOTHING, installed=NOTHING,
)  # fmt: skip
PANIC = Finding(
    kind=FindingKind.PANIC, signature=Signature(title="kernel panic: asked"), fatal=True, t_s=10.05,
    channels=("event", "serial"),
    timeline=(
        Sighted(channel="event", t_s=10.05, latency_s=0.0),
        Sighted(channel="serial", t_s=10.11, latency_s=0.06),
    ),
)  # fmt: skip
SPIN = Finding(
    kind=FindingKind.HANG, signature=Signature(title="guest hangs"), fatal=True, t_s=20.0,
    channels=("heartbeat",), diagnosis=Diagnosis.SPINNING,
)  # fmt: skip


def judged(*findings: Finding) -> AttemptRecord:
    return AttemptRecord(cell=CELL, attempt=1, path="a1", observations=(), findings=findings, complete=True)


def verdict(
    canary: Canary, *findings: Finding, live: tuple[Finding, ...] | None = None, **seen: float
) -> str:
    watched = Watched(trigger_s=10.0, seen=seen, findings=findings if live is None else live)
    return runner.judge(canary, watched, judged(*findings), dict(seen))


def test_a_panic_that_all_its_channels_saw_is_found() -> None:
    assert verdict(BY_NAME["panic"], PANIC, event=0.05, serial=0.11) == ""


def test_a_channel_that_missed_it_is_named() -> None:
    assert verdict(BY_NAME["panic"], PANIC, event=0.05) == "not seen by serial"


def test_another_kind_of_finding_does_not_do() -> None:
    assert "no finding of kind panic" in verdict(BY_NAME["panic"], SPIN, event=0.05, serial=0.1)


def test_what_was_found_live_must_be_in_the_recording_too() -> None:
    assert "in the recording; found nothing" in verdict(
        BY_NAME["panic"], live=(PANIC,), event=0.1, serial=0.1
    )


def test_a_finding_that_is_not_called_fatal_does_not_do() -> None:
    told = replace(PANIC, fatal=False)
    assert "not called fatal" in verdict(BY_NAME["panic"], told, event=0.1, serial=0.1)


def test_a_hang_must_have_its_diagnosis() -> None:
    assert verdict(BY_NAME["hang-spin"], SPIN, heartbeat=12.0) == ""
    idle = replace(SPIN, diagnosis=Diagnosis.IDLE)
    assert "wanted spinning" in verdict(BY_NAME["hang-spin"], idle, heartbeat=12.0)


def test_in_a_healthy_guest_nothing_may_be_found() -> None:
    assert verdict(BY_NAME["healthy"]) == ""
    assert "nothing may be found" in verdict(BY_NAME["healthy"], PANIC)


def test_a_finding_before_the_trigger_is_a_false_alarm() -> None:
    watched = Watched(trigger_s=10.0, seen={"event": 0.1, "serial": 0.1}, before=(PANIC,), findings=(PANIC,))
    problem = runner.judge(BY_NAME["panic"], watched, judged(PANIC), dict(watched.seen))
    assert problem.startswith("found before anything was provoked")


def test_a_stand_in_must_be_read_with_its_own_stop_code() -> None:
    canary = BY_NAME["stand-in-bugcheck-screen-only"]
    stop = replace(PANIC, kind=FindingKind.BUGCHECK, code=0x7E, channels=("screen",), timeline=())
    assert verdict(canary, stop, screen=1.0) == ""
    assert "read stop code 0x50" in verdict(canary, replace(stop, code=0x50), screen=1.0)


def test_when_a_channel_saw_it_counts_from_the_trigger() -> None:
    told = runner.later(PANIC, [PANIC], Watched(trigger_s=10.0))
    assert told == {"event": pytest.approx(0.05), "serial": pytest.approx(0.11)}


def test_the_finding_meant_is_picked_by_title_where_several_could_be() -> None:
    canary = BY_NAME["oops"]
    other = replace(PANIC, kind=FindingKind.OOPS)
    meant = replace(other, signature=Signature(title="BUG: something in lab_crasher_null_read"))
    assert bench.matching(canary, (other, meant)) is meant
    assert bench.matching(canary, (other,)) is None


def test_who_saw_what_loops_saw_the_loop_and_events_count_resets() -> None:
    loop = replace(
        PANIC, kind=FindingKind.BOOT_LOOP, signature=Signature(title=f"boot loop after {PANIC.title}"),
        channels=("event",), timeline=(), t_s=30.0,
    )  # fmt: skip
    told = bench.channels_of(loop, [PANIC, SPIN, loop])
    assert told == {"event": 30.0, "reset": 30.0, "serial": pytest.approx(10.11)}


def test_a_host_without_time_for_its_guest_is_told_apart() -> None:
    starved = replace(SPIN, diagnosis=Diagnosis.HOST_OVERLOADED, fatal=False)
    assert runner.overloaded([PANIC, starved])
    assert not runner.overloaded([PANIC, SPIN])


# -- the command --------------------------------------------------------------


def test_canaries_are_chosen_by_name_pattern_or_all() -> None:
    assert len(selftest.choose([])) == len(CANARIES)
    assert [canary.name for canary in selftest.choose(["pan*c"])] == ["panic"]
    assert {canary.name for canary in selftest.choose([], quick=True)} == {"healthy", "panic"}
    with pytest.raises(NothingSelected, match="no canary is called 'panik'"):
        selftest.choose(["panik"])


def test_the_list_says_which_are_stand_ins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selftest, "out", Console(width=240, highlight=False))
    selftest.show_list(list(CANARIES), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert sum("STAND-IN" in line for line in lines) == sum(canary.standin for canary in CANARIES)


def test_the_table_marks_stand_ins_and_names_what_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selftest, "out", Console(width=240, highlight=False))
    good = CanaryResult(name="panic", expected=("event",), seen={"event": 0.06})
    bad = CanaryResult(name="stand-in-xp-text", standin=True, ok=False, problem="not seen by screen",
                       recording="/somewhere/a1")  # fmt: skip
    selftest.show(Proven(host="here", when="", lab="0.1", qemu="7.2", detectors="d", canaries=(good, bad)))
    shown = capsys.readouterr().out
    assert "event 0.06" in shown
    assert "STAND-IN for Windows" in shown
    assert "1 of 2 canaries failed: this host gets no cells" in shown
    assert "/somewhere/a1" in shown
