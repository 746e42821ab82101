"""Screens are believed by rule: readable at once, a layout on the second look, never against an answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observing import BANNER, Film, Tape, screen

from lab.detect import Detectors, detect, detected
from lab.detect.screenwatch import FAILURES, screen_finding, undecorated
from lab.model import DetectSettings, Finding, FindingKind, Frame, ScreenKind

SETTINGS = DetectSettings(boot_s=60, heartbeat_s=10, loop_resets=3)
STOP = "CRITICAL_PROCESS_DIED (0xEF)"
PANIC = (
    "BUG: kernel NULL pointer dereference, address: 0000000000000000\n"
    "RIP: 0010:demo_sensor_match+0x1c2/0x210 [demo_sensor]\n"
    "Kernel panic - not syncing: Fatal exception\n"
)


def started() -> Film:
    return Film(Tape().event(0, "started").serial(1, BANNER).beats(5, 12, "a"))


def found(film: Film, end_s: float | None = None) -> list[Finding]:
    if end_s is not None:
        film.tape.beat(end_s, ok=False)
    return list(detect(film.tape, SETTINGS, look=film.look))


def kinds(film: Film, end_s: float | None = None) -> list[FindingKind]:
    return [finding.kind for finding in found(film, end_s)]


def test_a_readable_stop_screen_is_believed_at_once() -> None:
    film = started().show(13, ScreenKind.BUGCHECK, code=0xEF, module="Csagent.SYS", parameters=(1, 2))
    (finding,) = found(film)
    assert (finding.kind, finding.title, finding.fatal) == (
        FindingKind.BUGCHECK,
        f"{STOP} in csagent.sys",
        True,
    )
    assert (finding.code, finding.parameters, finding.module) == (0xEF, (1, 2), "csagent.sys")
    assert finding.channels == ("screen",)
    assert finding.evidence[0].path == "frames/000001.png"


def test_a_layout_alone_needs_a_second_look() -> None:
    film = started().show(13, ScreenKind.BUGCHECK)
    assert found(film) == []
    assert [finding.title for finding in found(film.show(15, ScreenKind.BUGCHECK))] == [
        "bugcheck (code not told)"
    ]


def test_a_picture_that_stays_is_as_good_as_two() -> None:
    assert kinds(started().show(13, ScreenKind.BUGCHECK), 20) == [FindingKind.BUGCHECK]


def test_a_layout_alone_counts_when_another_channel_saw_the_crash() -> None:
    film = started().show(13, ScreenKind.BUGCHECK)
    film.tape.event(13.2, "panicked")
    (finding,) = found(film)
    assert (finding.kind, finding.channels) == (FindingKind.BUGCHECK, ("screen", "event"))


def test_what_later_frames_read_makes_the_finding_better() -> None:
    film = started().show(13, ScreenKind.BUGCHECK, code=0xEF, progress=0)
    film.show(15, ScreenKind.BUGCHECK, code=0xEF, module="demo.sys", progress=40)
    (finding,) = found(film.show(17, ScreenKind.BUGCHECK, progress=100))
    assert finding.title == f"{STOP} in demo.sys"
    assert finding.detail.endswith("its dump is at 100 %")


def test_a_guest_that_answers_had_not_crashed() -> None:
    film = started().show(13, ScreenKind.BUGCHECK, code=0xEF)
    film.tape.beats(14, 20, "a")
    detectors = detected(film.tape, SETTINGS, look=film.look)
    assert detectors.findings == ()
    (noise,) = detectors.suppressed
    assert (noise.title, noise.fatal) == (STOP, False)
    assert "still answered" in noise.suppressed


def test_an_answer_of_the_next_boot_does_not_take_a_crash_back() -> None:
    film = started().show(13, ScreenKind.BUGCHECK, code=0xEF)
    film.tape.event(20, "reset").serial(22, BANNER).beats(40, 45, "b")
    assert kinds(film) == [FindingKind.BUGCHECK]


def test_a_frame_that_was_recorded_after_the_reset_is_of_the_boot_before() -> None:
    film = started()
    film.tape.event(20, "reset")
    (finding,) = found(film.show(20.5, ScreenKind.BUGCHECK, code=0xEF))
    assert (finding.kind, finding.boot) == (FindingKind.BUGCHECK, 1)


def test_a_panic_on_the_screen_gets_the_title_that_the_console_would_give() -> None:
    (finding,) = found(started().show(13, ScreenKind.PANIC, text=PANIC))
    assert finding.kind is FindingKind.PANIC
    assert "demo_sensor_match" in finding.title
    assert finding.corrupted
    (decoded,) = found(started().show(13, ScreenKind.PANIC_QR, qr=PANIC))
    assert decoded.title == finding.title
    assert decoded.corrupted == ""


def test_time_stamps_that_were_read_wrongly_do_not_hide_a_panic() -> None:
    text = """\
: 14.025591: simple-framebuffer simple-framebuffer.0: fbO: simplefb registered!
> LE?8238: demo: provoking panic
> LE%8531: Kernel panic \N{EM DASH} not syncing: demo: asked to panic
> 1.078697: CPU: O PID: 159 Comm: sh Tainted: G OE 6.1.0-56-amd64 #1
1.879029: Call Trace:
> 1.797342 panic+0x118/0x2f4
"""
    one = screen_finding(screen(ScreenKind.PANIC, text=text), t_s=1.0, path="frames/000001.png")
    assert one is not None
    assert one.title == "kernel panic: demo: asked to panic"


def test_a_console_without_time_stamps_keeps_its_first_words() -> None:
    text = """\
