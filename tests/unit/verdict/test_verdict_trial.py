"""One attempt alone: passing needs every proof, failing needs one fatal finding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from attempting import (
    INSTALLED,
    TITLE,
    attempt,
    beats,
    cell,
    crash,
    crashed,
    exercised,
    failed,
    faulted,
    healthy,
    proven,
    step,
    version,
)

from lab.model import (
    AttemptRecord,
    Blame,
    Diagnosis,
    Expectation,
    Finding,
    FindingKind,
    Heartbeat,
    MachineEvent,
    Observation,
    Outcome,
    Proof,
    Step,
)
from lab.verdict.trial import Trial, judge_attempt


def without(drop: Callable[[Observation], bool]) -> Trial:
    return judge_attempt(attempt(None, [item for item in proven(cell()) if not drop(item)]))


def plus(*more: Observation) -> Trial:
    return judge_attempt(attempt(None, [*proven(cell()), *more]))


def test_every_proof_together_is_a_pass() -> None:
    trial = judge_attempt(attempt())
    assert (trial.outcome, trial.reasons, trial.blame) == (Outcome.PASSED, (), Blame.NOBODY)


@pytest.mark.parametrize(
    ("what", "outcome", "words"),
    [
        ("version", Outcome.INCONCLUSIVE, "never read back"),
        ("healthy", Outcome.INCONCLUSIVE, "health was never checked"),
        ("exercised", Outcome.NOT_EXERCISED, "no proof that build 1.0 + content 291 was exercised"),
    ],
)
def test_a_missing_proof_is_no_pass_and_is_named(what: str, outcome: Outcome, words: str) -> None:
    trial = without(lambda item: isinstance(item, Proof) and item.what == what)
    assert trial.outcome is outcome
    assert any(words in reason for reason in trial.reasons)


def test_the_last_version_counts() -> None:
    trial = plus(version(40, INSTALLED))
    assert trial.outcome is Outcome.INCONCLUSIVE
    assert trial.reasons == ("the guest ended with build 1.0 + content 289 (wanted build 1.0 + content 291)",)


def test_the_last_health_check_counts() -> None:
    assert plus(healthy(40, ok=False)).outcome is Outcome.INCONCLUSIVE


def test_a_counter_that_stood_still_exercised_nothing() -> None:
    trial = judge_attempt(
        attempt(
            None,
            [item for item in proven(cell()) if item.t_s != 15] + [exercised(15.5, 7, 7), *beats(15, 16)],
        )
    )
    assert trial.outcome is Outcome.NOT_EXERCISED
    assert "the counter stayed at 7" in trial.reasons[0]


@pytest.mark.parametrize(("before", "after"), [("1", "2"), (1, 2.5)])
def test_counters_may_be_text(before: object, after: object) -> None:
    seen = [item for item in proven(cell()) if not (isinstance(item, Proof) and item.what == "exercised")]
    assert judge_attempt(attempt(None, [*seen, exercised(15, before, after)])).outcome is Outcome.PASSED


def test_exercising_the_old_version_proves_nothing_of_the_new() -> None:
    seen = [item for item in proven(cell()) if not (isinstance(item, Proof) and item.what == "exercised")]
    assert judge_attempt(attempt(None, [*seen, exercised(9)])).outcome is Outcome.NOT_EXERCISED


def test_after_an_operation_the_version_must_be_read_again_before_it_counts_as_exercised() -> None:
    seen = [item for item in proven(cell()) if not (isinstance(item, Proof) and item.what == "exercised")]
    early = [version(9, cell().version), exercised(11)]
    assert judge_attempt(attempt(None, [*seen, *early])).outcome is Outcome.NOT_EXERCISED


def test_no_heartbeat_is_no_pass() -> None:
    trial = without(lambda item: isinstance(item, Heartbeat))
    assert (trial.outcome, trial.reasons) == (Outcome.INCONCLUSIVE, ("no heartbeat was ever answered",))


def test_a_gap_in_the_heartbeats_is_no_pass() -> None:
    trial = without(lambda item: isinstance(item, Heartbeat) and 16 <= item.t_s < 55)
    assert trial.outcome is Outcome.INCONCLUSIVE
    assert trial.reasons == ("no heartbeat for 40 s after 15.0 s (limit 30 s)",)


def test_a_gap_at_the_end_counts_too() -> None:
    assert without(lambda item: isinstance(item, Heartbeat) and item.t_s > 20).outcome is Outcome.INCONCLUSIVE


def test_a_declared_reboot_is_no_gap() -> None:
    seen = [item for item in proven(cell()) if not (isinstance(item, Heartbeat) and 16 <= item.t_s < 55)]
    reboot = [Expectation(t_s=17, what="reboot", begin=True), Expectation(t_s=54, what="reboot", begin=False)]
    assert judge_attempt(attempt(None, [*seen, *reboot])).outcome is Outcome.PASSED


def test_the_gap_is_measured_by_the_attempts_own_limit() -> None:
    record = attempt(
        None, [item for item in proven(cell()) if not (isinstance(item, Heartbeat) and 16 <= item.t_s < 55)]
    )
    slow = replace(record, facts={"detect": {"heartbeat_s": 90.0}})
    assert judge_attempt(slow).outcome is Outcome.PASSED


def test_a_guest_that_was_lost_for_a_while_is_no_pass() -> None:
    lost = crash("lost connection to the guest", kind=FindingKind.LOST_CONNECTION, fatal=False)
    assert judge_attempt(attempt(None, None, lost)).outcome is Outcome.INCONCLUSIVE


def test_a_fatal_finding_fails_whatever_else_is_proven() -> None:
    trial = judge_attempt(attempt(None, None, crash(detail="ended in a kernel panic", count=3)))
    assert trial.outcome is Outcome.FAILED
    assert trial.reasons == (f"{TITLE} (demo_sensor), 3 times; ended in a kernel panic",)


def test_a_warning_fails_nothing() -> None:
    assert (
        judge_attempt(attempt(None, None, crash(kind=FindingKind.WARNING, fatal=False))).outcome
        is Outcome.PASSED
    )


def test_a_refused_update_fails_and_is_no_crash() -> None:
    refused = crash(
        "update refused: content 291: no", kind=FindingKind.UPDATE_REFUSED, fatal=False, module=""
    )
    trial = judge_attempt(attempt(None, None, refused))
    assert (trial.outcome, trial.reasons) == (Outcome.FAILED, ("update refused: content 291: no",))


def test_a_failed_assertion_fails_with_its_words() -> None:
    trial = judge_attempt(failed(None, "the counter is 3"))
    assert (trial.outcome, trial.asserted) == (Outcome.FAILED, True)
    assert trial.reasons == ("the scenario failed: the counter is 3",)


def test_a_fault_of_the_lab_is_inconclusive() -> None:
    trial = judge_attempt(faulted(None, "MachineError: libvirt went away"))
    assert (trial.outcome, trial.blame) == (Outcome.INCONCLUSIVE, Blame.LAB)
    assert trial.reasons == ("lab fault: MachineError: libvirt went away",)


def test_the_death_of_qemu_is_inconclusive() -> None:
    trial = plus(MachineEvent(t_s=40, name="process-gone"))
    assert (trial.outcome, trial.blame) == (Outcome.INCONCLUSIVE, Blame.LAB)


def test_a_recording_that_was_cut_short_is_inconclusive() -> None:
    trial = judge_attempt(attempt(complete=False))
    assert (trial.outcome, trial.blame) == (Outcome.INCONCLUSIVE, Blame.LAB)
    assert "cut short" in trial.reasons[0]


def test_an_empty_recording_is_inconclusive() -> None:
    assert judge_attempt(attempt(None, [], complete=False)).outcome is Outcome.INCONCLUSIVE
    assert judge_attempt(attempt(None, [])).outcome is Outcome.INCONCLUSIVE


def test_a_crash_counts_though_the_recording_was_cut_short_or_the_lab_failed_after_it() -> None:
    assert judge_attempt(replace(crashed(), complete=False)).outcome is Outcome.FAILED
    assert judge_attempt(replace(faulted(), findings=(crash(t_s=29.0),))).outcome is Outcome.FAILED
    assert judge_attempt(replace(faulted(), findings=(crash(t_s=32.0),))).outcome is Outcome.FAILED


@pytest.mark.parametrize("kind", [FindingKind.LOST_CONNECTION, FindingKind.BOOT_FAILURE])
def test_silence_after_a_fault_of_the_lab_is_the_labs(kind: FindingKind) -> None:
    after = crash("silence", 45.0, kind=kind, channels=("heartbeat",))
    before = crash("silence", 20.0, kind=kind, channels=("heartbeat",))
    assert judge_attempt(replace(faulted(), findings=(after,))).outcome is Outcome.INCONCLUSIVE
    assert judge_attempt(replace(faulted(), findings=(before,))).outcome is Outcome.FAILED


def test_a_channel_that_failed_does_not_excuse_the_guests_silence() -> None:
    lost = crash("silence", 45.0, kind=FindingKind.LOST_CONNECTION, channels=("heartbeat",))
    assert (
        judge_attempt(replace(faulted(None, "ChannelError: timed out"), findings=(lost,))).outcome
        is Outcome.FAILED
    )


@pytest.mark.parametrize(
    ("outcome", "wanted"),
    [
        ("stopped", Outcome.INCONCLUSIVE),
        ("error", Outcome.INCONCLUSIVE),
        ("something new", Outcome.INCONCLUSIVE),
        ("skipped", Outcome.SKIPPED),
    ],
)
def test_a_scenario_that_did_not_complete_is_no_pass(outcome: str, wanted: Outcome) -> None:
    seen = [item for item in proven(cell()) if not (isinstance(item, Step) and item.name == "scenario")]
    assert judge_attempt(attempt(None, [*seen, step(58, "scenario", "end", outcome)])).outcome is wanted


def test_a_scenario_that_never_ended_is_no_pass() -> None:
    assert (
        without(lambda item: isinstance(item, Step) and item.phase == "end").outcome is Outcome.INCONCLUSIVE
    )


# -- scenarios that end otherwise ----------------------------------------------


def ending(ends_with: str, *more: Observation) -> AttemptRecord:
    seen = [item for item in proven(cell()) if not (isinstance(item, Step) and item.t_s == 1)]
    return attempt(None, [step(1, "scenario", "start", ends_with=ends_with), *seen, *more])


def test_a_roll_back_ends_with_the_installed_version() -> None:
    back = [step(20, "rollback", "start"), version(22, INSTALLED), healthy(23), exercised(24)]
    assert judge_attempt(ending("installed", *back)).outcome is Outcome.PASSED
    assert judge_attempt(ending("installed")).outcome is Outcome.INCONCLUSIVE


def test_a_roll_back_from_what_was_never_exercised_proves_nothing() -> None:
    record = ending(
        "installed", step(20, "rollback", "start"), version(22, INSTALLED), healthy(23), exercised(24)
    )
    seen = [item for item in record.observations if not (isinstance(item, Proof) and item.t_s == 15)]
    assert judge_attempt(replace(record, observations=seen)).outcome is Outcome.NOT_EXERCISED


def test_a_removal_needs_the_proof_that_nothing_is_left() -> None:
    def removed(*left: str) -> Proof:
        return Proof(t_s=40, what="removed", values={"leftovers": list(left)})

    assert judge_attempt(ending("removed", removed())).outcome is Outcome.PASSED
    assert judge_attempt(ending("removed", removed("/etc/demo"))).outcome is Outcome.INCONCLUSIVE
    assert judge_attempt(ending("removed")).outcome is Outcome.INCONCLUSIVE


def test_an_unknown_ending_asks_for_the_candidate() -> None:
    assert judge_attempt(ending("whatever")).outcome is Outcome.PASSED
    assert judge_attempt(ending("whatever", version(40, INSTALLED))).outcome is Outcome.INCONCLUSIVE


def hang(diagnosis: Diagnosis, kind: FindingKind = FindingKind.HANG, *, fatal: bool = True) -> Finding:
    title = f"guest hangs: {diagnosis}"
    return crash(title, kind=kind, diagnosis=diagnosis, fatal=fatal, channels=("heartbeat",), module="")


def test_a_hang_fails_as_a_crash_does() -> None:
    trial = judge_attempt(crashed(cell(), hang(Diagnosis.SPINNING)))
    assert (trial.outcome, trial.lab) == (Outcome.FAILED, False)


@pytest.mark.parametrize("diagnosis", [Diagnosis.STOPPED_BY_HOST, Diagnosis.HOST_OVERLOADED])
@pytest.mark.parametrize("fatal", [True, False])
@pytest.mark.parametrize("kind", [FindingKind.HANG, FindingKind.LOST_CONNECTION, FindingKind.BOOT_FAILURE])
def test_silence_that_the_host_caused_is_the_labs(
    diagnosis: Diagnosis, fatal: bool, kind: FindingKind
) -> None:
    finding = hang(diagnosis, kind, fatal=fatal)
    for record in (attempt(cell(), None, finding), crashed(cell(), finding), failed(cell())):
        trial = judge_attempt(replace(record, findings=(finding,)))
        assert (trial.outcome, trial.blame) == (Outcome.INCONCLUSIVE, Blame.LAB)
        assert "fault of the host" in trial.reasons[0]


def test_a_crash_on_an_overloaded_host_is_a_crash() -> None:
    both = (hang(Diagnosis.HOST_OVERLOADED, fatal=False), crash())
    assert judge_attempt(crashed(cell(), *both)).outcome is Outcome.FAILED


def test_a_hang_that_passed_is_no_proof_of_health() -> None:
    record = attempt(cell(), None, hang(Diagnosis.IDLE, fatal=False))
    assert judge_attempt(record).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    "kind",
    [
        FindingKind.WARNING,
        FindingKind.BUG,
        FindingKind.SANITIZER,
        FindingKind.LOCKDEP,
        FindingKind.LEAK,
        FindingKind.SLOW_BOOT,
        FindingKind.RECOVERY_SCREEN,
    ],
)
def test_a_complaint_does_not_fail_and_the_same_one_that_is_fatal_does(kind: FindingKind) -> None:
    complaint = crash("something", kind=kind, fatal=False)
    assert judge_attempt(attempt(cell(), None, complaint)).outcome is Outcome.PASSED
    assert judge_attempt(attempt(cell(), None, replace(complaint, fatal=True))).outcome is Outcome.FAILED


def test_what_was_suppressed_is_never_judged() -> None:
    noise = crash(suppressed="text about a crash elsewhere")
    assert judge_attempt(attempt(cell(), None, noise)).outcome is Outcome.PASSED


def test_a_counter_that_moved_once_and_later_stood_still_is_no_proof() -> None:
    """A counter that wraps makes an agent blind after it was seen at work."""
    trial = plus(version(40, cell().version), healthy(41), exercised(42, 7, 7))
    assert trial.outcome is Outcome.NOT_EXERCISED
    assert "stayed at 7, though it had moved before" in trial.reasons[0]


def feature(t_s: float, state: str = "on", *, proof_wanted: bool = True) -> Step:
    detail = {"name": "exec-events", "state": state, "proof_wanted": proof_wanted}
    return Step(t_s=t_s, name="feature", phase="end", outcome="done", detail=detail)


def feature_exercised(t_s: float, before: int, after: int) -> Proof:
    values = {"before": before, "after": after, "feature": "exec-events"}
    return Proof(t_s=t_s, what="exercised", values=values)


def test_a_feature_that_is_switched_on_must_be_exercised() -> None:
    assert plus(feature(20)).outcome is Outcome.NOT_EXERCISED
    assert "feature exec-events" in plus(feature(20)).reasons[0]
    assert plus(feature(20), feature_exercised(21, 3, 3)).outcome is Outcome.NOT_EXERCISED
    assert plus(feature(20), feature_exercised(21, 3, 4)).outcome is Outcome.PASSED
    assert plus(feature_exercised(19, 3, 4), feature(20)).outcome is Outcome.NOT_EXERCISED


def test_a_feature_that_is_off_or_declares_no_exercise_needs_no_proof() -> None:
    assert plus(feature(20, "off")).outcome is Outcome.PASSED
    assert plus(feature(20, proof_wanted=False)).outcome is Outcome.PASSED


def test_the_proof_of_a_feature_is_none_of_the_update() -> None:
    seen = [item for item in proven(cell()) if not (isinstance(item, Proof) and item.what == "exercised")]
    assert judge_attempt(attempt(None, [*seen, feature_exercised(15, 1, 2)])).outcome is Outcome.NOT_EXERCISED
