"""All channels' reports of one event are one finding, live and afterwards."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observing import BANNER, Film, Tape, pulse

from lab.detect import Detectors, detect, detected
from lab.model import (
    Capture,
    DetectSettings,
    Diagnosis,
    Expectation,
    Finding,
    FindingKind,
    Heartbeat,
    MachineEvent,
    Observation,
    Proof,
    ScreenKind,
    SerialChunk,
    Step,
)

LOGS = Path(__file__).parent / "linux" / "logs"
CRASH = (LOGS / "page-fault-panic.log").read_text()
CRASH_ONLY = CRASH[CRASH.index("[   12.511870]") :]
TITLE = "BUG: unable to handle kernel paging request in demo_sensor_match"
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
        "BUG: unable to handle kernel paging request in ext4_readpage",
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


# -- Windows, by all channels -------------------------------------------------------------------------


HYPERV = {"type": "hyper-v", "arg1": 0x7E, "arg2": 0xFFFFFFFFC0000005, "arg3": 2, "arg4": 3, "arg5": 4}
STOP = "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)"
EMS = "*** STOP: 0x0000007E (0xFFFFFFFFC0000005,0x0000000000000002,0x0000000000000003,0x0000000000000004)\r\n"


def windows() -> Film:
    return Film(Tape().event(0, "started").beats(5, 12, "a"))


def dump(code: int = 0x7E, module: str = "csagent.sys") -> bytes:
    """The header of a 64-bit kernel dump; the layout is that of DUMP_HEADER64 (public in wdm and ReactOS)."""
    data = bytearray(0x2000)
    data[0:8] = b"PAGEDU64"
    struct.pack_into("<II", data, 0x08, 15, 22621)
    struct.pack_into("<II", data, 0x30, 0x8664, 4)
    struct.pack_into("<IIQQQQ", data, 0x38, code, 0, 0xFFFFFFFFC0000005, 2, 3, 4)
    struct.pack_into("<I", data, 0xF98, 1)
    return bytes(data)


def test_every_channel_reports_the_same_stop_and_it_is_one_finding() -> None:
    film = windows()
    film.tape.event(12.0, "panicked", info=HYPERV).serial(12.2, EMS)
    film.show(13.0, ScreenKind.BUGCHECK, code=0x7E, module="csagent.sys", progress=30)
    film.tape.beats(14, 39, ok=False)
    film.tape.add(Capture(t_s=40, what="guest-dump", ok=True, path="guest.dmp", sha256="ab"))
    film.tape.event(41, "reset")
    (finding,) = detect(film.tape, SETTINGS, look=film.look, fetch=lambda _: dump())
    assert (finding.kind, finding.title) == (FindingKind.BUGCHECK, f"{STOP} in csagent.sys")
    assert (finding.code, finding.parameters) == (0x7E, (0xFFFFFFFFC0000005, 2, 3, 4))
    assert finding.channels == ("event", "serial", "screen", "dump")
    assert [one.channel for one in finding.timeline] == [
        "event",
        "serial",
        "screen",
        "heartbeat",
        "dump",
        "reset",
    ]
    assert [round(one.latency_s, 1) for one in finding.timeline[:3]] == [0.0, 0.2, 1.0]
    assert finding.missed == ()
    assert finding.detail.endswith("its dump is at 30 %")
    assert {ref.path for ref in finding.evidence} == {"serial.log", "frames/000001.png", "guest.dmp"}


def test_a_digit_that_was_misread_on_the_screen_is_corrected_by_the_event() -> None:
    film = windows()
    film.tape.event(12.0, "panicked", info=HYPERV)
    film.show(13.0, ScreenKind.BUGCHECK, code=0x7F, module="other.sys")
    (finding,) = detect(film.tape, SETTINGS, look=film.look)
    assert (finding.title, finding.code, finding.module) == (STOP, 0x7E, "")
    assert not any("0x7F" in title for title in finding.signature.alt_titles)
    assert "the screen was read as 0x7F" in finding.detail


def test_an_event_without_a_code_gets_it_from_the_screen() -> None:
    film = windows().show(12.5, ScreenKind.BUGCHECK, code=0x7E)
    film.tape.event(13.0, "panicked")
    (finding,) = detect(film.tape, SETTINGS, look=film.look)
    assert (finding.kind, finding.title) == (FindingKind.BUGCHECK, STOP)
    assert finding.channels == ("screen", "event")


def test_two_drivers_that_stop_windows_with_one_code_are_two_bugs() -> None:
    film = windows().show(13, ScreenKind.BUGCHECK, code=0x7E, module="a.sys")
    film.tape.event(20, "reset").beats(30, 35, "b")
    film.show(40, ScreenKind.BUGCHECK, code=0x7E, module="b.sys")
    assert [one.module for one in detect(film.tape, SETTINGS, look=film.look)] == ["a.sys", "b.sys"]


def test_the_same_stop_at_every_boot_is_one_bug_and_a_loop() -> None:
    film = windows()
    for boot in range(3):
        start = 13 + 30 * boot
        film.tape.event(start, "panicked", info=HYPERV)
        film.show(start + 1, ScreenKind.BUGCHECK, code=0x7E)
        film.tape.event(start + 20, "reset")
    stop, looping = detect(film.tape, SETTINGS, look=film.look)
    assert (stop.title, stop.count) == (STOP, 3)
    assert looping.title == f"boot loop after {STOP}"


def test_a_dump_alone_is_a_finding_and_one_of_no_crash_is_not() -> None:
    tape = Tape().event(0, "started").add(Capture(t_s=40, what="guest-dump", ok=True, path="guest.dmp"))
    (finding,) = detect(tape, SETTINGS, fetch=lambda _: dump(0xEF))
    assert (finding.code, finding.channels, finding.t_s) == (0xEF, ("dump",), 40)
    assert detect(tape, SETTINGS, fetch=lambda _: b"MDMP" + bytes(400)) == ()
    assert detect(tape, SETTINGS, fetch=lambda _: None) == ()
    assert detect(tape, SETTINGS) == ()


# -- who saw it, and who did not ----------------------------------------------------------------------


def missed(finding: Finding) -> dict[str, tuple[bool, str]]:
    return {one.channel: (one.blind, one.reason) for one in finding.missed}


def test_a_channel_that_should_have_seen_a_crash_and_did_not_is_named() -> None:
    film = Film(crashed().event(12.0, "panicked").beats(13, 20, ok=False))
    (finding,) = detect(film.show(14, ScreenKind.TEXT).tape, SETTINGS, look=film.look)
    assert missed(finding) == {
        "serial": (False, "the console wrote nothing that names it"),
        "screen": (False, "1 frames after it showed: text"),
    }


def test_a_channel_that_could_not_have_seen_it_is_called_blind() -> None:
    settings = DetectSettings(boot_s=60, heartbeat_s=10, blind=("event", "screen"))
    tape = crashed().serial(12.0, CRASH_ONLY).beats(13, 20, ok=False)
    (finding,) = detect(tape, settings)
    assert missed(finding) == {
        "event": (True, "this guest has no driver for its panic device"),
        "screen": (True, "this guest shows nothing there"),
    }
    (unwatched,) = found(Tape().event(0, "started").event(12.0, "panicked"))
    assert {channel: blind for channel, (blind, _) in missed(unwatched).items()} == {
        "serial": True,
        "screen": True,
    }


def test_a_screen_that_was_reset_before_the_next_frame_could_not_tell() -> None:
    film = Film(crashed().serial(12.0, CRASH_ONLY).event(12.1, "panicked").event(13.0, "reset"))
    (finding,) = detect(film.show(14, ScreenKind.FIRMWARE).tape, SETTINGS, look=film.look)
    blind, reason = missed(finding)["screen"]
    assert blind
    assert "reset 1.0 s later" in reason


def test_the_time_line_is_that_of_the_first_occurrence() -> None:
    crash, _ = found(loop(3))
    assert [(one.channel, one.t_s) for one in crash.timeline][:2] == [("event", 12.0), ("serial", 12.1)]
    assert crash.timeline[0].latency_s == 0.0


def test_a_dump_that_was_waited_for_and_tells_nothing_is_missed_with_its_reason() -> None:
    tape = windows().tape.event(12.0, "panicked", info=HYPERV)
    none = Capture(t_s=60, what="guest-dump", ok=False, detail="no write within 60 s")
    (finding,) = found(Tape().add(tape.observations[0]).event(12.0, "panicked", info=HYPERV).add(none))
    assert missed(finding)["dump"] == (False, "no write within 60 s")
    damaged = Capture(t_s=60, what="guest-dump", ok=True, path="guest.dmp")
    (finding,) = detect(tape.add(damaged), SETTINGS, fetch=lambda _: b"PAGEDU64")
    assert missed(finding)["dump"][1].startswith("guest.dmp: ")


# -- updates, restores, evidence ----------------------------------------------------------------------


def test_a_crash_in_an_updates_own_reboot_says_so_and_stays_fatal() -> None:
    tape = crashed().expect(12, "os-update", boots=2, reason="the May update").event(13, "reset")
    tape.serial(15, BANNER).serial(25, CRASH_ONLY).event(30, "reset").serial(32, BANNER)
    (finding,) = found(tape)
    assert (finding.title, finding.fatal, finding.boot) == (TITLE, True, 2)
    assert "while the May update was going on" in finding.detail


def test_a_restart_that_an_update_had_not_announced_is_unexpected() -> None:
    tape = crashed().expect(12, "os-update", boots=1, reason="the May update")
    for start in (13, 40):
        tape.event(start, "reset").serial(start + 2, BANNER).beats(start + 10, start + 20, str(start))
    (finding,) = found(tape)
    assert finding.kind is FindingKind.UNEXPECTED_REBOOT
    assert "while the May update was going on" in finding.detail


def test_a_crash_before_a_restore_explains_nothing_after_it() -> None:
    tape = crashed().event(12, "panicked").event(20, "restored").beats(21, 30, "a").event(31, "reset")
    kinds = [finding.kind for finding in found(tape.serial(33, BANNER))]
    assert kinds == [FindingKind.PANIC, FindingKind.UNEXPECTED_REBOOT]


def test_silence_after_the_guest_was_back_is_not_the_old_crashs() -> None:
    tape = crashed().serial(12, CRASH_ONLY).event(17, "reset").serial(19, BANNER).beats(25, 40, "b")
    crash, lost = found(tape.beats(41, 60, ok=False))
    assert (crash.title, lost.kind) == (TITLE, FindingKind.LOST_CONNECTION)


def test_what_the_lab_asked_for_is_not_the_guests_doing() -> None:
    tape = Tape().event(0, "started").serial(1, BANNER).beats(5, 12, "a").beats(12, 40, ok=False)
    tape.add(Capture(t_s=41, what="nmi", ok=True)).event(42, "panicked").serial(42.1, CRASH_ONLY)
    detectors = detected(tape.event(50, "reset").serial(52, BANNER), SETTINGS)
    assert [finding.kind for finding in detectors.findings] == [FindingKind.LOST_CONNECTION]
    assert {finding.suppressed for finding in detectors.suppressed} == {
        "the lab had asked the guest for evidence, and this is its answer"
    }


def test_the_kernel_log_in_a_guests_memory_names_a_crash_that_the_console_did_not() -> None:
    tape = crashed().event(12, "panicked").add(Capture(t_s=30, what="kernel-log", ok=True, path="kernel.log"))
    (finding,) = detect(tape, SETTINGS, fetch=lambda _: CRASH_ONLY.encode())
    assert (finding.title, finding.channels) == (TITLE, ("event", "dump"))
    assert finding.evidence[0].path == "kernel.log"


def test_a_hang_that_the_kernel_reports_keeps_the_diagnosis_from_outside() -> None:
    text = (
        "[   30.000000] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [demo:77]\n"
        "[   30.000100] CPU: 0 PID: 77 Comm: demo Not tainted 6.1.0 #1\n"
        "[   30.000200] RIP: 0010:demo_spin+0x14/0x20 [demo]\n"
        "[   30.000300] Call Trace:\n"
        "[   30.000400]  demo_ioctl+0x10/0x20 [demo]\n"
    )
    tape = crashed().beats(12, 17, ok=False).serial(18, text)
    for n in range(13, 20):
        tape.add(pulse(float(n), used=float(n), ip=0xFFFFFFFF81234567))
    (finding,) = found(tape.beats(20, 40, ok=False))
    assert (finding.kind, finding.diagnosis) == (FindingKind.LOCKUP, Diagnosis.SPINNING)
    assert "demo_spin" in finding.title


# -- properties ---------------------------------------------------------------------------------------


STORY = loop(2).serial(120, EMS).beats(121, 140, ok=False)


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, 40_000), max_size=10))
def test_findings_do_not_depend_on_how_the_console_was_cut(cuts: list[int]) -> None:
    whole = detect(STORY, SETTINGS)
    pieces: list[Observation] = []
    for item in STORY:
        if not isinstance(item, SerialChunk):
            pieces.append(item)
            continue
        end = item.start + len(item.data)
        edges = [item.start, *sorted(cut for cut in cuts if item.start < cut < end), end]
        pieces += [
            SerialChunk(t_s=item.t_s, start=a, data=item.data[a - item.start : b - item.start])
            for a, b in pairwise(edges)
        ]
    assert detect(pieces, SETTINGS) == whole


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_findings_do_not_depend_on_the_order_of_what_came_at_once(data: st.DataObject) -> None:
    film = windows()
    together: list[Observation] = [
        MachineEvent(t_s=12.0, name="panicked", details={"info": HYPERV}),
        SerialChunk(t_s=12.0, start=0, data=EMS.encode()),
        Heartbeat(t_s=12.0, channel="agent", ok=False),
    ]
    film.show(12.0, ScreenKind.BUGCHECK, code=0x7E, module="a.sys")
    together.append(film.tape.observations.pop())
    before, after = list(film.tape), [MachineEvent(t_s=30.0, name="reset")]
    mixed = data.draw(st.permutations(together))
    one = detect([*before, *together, *after], SETTINGS, look=film.look)
    two = detect([*before, *mixed, *after], SETTINGS, look=film.look)
    assert [(f.title, f.code, f.t_s, set(f.channels)) for f in one] == [
        (f.title, f.code, f.t_s, set(f.channels)) for f in two
    ]


OBSERVATION = st.one_of(
    st.builds(
        MachineEvent,
        t_s=st.floats(0, 500),
        name=st.sampled_from(
            ["started", "reset", "panicked", "restored", "cloned", "stopped", "resumed", "destroyed", "odd"]
        ),
        details=st.dictionaries(
            st.sampled_from(["info", "arg1", "reason", "by", "restored"]),
            st.none() | st.integers() | st.text(max_size=4) | st.just(HYPERV),
        ),
    ),
    st.builds(
        Heartbeat,
        t_s=st.floats(0, 500),
        channel=st.sampled_from(["agent", "ssh"]),
        ok=st.booleans(),
        boot_id=st.sampled_from([None, "", "a", "b", "c"]),
    ),
    st.builds(
        Expectation,
        t_s=st.floats(0, 500),
        what=st.sampled_from(["reboot", "shutdown", "silence", "os-update", "odd"]),
        begin=st.booleans(),
        boots=st.integers(-1, 3),
    ),
    st.builds(
        SerialChunk,
        t_s=st.floats(0, 500),
        start=st.integers(0, 5000),
        data=st.sampled_from([BANNER.encode(), CRASH_ONLY.encode(), EMS.encode()]) | st.binary(max_size=80),
    ),
    st.builds(
        Capture,
        t_s=st.floats(0, 500),
        what=st.sampled_from(["sysrq", "nmi", "guest-dump", "kernel-log"]),
        ok=st.booleans(),
        path=st.just("file"),
    ),
)


@settings(max_examples=150, deadline=None)
@given(observations=st.lists(OBSERVATION, max_size=20), content=st.binary(max_size=64) | st.just(dump()))
def test_any_observations_in_any_order_are_taken(observations: list[Observation], content: bytes) -> None:
    detectors = detected(observations, SETTINGS, fetch=lambda _: content)
    findings = detectors.findings
    assert len({(finding.kind, finding.title, finding.module) for finding in findings}) == len(findings)
    for finding in findings:
        assert finding.timeline
        assert finding.timeline[0].latency_s == 0.0
        assert not finding.suppressed
