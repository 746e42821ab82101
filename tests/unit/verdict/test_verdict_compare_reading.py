"""Recordings of both arms become pairs of numbers: which, of which runs, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from attempting import BAD, RELEASED, attempt, cell, crashed, proven, step, verdict

from lab.model import Arm, Figure, Heartbeat, LoadMark, Observation, Outcome, Sample, TestPlan
from lab.verdict.compare.deciding import compare_all
from lab.verdict.compare.meanings import meaning_of, memory_limit
from lab.verdict.compare.reading import read_run, results


def run(*more: Observation, outcome: Outcome = Outcome.PASSED, arm: Arm = Arm.CANDIDATE):
    return read_run(attempt(cell(arm), [*proven(cell(arm)), *more]), outcome)


def samples(count: int = 20, every_s: float = 180.0, **values: float) -> list[Sample]:
    """A value rises by its rate with every sample."""
    return [
        Sample(
            t_s=20 + n,
            guest_s=60 + n * every_s,
            values={name: 100 + n * rate for name, rate in values.items()},
        )
        for n in range(count)
    ]


def test_an_update_takes_as_long_as_its_step():
    assert run().figures["update_s"].value == 2.0
    assert run().figures["update_s"].unit == "s"


def test_only_reboots_after_the_update_count_as_boot_time():
    """Before it both arms run the installed version."""
    before, after = (
        step(t_s, "reboot", "end", "completed", boot_s=seconds) for t_s, seconds in ((9, 5), (30, 8))
    )
    assert run(before, after).figures["boot_s"].value == 8.0
    assert "boot_s" not in run(before).figures


def test_an_installation_that_came_with_a_clone_is_no_measurement():
    warm = [step(2, "install", "start"), step(2.1, "install", "end", "completed", warm=True)]
    assert "install_s" not in run(*warm).figures


def test_loads_give_throughput_and_latency():
    end = LoadMark(
        t_s=40,
        workload="files-small",
        phase="end",
        ops=100,
        ops_per_s=50.0,
        latency_ms={"p50": 2.0, "p99": 9.0},
    )
    figures = run(replace(end, phase="sample", ops_per_s=1.0), end).figures
    assert (figures["files-small.ops_per_s"].value, figures["files-small.ops_per_s"].better) == (
        50.0,
        "higher",
    )
    assert (figures["files-small.p50_ms"].value, figures["files-small.p99_ms"].value) == (2.0, 9.0)


def test_a_load_that_did_nothing_is_no_figure_of_zero():
    assert not [name for name in run(LoadMark(t_s=40, workload="cpu", phase="end")).figures if "cpu" in name]


def test_what_the_scenario_measured_is_taken_as_told():
    told = [Figure(t_s=20 + n, name="open_us", value=n, unit="us", better="lower") for n in (1.0, 3.0, 8.0)]
    odd = Figure(t_s=30, name="odd", value=1.0, better="sideways")
    figures = run(*told, odd).figures
    assert (figures["open_us"].value, figures["open_us"].unit) == (3.0, "us")
    assert figures["odd"].better == "lower"


def test_answers_are_counted_from_the_update_on():
    waits = [
        Heartbeat(t_s=t_s, channel="ssh", ok=True, latency_s=0.5 if t_s < 12 else 0.02)
        for t_s in range(5, 30)
    ]
    assert run(*waits).figures["ssh.answer_ms"].value == 20.0
    assert "ssh.answer_ms" not in run(*waits[:9]).figures


def test_samples_become_amounts_rates_and_series():
    made = run(
        *samples(agent_rss_kib=1.0, kernel_lines=2.0, agent_cpu_ms=36.0, memory_total_kib=0.0, strange=1.0)
    )
    assert made.figures["agent_rss_kib"].value == pytest.approx(109.5)
    assert made.figures["kernel_lines_per_h"].value == pytest.approx(40.0)
    assert made.figures["agent_cpu_ms_per_s"].value == pytest.approx(0.2)
    assert list(made.growing) == ["agent_rss_kib"]
    assert made.growing["agent_rss_kib"].limit is None
    assert made.growing["agent_rss_kib"].series.hours[1] == pytest.approx(0.0667, abs=0.001)
    assert not {"strange", "memory_total_kib"} & set(made.figures)


def test_growth_ends_where_the_memory_that_was_to_spare_at_the_end_is_gone():
    """Not at all of the guest's memory: others have theirs of it."""
    made = run(*samples(agent_rss_kib=1.0, memory_available_kib=-1.0, memory_total_kib=1000.0))
    assert made.growing["agent_rss_kib"].limit == 117 + 83


