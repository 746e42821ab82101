"""Blame by comparison of the arms; attempts are never retried into a pass."""

from __future__ import annotations

from dataclasses import replace

import pytest
from attempting import (
    TITLE,
    TODAY,
    attempt,
    cell,
    crash,
    crashed,
    failed,
    faulted,
    proven,
)

from lab.model import (
    Arm,
    AttemptRecord,
    Blame,
    CellVerdict,
    Finding,
    FindingKind,
    GatePolicy,
    KnownIssue,
    Outcome,
    Proof,
    Signature,
)
from lab.verdict import judge

BASELINE = cell(Arm.BASELINE)
CANDIDATE = cell(Arm.CANDIDATE)


def verdicts(*records: AttemptRecord, policy: GatePolicy | None = None) -> dict[Arm, CellVerdict]:
    return {verdict.cell.arm: verdict for verdict in judge(records, policy or GatePolicy(), TODAY)}


def of_candidate(*records: AttemptRecord, policy: GatePolicy | None = None) -> CellVerdict:
    return verdicts(*records, policy=policy)[Arm.CANDIDATE]


def test_a_crash_of_the_candidate_alone_is_the_candidates() -> None:
    both = verdicts(attempt(BASELINE), crashed(CANDIDATE))
    assert both[Arm.BASELINE].outcome is Outcome.PASSED
    found = both[Arm.CANDIDATE]
    assert (found.outcome, found.blame) == (Outcome.FAILED, Blame.CANDIDATE)
    assert found.reasons[0].startswith(TITLE)
    assert "not on the released agent, which passed here" in found.reasons


def test_the_same_crash_on_both_arms_is_the_images() -> None:
    both = verdicts(crashed(BASELINE), crashed(CANDIDATE))
    assert {(item.outcome, item.blame) for item in both.values()} == {(Outcome.FAILED, Blame.IMAGE)}
    assert "also on the released agent" in both[Arm.CANDIDATE].reasons


def test_an_alternative_title_is_enough_to_be_the_same_bug() -> None:
    other = crash("general protection fault in demo_sensor_match")
    one = replace(crash(), signature=Signature(title=TITLE, alt_titles=("bad-access in demo_sensor_match",)))
    two = replace(
        other, signature=Signature(title=other.title, alt_titles=("bad-access in demo_sensor_match",))
    )
    assert of_candidate(crashed(BASELINE, one), crashed(CANDIDATE, two)).blame is Blame.IMAGE


def test_a_boot_loop_after_a_crash_that_the_baseline_has_too_is_the_images() -> None:
    loop = crash(f"boot loop after {TITLE}", kind=FindingKind.BOOT_LOOP)
    assert of_candidate(crashed(BASELINE), crashed(CANDIDATE, crash(), loop)).blame is Blame.IMAGE


def test_another_crash_than_the_baselines_is_the_candidates() -> None:
    found = of_candidate(crashed(BASELINE, crash("kernel BUG in ext4_x")), crashed(CANDIDATE))
    assert (found.outcome, found.blame) == (Outcome.FAILED, Blame.CANDIDATE)
    assert "the released agent failed here too, but otherwise" in found.reasons


def test_a_crash_of_the_baseline_alone_is_the_baselines() -> None:
    both = verdicts(crashed(BASELINE), attempt(CANDIDATE))
    assert both[Arm.BASELINE].blame is Blame.BASELINE
    assert both[Arm.CANDIDATE].outcome is Outcome.PASSED


def test_without_a_baseline_a_crash_is_still_the_candidates() -> None:
    found = of_candidate(crashed(CANDIDATE))
    assert (found.outcome, found.blame) == (Outcome.FAILED, Blame.CANDIDATE)
    assert "there is no result of the released agent to compare with" in found.reasons


def test_arms_are_compared_on_the_same_image_only() -> None:
    found = of_candidate(crashed(cell(Arm.BASELINE, "debian-11")), crashed(CANDIDATE))
    assert found.blame is Blame.CANDIDATE


def test_a_crash_of_the_baseline_in_another_repetition_counts_as_the_images() -> None:
    records = (crashed(cell(Arm.BASELINE, repetition=2)), attempt(BASELINE), crashed(CANDIDATE))
    assert of_candidate(*records).blame is Blame.IMAGE


