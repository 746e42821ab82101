"""A guest that does not come up, and one that stops answering."""

from __future__ import annotations

from observing import BANNER, Tape, pulse

from lab.detect import detect
from lab.model import Capture, DetectSettings, Diagnosis, Finding, FindingKind, Frame, Step

SETTINGS = DetectSettings(boot_s=60, heartbeat_s=10, loop_resets=3)


def found(tape: Tape) -> list[Finding]:
    return list(detect(tape, SETTINGS))


def test_a_guest_that_answers_is_not_silent() -> None:
    assert found(Tape().event(0, "started").beats(1, 20, ok=False).beats(20, 60, "a")) == []


def test_a_guest_that_never_answers_did_not_boot() -> None:
    (finding,) = found(Tape().event(0, "started").beats(1, 70, ok=False))
    assert (finding.kind, finding.title, finding.fatal) == (
        FindingKind.BOOT_FAILURE,
        "guest did not boot",
        True,
    )
    assert "no output" in finding.detail


def test_a_boot_is_given_its_time() -> None:
    assert found(Tape().event(0, "started").beats(1, 59, ok=False)) == []


def test_without_any_try_nobody_knows() -> None:
    assert found(Tape().event(0, "started").serial(100, "still here\n")) == []


def test_a_guest_that_stops_answering_is_lost() -> None:
    (finding,) = found(Tape().event(0, "started").beats(1, 20, "a").beats(20, 40, ok=False))
    assert (finding.kind, finding.fatal) == (FindingKind.LOST_CONNECTION, True)
    assert finding.t_s == 30.0
    assert "no output" in finding.detail


def test_output_without_an_answer_is_said_so() -> None:
    tape = Tape().event(0, "started").beats(1, 20, "a").beats(20, 25, ok=False).serial(25, "tick\n")
    (finding,) = found(tape.beats(26, 40, ok=False))
    assert "output but no answer" in finding.detail


def test_one_channel_that_answers_is_enough() -> None:
    tape = Tape().event(0, "started")
    for second in range(60):
        tape.beat(second, ok=False, channel="agent").beat(second + 0.5, channel="ssh")
    assert found(tape) == []


def test_a_guest_that_comes_back_was_lost_but_not_for_good() -> None:
    (finding,) = found(
        Tape().event(0, "started").beats(1, 20, "a").beats(20, 40, ok=False).beats(40, 50, "a")
    )
    assert (finding.kind, finding.fatal) == (FindingKind.LOST_CONNECTION, False)
    assert "answered again at 40.0 s" in finding.detail


def test_a_requested_reboot_explains_silence() -> None:
    tape = Tape().event(0, "started").beats(1, 20, "a").expect(20).beats(21, 25, ok=False).event(25, "reset")
    tape.beats(26, 60, ok=False).beats(60, 70, "b").expect(70, begin=False)
    assert found(tape) == []


def test_a_guest_that_does_not_return_from_a_reboot_is_found() -> None:
    tape = Tape().event(0, "started").beats(1, 20, "a").expect(20).beats(21, 100, ok=False)
    (finding,) = found(tape)
    assert (finding.kind, finding.title) == (
        FindingKind.BOOT_FAILURE,
        "guest did not come back from the reboot",
    )


def test_declared_silence_and_a_pause_by_the_host_are_no_loss() -> None:
    assert (
        found(Tape().event(0, "started").beats(1, 20, "a").expect(20, "silence").beats(21, 90, ok=False))
        == []
    )
    paused = Tape().event(0, "started").beats(1, 20, "a").event(20, "stopped").beats(21, 90, ok=False)
    assert found(paused.event(90, "resumed").beats(91, 95, ok=False).beats(95, 99, "a")) == []


def test_silence_after_the_machine_is_gone_is_no_news() -> None:
    for last in ("destroyed", "process-gone"):
        assert (
            found(Tape().event(0, "started").beats(1, 20, "a").event(20, last).beats(21, 90, ok=False)) == []
        )
    ended = Tape().event(0, "started").beats(1, 20, "a").add(Step(t_s=20, name="attempt", phase="end"))
    assert found(ended.beats(21, 90, ok=False)) == []


def test_each_boot_has_its_own_time_to_come_up() -> None:
    tape = Tape().event(0, "started").beats(1, 20, "a").event(20, "reset").serial(22, BANNER)
    assert [finding.title for finding in found(tape.beats(23, 75, ok=False))] == ["unexpected reset"]
    titles = [finding.title for finding in found(tape.beats(75, 90, ok=False))]
    assert titles == ["unexpected reset", "guest did not boot"]


def hanging(*samples: object) -> Tape:
    tape = Tape().event(0, "started").beats(1, 20, "a").beats(20, 28, ok=False)
    for sample in samples:
        tape.add(sample)  # type: ignore[arg-type]
    return tape.beats(29, 40, ok=False)


SPIN = 0xFFFFFFFF81234567


def spinning(start: int = 21, stop: int = 28) -> list[object]:
    return [pulse(float(n), used=float(n), ip=SPIN + n) for n in range(start, stop)]


def test_a_hang_is_called_by_what_the_machine_does() -> None:
    (finding,) = found(hanging(*spinning()))
    assert (finding.kind, finding.title) == (FindingKind.HANG, "guest hangs: spinning")
    assert (finding.diagnosis, finding.fatal) == (Diagnosis.SPINNING, True)
    assert "7 of 7 samples within 0x10 bytes of ffffffff8123457c while vCPU 0 used 100%" in finding.detail


