"""What was covered, by level, fault and load: an effect that nobody saw covers nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import report_factories as make
import report_measured as measured

from lab.model import Arm, FaultMark, FaultPhase, Heartbeat, LoadMark, Step
from lab.report import coverage, html, reactions
from lab.report.cases import join


def covered(run: make.Run):
    return coverage.build(
        join(run.plan, run.verdicts, run.attempts), run.run.get("scenarios", {}), run.run.get("faults", ())
    )


@pytest.fixture(scope="module")
def run():
    return measured.measured(repetitions=2)


def test_every_level_is_there_with_its_scenarios_and_what_became_of_them(run):
    levels = {one.level: {item.name: item.state for item in one.scenarios} for one in covered(run).levels}
    assert levels == {
        "module": {},
        "component": {"fuzz-content": "not-planned"},
        "feature": {"power-sweep": "proven"},
        "product": {"content-update": "proven"},
        "production": {"soak": "proven"},
    }


@pytest.mark.parametrize(
    ("made", "state"),
    [("bad_update", "failed"), ("good_update", "proven"), ("lab_fault", "unproven"), ("mixed", "failed")],
)
def test_a_scenario_is_as_good_as_its_worst_candidate_cell(made, state):
    one = covered(getattr(make, made)())
    states = {item.state for level in one.levels for item in level.scenarios}
    assert state in states


def test_cells_that_never_ran_prove_nothing():
    run = make.good_update()
    run.verdicts.clear()
    run.attempts.clear()
    assert {one.state for level in covered(run).levels for one in level.scenarios} == {"not-run"}


def test_a_fault_counts_when_its_effect_was_seen(run):
    faults = {one.fault: one for one in covered(run).faults}
    disk, nmi = faults["disk-error"], faults["nmi"]
    assert (disk.injections, disk.proven, disk.failed, disk.left) == (2, 2, 0, 0)
    assert (nmi.injections, nmi.proven, nmi.failed) == (2, 0, 2)
    assert nmi.problem == "the console <said> nothing"


def test_kinds_that_no_cell_was_put_under_are_named(run):
    assert covered(run).untried == ("clock-forward", "dns-failure", "power-cut")


def test_a_fault_that_was_only_planned_was_not_tried():
    one = measured.repeated("debian-12", "power-sweep", Arm.CANDIDATE, 1)
    run = make.empty(faults=["power-cut"])
    make.passed(run, one)
    run.attempts[-1].observations.append(
        FaultMark(t_s=9.0, fault="power-cut", phase=FaultPhase.PLANNED, id="f")
    )
    (fault,) = covered(run).faults
    assert (fault.injections, covered(run).untried) == (0, ("power-cut",))


def test_a_fault_without_an_end_is_counted_as_left():
    run = make.empty()
    make.passed(run, measured.repeated("debian-12", "power-sweep", Arm.CANDIDATE, 1))
    run.attempts[-1].observations.append(FaultMark(t_s=9.0, fault="nic-down", phase=FaultPhase.INJECTED))
    assert covered(run).faults[0].left == 1


def test_loads_that_did_not_end_are_seen():
    run = make.empty()
    make.passed(run, measured.repeated("debian-12", "content-update", Arm.CANDIDATE, 1))
    marks = [
        LoadMark(t_s=9.0, workload="cpu", phase="start", id="a", intensity=0.5),
        LoadMark(t_s=10.0, workload="cpu", phase="end", id="a", intensity=0.5, errors=2),
        LoadMark(t_s=11.0, workload="cpu", phase="start", id="b", intensity=1.0),
    ]
    run.attempts[-1].observations.extend(marks)
    (load,) = covered(run).loads
    assert (load.runs, load.ended, load.errors, load.hardest) == (2, 1, 2, 1.0)


def test_the_page_names_what_was_not_covered(run):
    page = html.render(measured.doc(run))
    assert "Kinds of fault that no cell was put under: clock-forward, dns-failure, power-cut." in page
    assert "No scenario tests at this level." in page
    assert "not in this run" in page


def test_the_time_line_shows_faults_beside_boots_and_silences(run):
    (shown,) = reactions.build(join(run.plan, run.verdicts, run.attempts))
    assert shown.cell.endswith("power-sweep_candidate_r1")
    disk, nmi = shown.faults
    assert (disk.injected_s, disk.proven_s, disk.undone_s, disk.failed_s) == (36, 37, 42, None)
    assert (disk.parameters, disk.evidence) == ("rate 0.1", "3 write errors")
    assert (nmi.proven_s, nmi.failed_s) == (None, 45)
    assert len(shown.boots) == 2
    assert [(one.start_s, one.end_s) for one in shown.silences] == [(24.2, 60.0)]


def test_time_lines_of_failures_come_first_and_each_fault_once():
    run = make.empty()
    for number in range(30):
        one = measured.repeated("debian-12", "power-sweep", Arm.CANDIDATE, number)
        (make.crashed if number == 20 else make.passed)(run, one)
        run.attempts[-1].observations.append(
            FaultMark(t_s=9.0, fault=f"fault-{number % 3}", phase=FaultPhase.INJECTED)
        )
    shown = reactions.build(join(run.plan, run.verdicts, run.attempts))
    assert shown[0].outcome == "failed"
    assert len(shown) == 4


def test_silence_is_from_the_last_answer_to_the_next_and_needs_a_failed_try():
    def beat(t_s: float, *, ok: bool) -> Heartbeat:
        return Heartbeat(t_s=t_s, channel="agent", ok=ok)

    told = [beat(1, ok=False), beat(10, ok=True), beat(12, ok=False), beat(30, ok=True), beat(60, ok=True)]
    assert [(one.start_s, one.end_s) for one in reactions.silences(told)] == [(10, 30)]
    assert [(one.start_s, one.end_s) for one in reactions.silences([*told, beat(80, ok=False)])] == [
        (10, 30),
        (60, 80),
    ]
    assert reactions.silences([beat(1, ok=False)]) == ()


def test_a_sweep_of_power_cuts_names_every_step_and_the_unsafe_ones():
    run = make.good_update()
    record = next(one for one in run.attempts if one.cell.arm is Arm.CANDIDATE)
    seen = [
        Step(t_s=40.0, name="cut", phase="start", detail={"points": 4}),
        Step(t_s=41.0, name="cut", phase="end", outcome="safe", detail={"step": "stop"}),
        Step(t_s=42.0, name="cut", phase="end", outcome="unsafe", detail={"step": "select-content"}),
        Step(t_s=43.0, name="cut", phase="end", outcome="safe", detail={"step": "select-content"}),
    ]
    swept = replace(record, observations=(*record.observations, *seen))
    run.attempts[run.attempts.index(record)] = swept
    (one,) = covered(run).cuts
    assert (one.cell, one.planned) == (record.cell.id, 4)
    assert [(step.step, step.cuts, step.unsafe) for step in one.steps] == [
        ("stop", 1, 0),
        ("select-content", 2, 1),
    ]
    page = html.render(run.doc())
    assert "Power cuts during the update" in page
    assert "3 of 4" in page, "a sweep that was not finished says so"