BUG: kernel NULL pointer dereference, address: 0000000000000048
RIP: 0010:demo_fault+0xf/0x20 [demo]
Kernel panic - not syncing: Fatal exception
"""
    assert undecorated(text) == text.rstrip("\n")


def test_a_panic_that_cannot_be_read_needs_a_second_look() -> None:
    film = started().show(13, ScreenKind.PANIC, text="~~ gibberish ~~")
    assert found(film) == []
    assert [finding.title for finding in found(film, 20)] == ["kernel panic"]


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in ScreenKind
        if kind not in FAILURES
        and kind not in (ScreenKind.BUGCHECK, ScreenKind.PANIC, ScreenKind.PANIC_QR, ScreenKind.RECOVERY)
    ],
)
def test_what_a_healthy_guest_shows_is_no_finding(kind: ScreenKind) -> None:
    film = Film(Tape().event(0, "started")).show(3, kind).show(20, kind)
    assert found(film, 40) == []


@pytest.mark.parametrize("kind", list(FAILURES))
def test_a_screen_of_a_failed_boot_must_stay(kind: ScreenKind) -> None:
    film = Film(Tape().event(0, "started")).show(3, kind)
    assert found(film, 10) == []
    (finding,) = found(film, 20)
    assert (finding.kind, finding.fatal, finding.channels) == (FindingKind.BOOT_FAILURE, True, ("screen",))
    assert finding.title.startswith("boot failure: ")


def test_firmware_that_goes_on_after_an_error_did_not_fail() -> None:
    film = Film(Tape().event(0, "started")).show(3, ScreenKind.NO_BOOT_DEVICE).show(8, ScreenKind.LOGIN)
    assert found(film, 40) == []


def test_console_and_screen_report_one_failure_to_boot() -> None:
    film = Film(Tape().event(0, "started").serial(1, "grub rescue> \n")).show(2, ScreenKind.GRUB_RESCUE)
    assert kinds(film, 30) == [FindingKind.BOOT_FAILURE]


def test_a_recovery_screen_that_passes_is_told_and_not_fatal() -> None:
    film = started().show(20, ScreenKind.RECOVERY).show(24, ScreenKind.LOGIN)
    film.tape.beats(25, 60, "a")
    (finding,) = found(film)
    assert (finding.kind, finding.fatal, finding.title) == (
        FindingKind.RECOVERY_SCREEN,
        False,
        "recovery screen",
    )


def test_a_recovery_screen_that_stays_waits_for_a_person() -> None:
    film = Film(Tape().event(0, "started")).show(3, ScreenKind.RECOVERY)
    (finding,) = found(film, 15)
    assert (finding.fatal, finding.detail) == (True, "it stays and waits for a person")


def test_a_recovery_screen_at_every_boot_is_a_loop() -> None:
    film = Film(Tape().event(0, "started"))
    for boot in range(3):
        film.show(5 + 40 * boot, ScreenKind.RECOVERY)
        film.show(9 + 40 * boot, ScreenKind.SPLASH)
        film.tape.event(40 + 40 * boot, "reset")
    fatal = {finding.kind: finding for finding in found(film) if finding.fatal}
    assert "seen in 3 boots" in fatal[FindingKind.RECOVERY_SCREEN].detail


def test_the_screens_of_each_boot_are_kept_in_order() -> None:
    film = started().show(2, ScreenKind.FIRMWARE).show(4, ScreenKind.FIRMWARE).show(6, ScreenKind.LOGIN)
    film.tape.event(20, "reset")
    film.show(23, ScreenKind.FIRMWARE)
    shown = detected(film.tape, SETTINGS, look=film.look).screens
    assert [(item.boot, item.kind.value) for item in shown] == [
        (1, "firmware"),
        (1, "login"),
        (2, "firmware"),
    ]


def test_nobody_looks_nothing_is_said() -> None:
    film = started().show(13, ScreenKind.BUGCHECK, code=0xEF)
    assert list(detect(film.tape, SETTINGS)) == []


def test_a_single_picture_without_a_recording() -> None:
    finding = screen_finding(screen(ScreenKind.BUGCHECK, code=0xEF), t_s=0.0, path="a.png")
    assert finding is not None
    assert (finding.title, finding.evidence[0].path) == (STOP, "a.png")
    assert screen_finding(screen(ScreenKind.DESKTOP), t_s=0.0, path="a.png") is None


STEPS = st.lists(
    st.tuples(
        st.floats(0, 9),
        st.sampled_from(
            [*(kind.value for kind in ScreenKind), "ok", "silent", "reset", "panicked", "restored"]
        ),
        st.none() | st.sampled_from([0x7E, 0xEF, 0xABC]),
    ),
    max_size=25,
)


@settings(max_examples=100, deadline=None)
@given(steps=STEPS, late=st.booleans())
def test_any_sequence_of_screens_is_taken(steps: list[tuple[float, str, int | None]], late: bool) -> None:
    film, now = started(), 12.0
    for wait, step, code in steps:
        now += wait
        if step in ("ok", "silent"):
            film.tape.beat(now, ok=step == "ok")
        elif step in ("reset", "panicked", "restored"):
            film.tape.event(now, step)
        else:
            film.show(now, ScreenKind(step), code=code)
    observations = list(film.tape)
    if late:  # frames are looked at beside everything else, and come after it
        observations.sort(key=lambda item: item.t_s + 1.5 * isinstance(item, Frame))
    detectors = Detectors(SETTINGS, look=film.look)
    for observation in observations:
        detectors.feed(observation)
    detectors.finish(now)
    findings = detectors.findings
    assert [finding.t_s for finding in findings] == sorted(finding.t_s for finding in findings)
    assert all(not finding.suppressed for finding in findings)
    assert all(finding.suppressed for finding in detectors.suppressed)
