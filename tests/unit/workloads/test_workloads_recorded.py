"""What real guests of the lab printed, read: `recorded/IMAGE-WORKLOAD.txt` is one look each.

stress-ng 0.12 (debian-11), 0.15 (debian-12), 0.22 (debian-sid); fio 3.25 and 3.41; busybox without either.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.workloads import fio, rounds, stressng
from lab.workloads.means import of_operations
from lab.workloads.rounds import Look, Round

RECORDED = Path(__file__).parent / "recorded"


def look(name: str) -> Look:
    return rounds.parse((RECORDED / f"{name}.txt").read_text())


def only_round(name: str) -> Round:
    (one,) = look(name).rounds
    return one


def altered(one: Round, **changes: object) -> Round:
    return replace(one, **changes)  # type: ignore[arg-type]


# -- the runner's own words ------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in RECORDED.glob("*.txt")))
def test_a_look_says_the_boot_it_was_in_and_the_guests_time(name: str) -> None:
    found = look(name)
    assert len(found.boot) == 36
    assert found.now_ns > 0


def test_a_round_is_read_with_its_operations_and_the_memory_that_was_left() -> None:
    one = only_round("tiny-files-open")
    assert (one.number, one.wanted_s, one.exit_code, one.errors) == (1, 2, 0, 0)
    assert one.ops == one.latency.count == 50
    assert one.available_mib is not None
    assert 100 < one.available_mib < 192
    assert one.seconds == pytest.approx(2.121, abs=0.001)
    assert of_operations(one).ops == one.ops


def test_a_guest_that_cannot_do_it_says_why() -> None:
    found = look("tiny-modules")
    assert found.state == "ended"
    assert found.reason.startswith("unusable none of the modules dummy")


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_a_look_that_is_cut_off_anywhere_gives_whole_rounds_or_none(cut: int) -> None:
    text = (RECORDED / "debian-12-network.txt").read_text()
    found = rounds.parse(text[: min(cut, len(text) - 1)])
    whole = rounds.parse(text)
    assert found.rounds in ((), whole.rounds)


def test_nothing_at_all_is_a_load_that_is_gone() -> None:
    found = rounds.parse("")
    assert (found.state, found.boot, found.rounds) == ("gone", "", ())


# -- stress-ng -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "bogo"), [("debian-11-cpu", 28), ("debian-12-network", 3613), ("debian-sid-timers", 71467)]
)
def test_bogo_operations_of_all_stressors_are_added_in_every_version(name: str, bogo: int) -> None:
    found = stressng.read(only_round(name))
    assert (found.ops, found.errors, found.trouble) == (bogo, 0, "")
    assert found.latency.count > 0


def test_the_time_is_that_of_the_stressors_without_the_start_of_their_tool() -> None:
    one = only_round("debian-11-cpu")
    found = stressng.read(one)
    assert one.wanted_s <= found.seconds <= one.seconds


def test_where_stress_ng_only_holds_memory_the_operations_beside_it_count() -> None:
    one = only_round("debian-12-memory")
    found = stressng.read_beside(one)
    assert (found.ops, found.trouble) == (one.ops, "")
    assert found.ops > 0
    assert stressng.read_beside(altered(one, report="")).trouble


def test_a_report_that_is_missing_or_cut_off_is_trouble_and_not_a_zero() -> None:
    one = only_round("debian-11-cpu")
    for report in ("", one.report[:200], "metrics: [", "- 1"):
        found = stressng.read(altered(one, report=report))
        assert found.trouble.startswith("stress-ng did nothing (exit code 0): info:")


@pytest.mark.parametrize(
    ("code", "says"), [(1, "its options are not understood"), (3, "out of resources"), (4, "not implemented")]
)
def test_exit_codes_that_mean_it_could_not_run_are_trouble(code: int, says: str) -> None:
    assert says in stressng.read(altered(only_round("debian-11-cpu"), exit_code=code)).trouble


def test_a_stressor_that_verified_and_found_something_is_an_error_with_its_words() -> None:
    text = "stress-ng: fail:  [12] vm: detected 3 bit errors while stressing memory"
    found = stressng.read(altered(only_round("debian-11-cpu"), exit_code=2, text=text))
    assert found.errors == 1
    assert found.said == ("fail:  [12] vm: detected 3 bit errors while stressing memory",)


# -- fio -------------------------------------------------------------------


def test_fio_counts_reads_and_writes_with_every_latency() -> None:
    found = fio.read(only_round("debian-11-files-large"))
    assert found.ops == found.latency.count == 2745
    assert found.seconds == pytest.approx(2.174)
    assert (found.errors, found.trouble) == (0, "")


def test_fio_counts_fsyncs_where_each_write_waits_for_one() -> None:
    found = fio.read_synced(only_round("debian-sid-files-sync"))
    assert found.ops == found.latency.count == 94
    worst = found.latency.percentiles_ms()["max"]
    assert worst == pytest.approx(600.7349)


def test_percentiles_from_fios_bins_are_fios_own() -> None:
    one = only_round("debian-sid-files-sync")
    own = one.report.partition('"sync" : ')[2]
    p50 = int(own.partition('"50.000000" : ')[2].partition(",")[0])
    assert fio.read_synced(one).latency.percentiles_ms()["p50"] == pytest.approx(p50 / 1e6, rel=0.02)


def test_errors_that_fio_went_on_from_are_counted() -> None:
    one = only_round("debian-11-files-large")
    report = one.report.replace('"total_err" : 0', '"total_err" : 12').replace(
        '"first_error" : 0', '"first_error" : 5'
    )
    found = fio.read(altered(one, report=report))
    assert (found.errors, found.said) == (12, ("errno 5",))


def test_a_warning_before_fios_report_does_not_matter() -> None:
    one = only_round("debian-11-files-large")
    assert fio.read(altered(one, report=f"fio: a warning\n{one.report}")).ops == fio.read(one).ops


def test_no_report_of_fio_is_trouble_with_its_last_words() -> None:
    one = only_round("debian-11-files-large")
    for report in ("", one.report[:500]):
        found = fio.read(
            altered(one, report=report, exit_code=1, text="fio: pid=1, err=28/No space left on device")
        )
        assert found.trouble == "fio left no report (exit code 1): fio: pid=1, err=28/No space left on device"
