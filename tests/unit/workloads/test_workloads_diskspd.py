"""diskspd's XML, as its documentation and its own writer have it; no diskspd has run here."""

from __future__ import annotations

from pathlib import Path

from guest_of_paper import one_round

from lab.workloads import diskspd

REPORT = (Path(__file__).parent / "recorded/diskspd.xml").read_text()


def test_operations_of_all_threads_and_the_seconds_of_the_test_are_read() -> None:
    found = diskspd.read(one_round(ops=0, report=REPORT))
    assert (found.ops, found.seconds, found.errors, found.trouble) == (2000, 5.02, 0, "")


def test_percentiles_are_those_of_reads_and_writes_together() -> None:
    latency = diskspd.read(one_round(ops=0, report=REPORT)).latency
    assert latency.count == 2000
    assert latency.percentiles_ms() == {"p50": 0.45, "p90": 1.2, "p99": 2.5, "max": 12.345}


def test_words_before_the_report_do_not_matter() -> None:
    report = f"WARNING: Complete CPU utilization cannot currently be gathered\n{REPORT}"
    assert diskspd.read(one_round(ops=0, report=report)).ops == 2000


def test_a_report_that_is_cut_off_or_missing_is_trouble_and_not_a_zero() -> None:
    for report in (REPORT[: len(REPORT) // 2], "", "<Results></Results>"):
        found = diskspd.read(
            one_round(ops=0, exit_code=1, report=report, text="Error opening file: large.dat [5]")
        )
        assert found.trouble == "diskspd left no report (exit code 1): Error opening file: large.dat [5]"


def test_an_exit_code_beside_a_report_is_an_error_with_its_words() -> None:
    found = diskspd.read(
        one_round(ops=0, exit_code=1, report=REPORT, text="t[0] error during overlapped I/O")
    )
    assert (found.errors, found.said) == (1, ("t[0] error during overlapped I/O",))


def test_command_lines_ask_for_what_is_read_and_can_be_ended_early() -> None:
    for command in (diskspd.command(threads=2, target_mib=64), diskspd.synced(threads=1)):
        assert {"-L", "-Rxml", "-d{seconds}", "-yplab-load-{id}"} <= set(command.split())