def test_a_leak_is_bounded_by_the_memory_of_the_candidates_guest_not_the_released_agents():
    cells = [cell(arm, scenario="soak") for arm in Arm]
    rates = {Arm.BASELINE: 0.0, Arm.CANDIDATE: 2.0}
    attempts = [
        attempt(one, [*proven(one), *samples(slab_kib=rates[one.arm], memory_available_kib=-rates[one.arm])])
        for one in cells
    ]
    made = compare_all(results([verdict(one) for one in cells], attempts), TestPlan())
    (slab,) = [one for one in made if one.kind == "slope" and one.name == "slab_kib"]
    assert slab.exhausted_h is not None
    typical_h, _ = slab.exhausted_h
    assert typical_h == pytest.approx(66 / 40, rel=0.05)  # 66 KiB to spare at the end, 2 every three minutes


def soaked(number: int, count: int, rate: float, *, complete: bool = True, gap_s: float = 0.0):
    """An attempt of a soak: the second goes on with the first, which was cut short."""
    one = cell(scenario="soak")
    note = [step(0.5, "resumed", "note", after=number - 1, gap_s=gap_s, sampled_s=60.0)] if gap_s else []
    seen = [*note, *proven(one), *samples(count=count, agent_rss_kib=rate), step(57, "soak", "end")]
    return attempt(one, seen, number=number, complete=complete)


def test_a_resumed_soak_is_compared_by_the_longest_life_of_a_guest():
    """What the rest alone was sampled is too short to show a leak, and both at once is no line."""
    first, rest = soaked(1, 30, 5.0, complete=False), soaked(2, 6, 1.0, gap_s=12.0)
    made = read_run(rest, Outcome.PASSED, before=[first])
    series = made.growing["agent_rss_kib"].series
    assert len(series.values) == 30
    assert series.values[-1] - series.values[-2] == 5.0
    assert "agent_rss_kib" not in read_run(rest, Outcome.PASSED).growing


def test_lives_that_ended_and_began_at_like_uptimes_are_two():
    first, rest = soaked(1, 15, 5.0, complete=False), soaked(2, 15, 1.0, gap_s=12.0)
    later = [
        replace(one, guest_s=one.guest_s + 9e5) if isinstance(one, Sample) else one
        for one in rest.observations
    ]
    series = read_run(replace(rest, observations=tuple(later)), Outcome.PASSED, before=[first]).growing
    assert len(series["agent_rss_kib"].series.values) == 15


def test_an_attempt_that_began_anew_does_not_speak_of_the_one_before():
    first, again = soaked(1, 30, 5.0, complete=False), soaked(2, 20, 1.0)
    assert len(read_run(again, Outcome.PASSED, before=[first]).growing["agent_rss_kib"].series.values) == 20


def test_few_samples_are_a_figure_and_no_slope():
    made = run(*samples(count=4, agent_rss_kib=1.0))
    assert "agent_rss_kib" in made.figures
    assert not made.growing


def test_a_reboot_in_a_soak_starts_a_new_stretch_and_the_longest_counts():
    first, second = samples(count=5, agent_rss_kib=50.0), samples(count=20, agent_rss_kib=1.0)
    later = [replace(one, t_s=one.t_s + 30) for one in second]
    series = run(*first, *later).growing["agent_rss_kib"].series
    assert len(series.values) == 20
    assert list(series.hours) == sorted(series.hours)


