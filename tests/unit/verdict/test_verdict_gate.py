"""May we ship? Zero needs proof, one needs evidence, four is everything else."""

from __future__ import annotations

from dataclasses import replace

from attempting import BAD, RELEASED, TITLE, cell, crash, verdict

from lab.model import Arm, Cell, CellVerdict, FindingKind, GateDecision, GatePolicy, Omitted, Outcome, Plan
from lab.model import CellId as Id
from lab.verdict import decide

IMAGES = ("debian-11", "debian-12", "debian-13", "sid", "uefi")
RED = (Outcome.FAILED, crash(), crash(f"boot loop after {TITLE}", 90.0, kind=FindingKind.BOOT_LOOP))


def cells(arm: Arm) -> list[Cell]:
    return [cell(arm, image) for image in IMAGES]


def board(*candidate: Outcome, baseline: Outcome = Outcome.PASSED) -> list[CellVerdict]:
    """One image per outcome, with its baseline."""
    found = [verdict(of, outcome) for of, outcome in zip(cells(Arm.CANDIDATE), candidate, strict=False)]
    return found + [verdict(cell(Arm.BASELINE, item.cell.image), baseline) for item in found]


def gate(
    verdicts: list[CellVerdict], policy: GatePolicy | None = None, *never: Cell, omitted: int = 0
) -> GateDecision:
    left_out = tuple(Omitted(id=Id(f"gone-{i}"), kind="unrunnable", reason="no TPM") for i in range(omitted))
    plan = Plan(cells=(*(item.cell for item in verdicts), *never), omitted=left_out)
    return decide(verdicts, plan, policy or GatePolicy())


def test_everything_green_ships() -> None:
    decision = gate(board(*[Outcome.PASSED] * 5))
    assert (decision.ship, decision.exit_code) == (True, 0)
    assert decision.sentence == (
        "Ship build 1.0 + content 291: 5 of 5 candidate cells passed on 5 OS builds; "
        "the released agent is green"
    )


def test_the_crash_of_july_2024_does_not_ship_and_is_named_in_one_sentence() -> None:
    verdicts = [verdict(of, *RED) for of in cells(Arm.CANDIDATE)]
    verdicts += [verdict(of) for of in cells(Arm.BASELINE)]
    decision = gate(verdicts)
    assert (decision.ship, decision.exit_code) == (False, 1)
    assert decision.sentence == (
        f"Do not ship build 1.0 + content 291: {TITLE} (demo_sensor) on 5 of 5 OS builds; "
        "the released agent is green"
    )


def test_the_most_widespread_bug_is_named_first() -> None:
    rare = crash("kernel BUG in rare", 1.0, module="")
    verdicts = [verdict(cell(image="debian-11"), Outcome.FAILED, rare)]
    verdicts += [verdict(cell(image=image), Outcome.FAILED, crash()) for image in ("debian-12", "sid")]
    decision = gate(verdicts, GatePolicy(require_baseline=False))
    assert f"{TITLE} (demo_sensor) on 2 of 3 OS builds; 1 more reason" in decision.sentence
    assert decision.reasons[1] == "kernel BUG in rare on 1 of 3 OS builds"


def test_a_refusal_does_not_ship() -> None:
    refused = crash(
        "update refused: content 291: no", kind=FindingKind.UPDATE_REFUSED, fatal=False, module=""
    )
    verdicts = [verdict(cell(), Outcome.FAILED, refused), verdict(cell(Arm.BASELINE))]
    decision = gate(verdicts)
    assert decision.exit_code == 1
    assert "update refused: content 291: no on 1 of 1 OS build" in decision.sentence


def test_a_failed_assertion_is_named_by_its_words() -> None:
    verdicts = [
        verdict(cell(), Outcome.FAILED, reason="the scenario failed: 1 != 2"),
        verdict(cell(Arm.BASELINE)),
    ]
    assert "the scenario failed: 1 != 2 on 1 of 1 OS build" in gate(verdicts).sentence


def test_one_failed_cell_outweighs_everything() -> None:
    decision = gate(board(Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE, baseline=Outcome.FAILED))
    assert decision.exit_code == 1


def test_nothing_at_all_is_no_decision() -> None:
    assert gate([]).exit_code == 4
    assert gate([], GatePolicy(min_cells=0, require_baseline=False)).exit_code == 4


def test_a_cell_that_never_ran_is_no_decision() -> None:
    decision = gate(board(Outcome.PASSED), None, cell(image="sid"))
    assert decision.exit_code == 4
    assert any(reason.startswith("never ran: sid_") for reason in decision.reasons)