def test_one_crash_in_several_repetitions_is_a_failed_cell() -> None:
    records = [attempt(cell(repetition=1)), crashed(cell(repetition=2)), attempt(cell(repetition=3))]
    assert sorted(item.outcome for item in judge(records, GatePolicy(), TODAY)) == [
        "failed",
        "passed",
        "passed",
    ]


@pytest.mark.parametrize(
    ("baseline", "blame"),
    [
        (attempt(BASELINE), Blame.CANDIDATE),
        (failed(BASELINE), Blame.SCENARIO),
        (faulted(BASELINE), Blame.UNKNOWN),
        (crashed(BASELINE), Blame.UNKNOWN),
    ],
)
def test_a_failed_assertion_is_blamed_by_what_the_other_arm_did(
    baseline: AttemptRecord, blame: Blame
) -> None:
    found = of_candidate(baseline, failed(CANDIDATE))
    assert (found.outcome, found.blame) == (Outcome.FAILED, blame)


def test_a_refused_update_is_the_candidates() -> None:
    refused = crash("update refused: content 291: no", kind=FindingKind.UPDATE_REFUSED, fatal=False)
    found = of_candidate(attempt(BASELINE), replace(failed(CANDIDATE), findings=(refused,)))
    assert (found.outcome, found.blame) == (Outcome.FAILED, Blame.CANDIDATE)
    assert found.reasons[0].startswith("update refused: content 291: no")


# -- several attempts ------------------------------------------------------------


def again(record: AttemptRecord) -> AttemptRecord:
    return replace(record, attempt=2, path=record.path.replace("a1", "a2"))


def test_a_pass_after_a_fault_of_the_lab_is_a_pass_that_says_so() -> None:
    found = of_candidate(faulted(CANDIDATE), again(attempt(CANDIDATE)))
    assert found.outcome is Outcome.PASSED
    assert found.reasons == ("after a new attempt: attempt 1: lab fault: MachineError: no",)
    assert len(found.attempts) == 2


def test_a_pass_after_a_crash_is_flaky() -> None:
    found = of_candidate(crashed(CANDIDATE), again(attempt(CANDIDATE)))
    assert found.outcome is Outcome.FLAKY
    assert any(TITLE in reason for reason in found.reasons)
    assert [finding.title for finding in found.findings] == [TITLE]


def test_a_crash_after_a_fault_of_the_lab_is_a_failure() -> None:
    assert of_candidate(faulted(CANDIDATE), again(crashed(CANDIDATE))).outcome is Outcome.FAILED


def test_only_faults_of_the_lab_are_inconclusive() -> None:
    found = of_candidate(faulted(CANDIDATE), again(faulted(CANDIDATE, "HostError: full")))
    assert (found.outcome, found.blame) == (Outcome.INCONCLUSIVE, Blame.LAB)
    assert found.reasons == ("lab fault: MachineError: no", "lab fault: HostError: full")


def test_a_pass_beside_an_unproven_attempt_is_flaky() -> None:
    seen = [item for item in proven(CANDIDATE) if not isinstance(item, Proof)]
    assert of_candidate(attempt(CANDIDATE, seen), again(attempt(CANDIDATE))).outcome is Outcome.FLAKY


# -- known issues ------------------------------------------------------------------


def known(**changes: str) -> GatePolicy:
    issue = KnownIssue(title="BUG: * in demo_sensor_match", until="2026-12-31", link="https://bugs.invalid/1")
    return GatePolicy(known_issues=(replace(issue, **changes),))  # type: ignore[arg-type]


def test_a_known_issue_excuses_until_its_date() -> None:
    found = of_candidate(attempt(BASELINE), crashed(CANDIDATE), policy=known())
    assert found.outcome is Outcome.KNOWN_ISSUE
    assert "known issue until 2026-12-31: https://bugs.invalid/1" in found.reasons
    assert of_candidate(crashed(CANDIDATE), policy=known(until=TODAY)).outcome is Outcome.KNOWN_ISSUE


def test_an_expired_issue_excuses_nothing_and_is_named() -> None:
    found = of_candidate(crashed(CANDIDATE), policy=known(until="2026-11-22"))
    assert found.outcome is Outcome.FAILED
    assert "the known issue 'BUG: * in demo_sensor_match' expired on 2026-11-22" in found.reasons