def test_a_counter_that_was_reset_has_no_rate():
    assert "kernel_lines_per_h" not in run(*samples(kernel_lines=-1.0)).figures


@pytest.mark.parametrize(
    ("outcome", "failed"),
    [
        (Outcome.FAILED, True),
        (Outcome.FLAKY, True),
        (Outcome.KNOWN_ISSUE, True),
        (Outcome.PASSED, False),
        (Outcome.INCONCLUSIVE, None),
        (Outcome.NOT_EXERCISED, None),
        (Outcome.SKIPPED, None),
    ],
)
def test_only_a_run_that_passed_gives_figures(outcome, failed):
    made = run(*samples(agent_rss_kib=1.0), outcome=outcome)
    assert made.failed is failed
    assert bool(made.figures) is bool(made.growing) is (outcome is Outcome.PASSED)


def test_twins_become_pairs_in_the_order_of_repetitions():
    cells = [cell(arm, repetition=number) for number in (2, 1, 3) for arm in Arm]
    verdicts = [verdict(one) for one in cells if (one.arm, one.repetition) != (Arm.BASELINE, 3)]
    (place,) = results(verdicts, [attempt(one) for one in cells])
    assert (place.image, place.scenario, place.version) == ("debian-12", "content-update", "")
    assert [pair.repetition for pair in place.pairs] == [1, 2]


def test_the_order_of_verdicts_and_attempts_does_not_matter():
    cells = [cell(arm, image, repetition=n) for image in ("a", "b") for n in (1, 2) for arm in Arm]
    verdicts, attempts = [verdict(one) for one in cells], [attempt(one) for one in cells]
    assert results(verdicts, attempts) == results(verdicts[::-1], attempts[::-1])


def test_twins_on_different_hosts_are_no_pair_of_numbers():
    """Their figures are lost and not left out, so that somebody reads of it; failures still count."""
    cells = [cell(Arm.BASELINE), cell(Arm.CANDIDATE)]
    attempts = [
        replace(attempt(one), facts={"host": {"uri": f"qemu+ssh://host-{number}/system"}})
        for number, one in enumerate(cells)
    ]
    (place,) = results([verdict(one) for one in cells], attempts)
    made = {one.name: one for one in compare_all([place], TestPlan())}
    assert (made["update_s"].pairs, made["update_s"].lost) == (0, 1)
    assert made["crashes"].pairs == 1


def test_several_candidates_are_compared_each_for_itself():
    other = replace(cell(Arm.CANDIDATE), id="other", version=RELEASED)
    cells = [cell(Arm.BASELINE), cell(Arm.CANDIDATE), other]
    places = results([verdict(one) for one in cells], [attempt(one) for one in cells])
    assert {place.version for place in places} == {str(BAD), str(RELEASED)}


def test_the_last_attempt_of_a_cell_speaks():
    one = cell(Arm.CANDIDATE)
    attempts = [attempt(cell(Arm.BASELINE)), crashed(one, number=1), attempt(one, number=2)]
    verdicts = [verdict(cell(Arm.BASELINE)), verdict(one)]
    (place,) = results(verdicts, attempts[::-1])
    assert place.pairs[0].candidate.figures["update_s"].value == 2.0


def test_names_have_meanings_by_pattern():
    assert meaning_of("memory_available_kib").better == "higher"
    assert meaning_of("agent_handles").amount
    assert meaning_of("agent_events") == meaning_of("cpu_busy_ticks")
    assert memory_limit("slab_kib", [10.0, 30.0], [60.0, 40.0]) == 70.0
    assert memory_limit("slab_kib", [30.0], []) is None
    assert memory_limit("agent_handles", [30.0], [40.0]) is None