def test_inconclusive_cells_are_tolerated_up_to_the_policy() -> None:
    verdicts = board(Outcome.PASSED, Outcome.INCONCLUSIVE)
    assert gate(verdicts).exit_code == 4
    assert gate(verdicts, GatePolicy(allow_inconclusive=1)).exit_code == 0


def test_a_candidate_that_was_not_exercised_does_not_ship() -> None:
    assert gate(board(Outcome.PASSED, Outcome.NOT_EXERCISED)).exit_code == 1


def test_flaky_does_not_ship_unless_the_policy_allows_it() -> None:
    verdicts = board(Outcome.PASSED, Outcome.FLAKY)
    assert gate(verdicts).exit_code == 1
    assert gate(verdicts, GatePolicy(allow_flaky=True)).exit_code == 0


def test_known_issues_do_not_close_the_gate_but_prove_nothing() -> None:
    decision = gate(board(Outcome.PASSED, Outcome.KNOWN_ISSUE))
    assert decision.exit_code == 0
    assert any(reason.startswith("known issue tolerated: debian-12_") for reason in decision.reasons)
    assert gate(board(Outcome.KNOWN_ISSUE)).exit_code == 4


def test_too_few_passed_cells_are_no_decision() -> None:
    decision = gate(board(Outcome.PASSED), GatePolicy(min_cells=2))
    assert decision.exit_code == 4
    assert "1 candidate cell passed (wanted at least 2)" in decision.sentence


def test_a_failing_baseline_makes_the_comparison_void() -> None:
    verdicts = [verdict(cell()), verdict(cell(Arm.BASELINE), Outcome.FAILED, crash())]
    decision = gate(verdicts)
    assert decision.exit_code == 4
    assert f"the released agent fails: {TITLE} (demo_sensor) on 1 OS build" in decision.sentence
    assert gate(verdicts, GatePolicy(require_baseline=False)).exit_code == 0


def test_a_missing_or_unproven_baseline_makes_the_comparison_void() -> None:
    assert gate([verdict(cell())]).exit_code == 4
    assert gate([verdict(cell())], GatePolicy(require_baseline=False)).exit_code == 0
    for outcome in (Outcome.INCONCLUSIVE, Outcome.FLAKY, Outcome.NOT_EXERCISED):
        assert gate(board(Outcome.PASSED, baseline=outcome)).exit_code == 4
    assert gate(board(Outcome.PASSED, baseline=Outcome.KNOWN_ISSUE)).exit_code == 0


def test_a_skipped_candidate_needs_no_baseline() -> None:
    verdicts = [*board(Outcome.PASSED), verdict(cell(image="debian-11", scenario="tpm"), Outcome.SKIPPED)]
    assert gate(verdicts).exit_code == 0


def test_an_os_build_on_which_everything_was_skipped_was_not_tested() -> None:
    verdicts = [*board(Outcome.PASSED), verdict(cell(image="sid"), Outcome.SKIPPED)]
    decision = gate(verdicts)
    assert decision.exit_code == 4
    assert decision.reasons[0] == "every scenario was skipped on sid"


def test_a_scenario_that_only_the_candidate_skips_is_no_pass() -> None:
    odd = cell(image="debian-11", scenario="tpm")
    twin = cell(Arm.BASELINE, "debian-11", "tpm")
    decision = gate([*board(Outcome.PASSED), verdict(odd, Outcome.SKIPPED), verdict(twin)])
    assert decision.exit_code == 4
    assert decision.reasons[0].startswith("skipped with the candidate alone, the released agent passed: deb")
    both = [verdict(odd, Outcome.SKIPPED), verdict(twin, Outcome.SKIPPED)]
    assert gate([*board(Outcome.PASSED), *both]).exit_code == 0


def test_a_candidate_that_is_the_released_agent_was_not_tested() -> None:
    same = [replace(item, cell=replace(item.cell, version=RELEASED)) for item in board(Outcome.PASSED)]
    decision = gate(same)
    assert decision.exit_code == 4
    assert decision.sentence.startswith(
        "No decision on build 1.0 + content 290: the candidate is the released agent: both arms have"
    )


def test_a_candidate_that_guests_had_before_was_never_an_update() -> None:
    verdicts = [replace(item, cell=replace(item.cell, installed=BAD)) for item in board(Outcome.PASSED)]
    decision = gate(verdicts)
    assert decision.exit_code == 4
    assert "they are updated from build 1.0 + content 291 to build 1.0 + content 291" in decision.reasons[0]


