"""Loads from their start to their figures, on a guest of paper: what is recorded, and what is an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from guest_of_paper import PaperDriver, look, one_round

from lab.clock import Stopwatch
from lab.errors import InputError
from lab.model import Family, Figure, LoadMark, Observation
from lab.workloads import Activity, Load, LoadFailed, WorkloadDidNotRun, WorkloadUnusable
from lab.workloads import running as running_module
from lab.workloads.load import LONGEST_ROUND_S, ROUNDS, round_of
from lab.workloads.on_windows import WINDOWS
from lab.workloads.rounds import Look

ENDED = look("ended", one_round(1), one_round(2), reason="deadline")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_module, "LOOK_AGAIN_S", 0.0)


def load_on(driver: PaperDriver, seen: list[Observation] | None = None, **options: object) -> Load:
    record = (seen if seen is not None else []).append
    return Load(driver, Family.LINUX, record, Stopwatch(), **options)  # type: ignore[arg-type]


def marks(seen: list[Observation]) -> list[LoadMark]:
    return [one for one in seen if isinstance(one, LoadMark)]


def figures(seen: list[Observation]) -> dict[str, tuple[float, str]]:
    return {one.name: (one.value, one.better) for one in seen if isinstance(one, Figure)}


# -- what a load that runs tells -------------------------------------------


def test_a_load_is_recorded_from_start_to_end_with_what_its_intensity_came_to() -> None:
    seen: list[Observation] = []
    result = load_on(PaperDriver([look(), ENDED]), seen).run("files-open", intensity=0.5, for_s=10)
    start, end = marks(seen)
    assert (start.phase, end.phase) == ("start", "end")
    assert start.id == end.id
    assert start.intensity == 0.5
    assert start.detail["workers"] == 1
    assert (end.ops, end.ops_per_s, end.errors) == (20, 2.0, 0)
    assert result.ops_per_s == 2.0
    assert result.rates == (2.0, 2.0)


def test_throughput_and_the_99th_percentile_become_figures_with_their_direction() -> None:
    seen: list[Observation] = []
    many = look("ended", one_round(1, ops=100), reason="deadline")
    load_on(PaperDriver([look(), many]), seen).run("files-open")
    assert figures(seen) == {"files-open.ops_per_s": (20.0, "higher"), "files-open.p99_ms": (2.0, "lower")}


def test_too_few_operations_make_no_figure_of_a_percentile() -> None:
    seen: list[Observation] = []
    load_on(PaperDriver([look(), ENDED]), seen).run("files-open")
    assert list(figures(seen)) == ["files-open.ops_per_s"]


def test_times_grow_with_the_hosts_factor() -> None:
    driver = PaperDriver([look(), ENDED])
    load_on(driver, factor=4.0).run("files-open", for_s=10)
    assert driver.times == (40, 8)


@pytest.mark.parametrize(("for_s", "round_s"), [(2, 5), (20, 5), (100, 20), (86_400, LONGEST_ROUND_S)])
def test_a_load_is_divided_into_rounds_neither_too_short_nor_too_long(for_s: int, round_s: int) -> None:
    assert round_of(for_s, ROUNDS, 5) == round_s


def test_a_load_beside_a_block_has_rounds_that_end_within_it() -> None:
    driver = PaperDriver([look(), ENDED])
    with load_on(driver).running("files-open"):
        assert driver.times == (600, 10)


def test_rounds_are_taken_over_once_however_often_they_are_shown() -> None:
    driver = PaperDriver([look("running", one_round(1)), look("running", one_round(1)), ENDED])
    with load_on(driver).running("files-open") as running:
        assert running.sample().ops == 10
    assert running.result is not None
    assert running.result.ops == 20


def test_a_sample_says_what_was_done_since_the_one_before() -> None:
    seen: list[Observation] = []
    fast = look("running", one_round(2, ops=50))
    driver = PaperDriver([look("running", one_round(1)), look("running"), fast, ENDED])
    with load_on(driver, seen).running("files-open") as running:
        first, second = running.sample(), running.sample()
    assert (first.ops, first.ops_per_s) == (10, 2.0)
    assert (second.ops, second.ops_per_s) == (60, 10.0)
    assert [mark.phase for mark in marks(seen)] == ["start", "sample", "sample", "end"]


def test_what_the_agent_counted_meanwhile_is_in_the_result() -> None:
    counts = iter([100, 119])
    activity = Activity(command=lambda: "probe", count=lambda: next(counts))
    driver = PaperDriver([look(), ENDED])
    result = load_on(driver, activity=activity).run("agent-activity")
    assert result.seen == 19
    assert driver.task is not None
    assert driver.task.settings["activity"] == "probe"


def test_nothing_of_a_load_stays_in_the_guest() -> None:
    driver = PaperDriver([look(), ENDED])
    load_on(driver).run("files-open")
    assert driver.asked[-2:] == ["stop", "tidy"]


# -- what is not a load ----------------------------------------------------


def ended(reason: str, *rounds: object) -> Look:
    return look("ended", *rounds, reason=reason)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("last", "says"),
    [
        (look("gone", boot=""), "the guest has restarted since"),
        (look("gone", log="sh: syntax error"), r"was killed in the guest \(sh: syntax error\)"),
        (ended("failed exit code 1 after 20 ms: no such option", one_round()), "exit code 1 after 20 ms"),
        (ended("killed", one_round()), "ended in the guest: killed"),
        (ended("deadline", one_round(ops=0)), "did nothing"),
        (ended("deadline", one_round(seconds=1.0)), "was at work for 1.0 of 5 s"),
        (ended("stopped"), "stopped before its first round"),
        (
            look("ended", one_round(), reason="stopped", stuck="17 18"),
            "cannot be killed in the guest: processes 17",
        ),
    ],
    ids=["restarted", "killed", "broke-off", "terminated", "idle", "short", "no-round", "stuck"],
)
def test_a_load_that_did_not_really_run_is_an_error_and_never_a_figure(last: Look, says: str) -> None:
    seen: list[Observation] = []
    driver = PaperDriver([look(), last])
    with pytest.raises(WorkloadDidNotRun, match=says):
        load_on(driver, seen).run("files-open")
    assert figures(seen) == {}
    assert marks(seen)[-1].detail["trouble"]
    assert "tidy" in driver.asked


def test_a_load_that_shows_no_work_is_ended_and_an_error() -> None:
    driver = PaperDriver([look(processes=0, cpu_s=0.0)])
    with pytest.raises(WorkloadDidNotRun, match="showed no sign of work"):
        load_on(driver, factor=0.001).run("files-open")
    assert driver.asked[-2:] == ["stop", "tidy"]


def test_memory_that_was_not_taken_is_an_error() -> None:
    report = "metrics:\n  - stressor: vm\n    bogo-ops: 5\n    wall-clock-time: 5.0\n"
    driver = PaperDriver([look(), ended("deadline", one_round(available_mib=390, report=report))])
    with pytest.raises(WorkloadDidNotRun, match="took no memory: 390 MiB were left of 400"):
        load_on(driver).run("memory")


def test_a_load_of_memory_has_only_started_when_the_memory_is_gone() -> None:
    driver = PaperDriver([look(available_mib=390), look(available_mib=390), look(available_mib=120), ENDED])
    load_on(driver).started("memory")
    assert driver.asked.count("look 0") == 3


def test_a_stopped_load_may_end_in_the_middle_of_a_round() -> None:
    driver = PaperDriver([look(), ended("stopped", one_round(1), one_round(2, seconds=0.3))])
    with load_on(driver).running("files-open") as running:
        pass
    assert running.result is not None


def test_a_load_whose_operations_all_fail_is_the_guests_failure() -> None:
    driver = PaperDriver([look(), ended("deadline", one_round(ops=0, errors=7))])
    with pytest.raises(LoadFailed, match="'files-open': all 7 operations failed: 3 refused"):
        load_on(driver).run("files-open")


def test_errors_beside_successes_are_counted_and_not_raised() -> None:
    driver = PaperDriver([look(), ended("deadline", one_round(ops=5, errors=2))])
    result = load_on(driver).run("files-open")
    assert (result.ops, result.errors, result.said) == (5, 2, ("3 refused",))


def test_a_guest_that_cannot_do_it_is_told_apart_from_a_load_that_broke_off() -> None:
    driver = PaperDriver([ended("unusable none of the modules can be loaded")])
    with pytest.raises(WorkloadUnusable, match="'modules': this guest cannot: none of the modules"):
        load_on(driver).run("modules")


def test_a_missing_program_is_named_with_its_remedy_and_nothing_is_started() -> None:
    driver = PaperDriver([ENDED], missing=("stress-ng",))
    with pytest.raises(WorkloadUnusable, match="'threads': the guest has no stress-ng") as caught:
        load_on(driver).run("threads")
    assert "`packages:` in images/NAME.yaml" in (caught.value.hint or "")
    assert "start" not in driver.asked


def test_where_the_better_tool_is_missing_the_shell_does_it_and_the_recording_says_so() -> None:
    seen: list[Observation] = []
    result = load_on(PaperDriver([look(), ENDED], missing=("stress-ng",)), seen).run("cpu")
    assert result.means == "shell"
    assert marks(seen)[0].detail["means"] == "shell"


def test_activity_without_an_agent_is_refused() -> None:
    with pytest.raises(InputError, match="there is no agent in this guest"):
        load_on(PaperDriver([ENDED])).run("agent-activity")


def test_known_names_are_those_of_the_family() -> None:
    windows = Load(PaperDriver([ENDED]), Family.WINDOWS, [].append, Stopwatch())
    assert set(windows.known()) == set(WINDOWS)
    assert "pauses" in load_on(PaperDriver([ENDED])).known()


# -- leaving the block -----------------------------------------------------


def test_an_error_in_the_block_ends_the_load_and_is_what_is_raised() -> None:
    driver = PaperDriver([look(), ended("deadline", one_round(ops=0))])
    with pytest.raises(ValueError, match="the block's own"), load_on(driver).running("files-open"):
        raise ValueError("the block's own")
    assert "stop" in driver.asked


def test_an_interrupted_scenario_does_not_talk_to_the_guest_again() -> None:
    driver = PaperDriver([look()])
    with pytest.raises(KeyboardInterrupt), load_on(driver).running("files-open"):
        raise KeyboardInterrupt
    assert "stop" not in driver.asked


def test_scripts_that_guests_get_are_shipped_beside_the_code() -> None:
    here = Path(running_module.__file__).parent
    assert {path.name for path in here.glob("*/*.*") if path.suffix in (".sh", ".ps1")} == {
        "load.sh", "ops.sh", "load.ps1", "run.ps1", "ops.ps1",
    }  # fmt: skip