def test_an_issue_of_another_image_or_bug_excuses_nothing() -> None:
    assert of_candidate(crashed(CANDIDATE), policy=known(images="debian-11*")).outcome is Outcome.FAILED
    assert of_candidate(crashed(CANDIDATE), policy=known(title="kernel BUG*")).outcome is Outcome.FAILED


def test_a_second_unknown_bug_beside_a_known_one_fails() -> None:
    record = crashed(CANDIDATE, crash(), crash("kernel BUG in other"))
    assert of_candidate(record, policy=known()).outcome is Outcome.FAILED


def test_a_known_issue_excuses_the_boot_loop_it_causes() -> None:
    loop = crash(f"boot loop after {TITLE}", kind=FindingKind.BOOT_LOOP)
    assert of_candidate(crashed(CANDIDATE, crash(), loop), policy=known()).outcome is Outcome.KNOWN_ISSUE


def test_a_known_issue_does_not_hide_a_fault_of_the_lab_in_another_attempt() -> None:
    found = of_candidate(crashed(CANDIDATE), again(faulted(CANDIDATE)), policy=known())
    assert found.outcome is Outcome.INCONCLUSIVE


# -- what the verdict carries -----------------------------------------------------


def test_warnings_are_remarked_and_new_ones_are_called_new() -> None:
    warning = crash("WARNING in demo_init", kind=FindingKind.WARNING, fatal=False)
    found = of_candidate(attempt(BASELINE), attempt(CANDIDATE, None, warning))
    assert found.outcome is Outcome.PASSED
    assert found.reasons == ("also seen: WARNING in demo_init (demo_sensor) (new with the candidate)",)
    old = of_candidate(attempt(BASELINE, None, warning), attempt(CANDIDATE, None, warning))
    assert old.reasons == ("also seen: WARNING in demo_init (demo_sensor)",)


def test_boots_resets_and_duration_are_carried() -> None:
    record = replace(crashed(CANDIDATE), boots=4, unexpected_resets=3)
    found = of_candidate(record)
    assert (found.boots, found.unexpected_resets, found.duration_s) == (4, 3, 31.0)


def test_without_counts_the_findings_tell_the_least_number_of_resets() -> None:
    loop = crash("boot loop", kind=FindingKind.BOOT_LOOP, count=3, boot=4)
    found = of_candidate(crashed(CANDIDATE, loop))
    assert (found.boots, found.unexpected_resets) == (4, 3)


def test_no_attempts_are_no_verdicts() -> None:
    assert judge((), GatePolicy(), TODAY) == ()


def test_a_cell_that_recorded_nothing_has_a_verdict() -> None:
    found = of_candidate(attempt(CANDIDATE, [], complete=False))
    assert (found.outcome, found.blame, found.boots) == (Outcome.INCONCLUSIVE, Blame.LAB, 0)


def stop(module: str) -> Finding:
    alone = "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)"
    signature = Signature(title=f"{alone} in {module}", alt_titles=(alone,))
    return replace(crash(), kind=FindingKind.BUGCHECK, signature=signature, code=0x7E, module=module)


def test_another_driver_with_the_same_stop_code_is_another_bug() -> None:
    candidate, baseline = cell(), cell(Arm.BASELINE)
    verdicts = judge(
        [crashed(candidate, stop("csagent.sys")), crashed(baseline, stop("ntfs.sys"))], GatePolicy(), TODAY
    )
    assert verdicts[0].blame is Blame.CANDIDATE
    same = judge(
        [crashed(candidate, stop("ntfs.sys")), crashed(baseline, stop("ntfs.sys"))], GatePolicy(), TODAY
    )
    assert same[0].blame is Blame.IMAGE


def test_a_new_complaint_is_said_to_be_new_and_noise_is_not_mentioned() -> None:
    leak = crash("memory leak in demo_alloc", kind=FindingKind.LEAK, fatal=False)
    noise = crash("somebody's log", fatal=False, suppressed="printed by a program")
    candidate, baseline = cell(), cell(Arm.BASELINE)
    (verdict, _) = judge(
        [attempt(candidate, None, leak, noise), attempt(baseline, None)], GatePolicy(), TODAY
    )
    assert verdict.outcome is Outcome.PASSED
    assert any(
        "memory leak in demo_alloc" in one and "new with the candidate" in one for one in verdict.reasons
    )
    assert not any("somebody's log" in one for one in verdict.reasons)
    assert [finding.title for finding in verdict.findings] == ["memory leak in demo_alloc"]
