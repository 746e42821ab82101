"""A guest that does not come up, and one that stops answering."""

from __future__ import annotations

from observing import BANNER, Tape

from lab.detect import detect
from lab.model import DetectSettings, Finding, FindingKind, Step

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