def test_a_flaky_crash_is_named() -> None:
    verdicts = [*board(Outcome.PASSED), verdict(cell(scenario="other"), Outcome.FLAKY, crash())]
    verdicts += [verdict(cell(Arm.BASELINE, scenario="other"))]
    assert gate(verdicts).reasons[0] == f"flaky: debian-12_other_candidate_1; {TITLE} (demo_sensor)"


def test_what_is_not_fatal_and_new_is_told_beside_the_decision() -> None:
    """A warning of the kernel that only the candidate brings ships nothing unseen."""
    new = crash("WARNING in demo_sensor_match", kind=FindingKind.WARNING, fatal=False)
    old = crash("WARNING in usb_submit_urb", kind=FindingKind.WARNING, fatal=False)
    verdicts = [verdict(cell(), Outcome.PASSED, new, old), verdict(cell(Arm.BASELINE), Outcome.PASSED, old)]
    decision = gate(verdicts)
    assert decision.exit_code == 0
    told = "seen with the candidate alone, though not fatal: WARNING in demo_sensor_match"
    assert decision.reasons == (told,)


def test_one_of_several_candidates_may_be_out_already() -> None:
    """Lists of builds and contents make all their pairs, the released one among them."""
    old = cell(repetition=2)
    verdicts = [*board(Outcome.PASSED), verdict(replace(old, version=RELEASED))]
    verdicts += [verdict(cell(Arm.BASELINE, repetition=2))]
    decision = gate(verdicts)
    assert decision.exit_code == 0
    assert f"the candidate is the released agent: both arms have {RELEASED}" in decision.reasons


def test_no_policy_tolerates_a_crash_because_another_attempt_passed() -> None:
    lax = GatePolicy(allow_flaky=True)
    shaky = [*board(Outcome.PASSED), verdict(cell(scenario="other"), Outcome.FLAKY)]
    shaky += [verdict(cell(Arm.BASELINE, scenario="other"))]
    assert gate(shaky, lax).exit_code == 0
    assert "allow_flaky is on: debian-12_other_candidate_1" in gate(shaky, lax).reasons
    crashed = [*shaky, verdict(cell(scenario="third"), Outcome.FLAKY, crash())]
    assert gate(crashed, lax).exit_code == 1


def test_what_policy_tolerates_and_what_was_left_out_as_a_whole_is_named() -> None:
    gone = Omitted(id=Id("w_x_y_candidate"), kind="unrunnable", reason="no TPM", image="win11-24h2")
    rule = Omitted(id=Id("old_x_y_candidate"), kind="excluded", reason="too old", image="debian-10")
    verdicts = [*board(Outcome.PASSED), verdict(cell(image="debian-11", scenario="b"), Outcome.INCONCLUSIVE)]
    verdicts += [verdict(cell(Arm.BASELINE, "debian-11", "b"))]
    plan = Plan(cells=tuple(item.cell for item in verdicts), omitted=(gone, rule))
    decision = decide(verdicts, plan, GatePolicy(allow_inconclusive=1))
    assert decision.exit_code == 0
    assert "allow_inconclusive is 1: debian-11_b_candidate_1" in decision.reasons
    assert "not tested, by a rule of lab.yaml; nothing at all of debian-10" in decision.reasons
    assert "not tested: 1 cell that cannot run here; nothing at all of win11-24h2" in decision.reasons


def test_cells_that_cannot_run_are_listed_and_close_the_gate_only_by_policy() -> None:
    decision = gate(board(Outcome.PASSED), omitted=2)
    assert decision.exit_code == 0
    assert "not tested: 2 cells that cannot run here" in decision.reasons
    assert gate(board(Outcome.PASSED), GatePolicy(allow_unrunnable=False), omitted=1).exit_code == 4


def left_out(kind: str, arm: Arm | None = Arm.CANDIDATE) -> GateDecision:
    verdicts = board(*[Outcome.PASSED] * 3)
    gone = Omitted(id=Id("sid_bios_update_candidate"), kind=kind, reason="the run was stopped", arm=arm)
    plan = Plan(cells=tuple(item.cell for item in verdicts), omitted=(gone,))
    return decide(verdicts, plan, GatePolicy())


def test_a_planned_candidate_cell_that_was_lost_on_the_way_is_no_decision() -> None:
    decision = left_out("not-run")
    assert decision.exit_code == 4
    assert "did not run: sid_bios_update_candidate; the run was stopped" in decision.reasons
    assert left_out("not-run", None).exit_code == 4


def test_what_the_user_did_not_select_is_said_but_does_not_close_the_gate() -> None:
    decision = left_out("unselected")
    assert decision.exit_code == 0
    assert "not tested: 1 cell that the selection left out" in decision.reasons
