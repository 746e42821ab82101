"""All channels' reports of one event are one finding, live and afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observing import BANNER, Tape

from lab.detect import Detectors, detect
from lab.model import DetectSettings, Finding, FindingKind, MachineEvent, Proof, SerialChunk, Step

LOGS = Path(__file__).parent / "linux" / "logs"
CRASH = (LOGS / "page-fault-panic.log").read_text()
CRASH_ONLY = CRASH[CRASH.index("[   12.511870]") :]
TITLE = "BUG: unable to handle page fault in demo_sensor_match"
SETTINGS = DetectSettings(boot_s=60, heartbeat_s=10, loop_resets=3)


def found(tape: Tape) -> list[Finding]:
    return list(detect(tape, SETTINGS))


def crashed() -> Tape:
    return Tape().event(0, "started").serial(1, BANNER).beats(5, 12, "a")


def loop(boots: int) -> Tape:
    tape = crashed()
    for number in range(boots):
        start = 12 + 30 * number
        tape.event(start, "panicked").serial(start + 0.1, CRASH_ONLY).event(start + 5, "reset")
        tape.serial(start + 7, BANNER)
    return tape


def test_the_panic_device_and_the_console_report_one_panic() -> None:
    (finding,) = found(crashed().event(12.0, "panicked").serial(12.1, CRASH_ONLY))
    assert (finding.kind, finding.title, finding.module) == (FindingKind.PANIC, TITLE, "demo_sensor")
    assert finding.channels == ("event", "serial")
    assert finding.t_s == 12.0
    assert finding.count == 1


def test_the_console_may_be_first() -> None:
    (finding,) = found(crashed().serial(12.0, CRASH_ONLY).event(12.1, "panicked"))
    assert (finding.title, finding.channels) == (TITLE, ("serial", "event"))


def test_an_oops_whose_panic_text_was_lost_is_a_panic_by_the_event() -> None:
    cut = CRASH_ONLY[: CRASH_ONLY.index("[   12.513961]")]
    (finding,) = found(crashed().serial(12.0, cut).event(12.1, "panicked"))
    assert (finding.kind, finding.title) == (FindingKind.PANIC, TITLE)


def test_an_event_alone_is_a_panic_without_a_name() -> None:
    (finding,) = found(crashed().event(12.0, "panicked"))
    assert (finding.kind, finding.title, finding.fatal) == (FindingKind.PANIC, "kernel panic", True)


def test_a_windows_stop_code_is_told_by_the_event() -> None:
    info = {"type": "hyper-v", "arg1": 0x7E, "arg2": 1, "arg3": 2, "arg4": 3, "arg5": 4}
    (finding,) = found(crashed().event(12.0, "panicked", info=info))
    assert (finding.kind, finding.code, finding.parameters) == (FindingKind.BUGCHECK, 0x7E, (1, 2, 3, 4))
    assert finding.title == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)"


def test_the_reset_and_the_silence_after_a_crash_are_the_crashs() -> None:
    tape = crashed().serial(12.0, CRASH_ONLY).event(17, "reset").serial(19, BANNER).beats(20, 100, ok=False)
    assert [finding.title for finding in found(tape)] == [TITLE]


def test_the_same_crash_at_every_boot_is_one_bug_and_a_loop() -> None:
    crash, looping = found(loop(3))
    assert (crash.title, crash.count, crash.boot) == (TITLE, 3, 1)
    assert len(crash.evidence) == 3
    assert (looping.kind, looping.fatal, looping.count) == (FindingKind.BOOT_LOOP, True, 3)
    assert looping.title == f"boot loop after {TITLE}"
    assert looping.module == "demo_sensor"


def test_fewer_resets_than_the_limit_are_no_loop() -> None:
    assert [finding.kind for finding in found(loop(2))] == [FindingKind.PANIC]


def test_resets_without_a_crash_are_a_finding_and_then_a_loop() -> None:
    tape = crashed().event(12, "reset").serial(14, BANNER)
    (finding,) = found(tape)
    assert (finding.kind, finding.title, finding.fatal) == (
        FindingKind.UNEXPECTED_REBOOT,
        "unexpected reset",
        True,
    )
    for start in (30, 60):
        tape.event(start, "reset").serial(start + 2, BANNER)
    (looping,) = found(tape)
    assert (looping.kind, looping.title, looping.count) == (FindingKind.BOOT_LOOP, "boot loop", 3)


def test_requested_reboots_are_no_finding() -> None:
    tape = crashed()
    for start in (20, 40, 60, 80):
        tape.expect(start).event(start + 1, "reset").serial(start + 3, BANNER).beats(start + 5, start + 15)
        tape.expect(start + 15, begin=False)
    assert found(tape) == []


def test_different_crashes_are_different_findings() -> None:
    other = CRASH_ONLY.replace("demo_sensor_match", "ext4_readpage").replace("demo_sensor_event", "ext4_read")
    tape = crashed().serial(12, CRASH_ONLY).event(17, "reset").serial(19, BANNER).serial(30, other)
    assert [finding.title for finding in found(tape)] == [
        TITLE,
        "BUG: unable to handle page fault in ext4_readpage",
    ]
    assert [finding.boot for finding in found(tape)] == [1, 2]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("watchdog", FindingKind.WATCHDOG),
        ("io-error", FindingKind.IO_ERROR),
        ("shutdown", FindingKind.UNEXPECTED_SHUTDOWN),
    ],
)
def test_what_only_the_hypervisor_sees_is_fatal(event: str, kind: FindingKind) -> None:
    (finding,) = found(crashed().event(12, event))
    assert (finding.kind, finding.fatal, finding.channels) == (kind, True, ("event",))


def test_a_declared_shutdown_and_the_labs_own_are_no_finding() -> None:
    assert (
        found(crashed().expect(11, "shutdown").event(12, "shutdown", guest=True, reason="guest-shutdown"))
        == []
    )
    assert found(crashed().event(12, "shutdown", guest=False, reason="host-qmp-quit")) == []
    assert found(crashed().event(12, "destroyed").event(12.1, "shutdown")) == []


def test_the_death_of_qemu_is_not_the_guests() -> None:
    tape = crashed().event(12, "process-gone").add(Step(t_s=12.1, name="lab-fault", phase="note"))
    assert found(tape.beats(13, 60, ok=False)) == []


def test_a_refused_update_is_neither_fatal_nor_nothing() -> None:
    values = {"build": "1.1", "content": "291", "message": "21 fields declared,\n20 supplied"}
    (finding,) = found(crashed().add(Proof(t_s=9, what="refused", values=values)))
    assert (finding.kind, finding.fatal) == (FindingKind.UPDATE_REFUSED, False)
    assert finding.title == "update refused: content 291: 21 fields declared, 20 supplied"


def test_an_agent_that_is_down_is_fatal_unless_a_crash_took_it_down() -> None:
    down = Proof(t_s=30, what="healthy", values={"ok": False, "message": "no process"})
    (finding,) = found(crashed().add(down))
    assert (finding.kind, finding.title, finding.fatal) == (
        FindingKind.AGENT_DOWN,
        "agent down: no process",
        True,
    )
    assert [item.title for item in found(crashed().serial(12, CRASH_ONLY).add(down))] == [TITLE]


def test_a_fatal_finding_is_told_at_once_and_only_once() -> None:
    detectors = Detectors(SETTINGS)
    told = []
    for observation in crashed():
        told += detectors.feed(observation)
    assert told == []
    now = detectors.feed(MachineEvent(t_s=12.0, name="panicked"))
    assert [(finding.title, finding.fatal) for finding in now] == [("kernel panic", True)]
    start = len(BANNER)
    later = detectors.feed(SerialChunk(t_s=12.1, start=start, data=CRASH_ONLY.encode()))
    assert later == []
    assert [finding.title for finding in detectors.findings] == [TITLE]
    assert detectors.finish(20.0) == []


def test_a_warning_that_turns_into_a_panic_is_told_again_as_fatal() -> None:
    detectors = Detectors(SETTINGS)
    warning = b"[    9.000000] WARNING: CPU: 0 PID: 1 at kernel/smp.c:1 demo_thing+0x1/0x2\n"
    panic = b"[    9.000100] Kernel panic - not syncing: kernel: panic_on_warn set ...\n"
    first = detectors.feed(SerialChunk(t_s=9, start=0, data=warning))
    second = detectors.feed(SerialChunk(t_s=9.1, start=len(warning), data=panic))
    assert [finding.fatal for finding in first] == [False]
    assert [finding.fatal for finding in second] == [True]


def test_live_and_afterwards_the_findings_are_the_same() -> None:
    tape, detectors = loop(3), Detectors(SETTINGS)
    for observation in tape:
        detectors.feed(observation)
    detectors.finish(max(item.t_s for item in tape))
    assert detectors.findings == detect(tape, SETTINGS)
    assert len(detectors.boots.unexpected) == 3


PIECES = st.lists(
    st.tuples(
        st.floats(0, 20, allow_nan=False),
        st.sampled_from(
            ["crash", "banner", "reset", "panicked", "shutdown", "watchdog", "ok", "silent", "junk", "begin"]
        ),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(pieces=PIECES)
def test_whatever_comes_findings_are_in_order_and_nothing_fatal_is_lost(
    pieces: list[tuple[float, str]],
) -> None:
    tape, now = Tape(), 0.0
    for wait, piece in pieces:
        now += wait
        match piece:
            case "crash":
                tape.serial(now, CRASH_ONLY)
            case "banner":
                tape.serial(now, BANNER)
            case "ok" | "silent":
                tape.beat(now, ok=piece == "ok")
            case "begin":
                tape.expect(now)
            case "junk":
                tape.serial(now, b"\x00\xff[  \x1b")
            case _:
                tape.event(now, piece)
    findings = found(tape)
    assert [finding.t_s for finding in findings] == sorted(finding.t_s for finding in findings)
    assert len({(finding.kind, finding.title) for finding in findings}) == len(findings)
    names = [piece for _, piece in pieces]
    if "crash" in names or "panicked" in names:
        assert any(finding.fatal for finding in findings)