def test_a_diagnosis_is_refined_by_what_comes_after_the_finding() -> None:
    tape = Tape().event(0, "started").beats(1, 20, "a").beats(20, 40, ok=False)
    (before,) = found(tape)
    assert (before.kind, before.diagnosis) == (FindingKind.LOST_CONNECTION, None)
    for sample in spinning(41, 47):
        tape.add(sample)  # type: ignore[arg-type]
    (after,) = found(tape)
    assert (after.kind, after.t_s, after.fatal) == (FindingKind.HANG, before.t_s, True)


def test_the_kernel_that_is_asked_where_it_is_names_the_function() -> None:
    tape = hanging(*spinning()).add(Capture(t_s=41, what="sysrq", ok=True))
    tape.serial(42, "[   42.0] sysrq: Show backtrace\n[   42.1] RIP: 0010:default_idle+0xb/0x10\n")
    tape.serial(43, "[   43.1] RIP: 0010:demo_spin.isra.0+0x14/0x20 [demo]\n")
    (finding,) = found(tape)
    assert (finding.title, finding.function) == ("guest hangs: spinning in demo_spin", "demo_spin")
    assert finding.signature.alt_titles == ("guest hangs: spinning",)


def test_what_the_guest_does_after_it_was_asked_is_no_diagnosis() -> None:
    tape = hanging(*spinning()).add(Capture(t_s=41, what="nmi", ok=True))
    for n in range(60, 70):
        tape.add(pulse(float(n), used=20.0, halted=True))
    assert [finding.diagnosis for finding in found(tape)] == [Diagnosis.SPINNING]


def test_a_guest_that_still_shows_life_is_lost_not_hanging() -> None:
    tape = Tape().event(0, "started").beats(1, 20, "a").beats(20, 28, ok=False)
    for n in range(21, 28):
        tape.add(pulse(float(n), used=0.01 * n, halted=True))
    (finding,) = found(tape.serial(27, "[   27.0] still talking\n").beats(29, 40, ok=False))
    assert (finding.kind, finding.diagnosis) == (FindingKind.LOST_CONNECTION, Diagnosis.IDLE)


def test_a_blinking_cursor_is_no_sign_of_life() -> None:
    tape = Tape().event(0, "started").beats(1, 20, "a")
    for n in range(12):
        tape.add(Frame(t_s=2.0 + 2 * n, path="f", sha256=str(n % 2), width=1, height=1))
    for n in range(21, 28):
        tape.add(pulse(float(n), used=0.01 * n, halted=True))
    (finding,) = found(tape.beats(29, 40, ok=False))
    assert finding.kind is FindingKind.HANG


def test_a_busy_guest_may_only_be_slow() -> None:
    (finding,) = found(hanging(*(pulse(float(n), used=float(n)) for n in range(21, 28))))
    assert (finding.kind, finding.diagnosis, finding.fatal) == (
        FindingKind.LOST_CONNECTION,
        Diagnosis.BUSY,
        True,
    )


def test_silence_that_the_host_caused_is_not_fatal() -> None:
    overloaded = [pulse(float(n), used=n * 0.3, host={"stall_share": 0.95}) for n in range(21, 28)]
    (finding,) = found(hanging(*overloaded))
    assert (finding.kind, finding.diagnosis) == (FindingKind.LOST_CONNECTION, Diagnosis.HOST_OVERLOADED)
    assert not finding.fatal
    (paused,) = found(hanging(pulse(25, state="paused")))
    assert (paused.diagnosis, paused.fatal) == (Diagnosis.STOPPED_BY_HOST, False)


def test_a_failure_to_boot_is_diagnosed_too() -> None:
    tape = Tape().event(0, "started").beats(1, 50, ok=False)
    for n in range(45, 60):
        tape.add(pulse(float(n), used=float(n), ip=SPIN))
    (finding,) = found(tape.beats(61, 70, ok=False))
    assert (finding.kind, finding.diagnosis) == (FindingKind.BOOT_FAILURE, Diagnosis.SPINNING)


def slow(usual_s: float, answer_s: int, *more: object) -> list[Finding]:
    settings = DetectSettings(boot_s=300, heartbeat_s=10, usual_boot_s=usual_s)
    tape = Tape().event(0, "started")
    for item in more:
        tape.add(item)  # type: ignore[arg-type]
    return list(detect(tape.beats(answer_s, answer_s + 9, "a"), settings))


def test_a_boot_that_takes_much_longer_than_usual_is_told_but_not_fatal() -> None:
    (finding,) = slow(20, 90)
    assert (finding.kind, finding.fatal) == (FindingKind.SLOW_BOOT, False)
    assert "after 90 s, usually after 20 s" in finding.detail
    assert slow(40, 90) == []
    assert slow(1, 9) == []
    assert slow(0, 250) == []


def test_a_slow_host_explains_a_slow_boot() -> None:
    assert slow(20, 90, *(pulse(n * 5.0, used=n * 1.0, host={"late_s": 6.0}) for n in range(1, 18))) == []


def test_a_reboot_of_an_os_update_may_be_slow() -> None:
    settings = DetectSettings(boot_s=300, heartbeat_s=10, usual_boot_s=10)
    tape = Tape().event(0, "started").beats(1, 20, "a").expect(20, "os-update").event(21, "reset")
    assert list(detect(tape.beats(120, 140, "b"), settings)) == []


def test_a_restored_guest_gets_its_time_to_answer() -> None:
    tape = Tape().event(0, "started").beats(1, 20, "a").event(30, "restored").beats(31, 60, ok=False)
    assert found(tape.beats(60, 70, "a")) == []


def test_a_guest_that_sleeps_is_not_lost() -> None:
    tape = Tape().event(0, "started").beats(1, 20, "a").event(20, "suspended").beats(21, 90, ok=False)
    assert found(tape.event(90, "woken").beats(91, 95, ok=False).beats(95, 99, "a")) == []
