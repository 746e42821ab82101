"""Windows' own texts on a serial console, and texts that only look like them. All are made by the tests."""

from __future__ import annotations

import pytest
from consoles_written_by_tests import (
    ANALYSIS,
    BOOT_MANAGER,
    DEBUGGER,
    EMS,
    FIRMWARE,
    POST_MORTEM,
    REPAIR,
    RUN_TOGETHER,
    SAC_SESSION,
    SETUP_LOG,
    TEXT_SCREEN,
    read,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.detect.lines import LIMIT, Block
from lab.detect.windows.console import MOST, WindowsConsole
from lab.detect.windows.signs import BOOT, BOOT_EXAMPLE, FACTS, GOES_ON, NEEDLES, SIGNS, Fact, Sign
from lab.model import Finding, FindingKind

LINUX = b"[    0.000000] Linux version 6.1.0-28-amd64 (made up by a test)\n"
NMI = b"*** Hardware Malfunction\r\n\r\nCall your hardware vendor\r\n\r\n*** The system has halted ***\r\n"
HOST_LOG = (
    b"2024-07-19 04:09:12.506+0000: panic hyper-v: "
    b"arg1='0xef', arg2='0xffffe000', arg3='0x1', arg4='0x0', arg5='0x0'\n"
)
EVENT = (
    b"Description:\nThe computer has rebooted from a bugcheck.  The bugcheck was: 0x00000133 "
    b"(0x0000000000000001, 0x0000000000001e00, 0xfffff80512345678, 0x0000000000000000).\n"
)


def only(data: bytes) -> Finding:
    (finding,) = read(data)
    return finding


def test_the_xml_of_ems_tells_the_stop_code() -> None:
    finding = only(SAC_SESSION + EMS)

    assert (finding.kind, finding.code, finding.fatal) == (FindingKind.BUGCHECK, 0x7E, True)
    assert finding.title == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)"
    assert finding.channels == ("serial",)


def test_a_text_screen_tells_code_parameters_module_and_that_the_dump_was_written() -> None:
    finding = only(TEXT_SCREEN)

    assert finding.title == "DRIVER_IRQL_NOT_LESS_OR_EQUAL (0xD1) in testflt.sys"
    assert finding.parameters == (0x10, 2, 1, 0x8F3C1A20)
    assert finding.detail.endswith("its dump was written")


def test_the_byte_range_covers_the_text() -> None:
    before = b"something else\r\n" * 3
    (evidence,) = only(before + TEXT_SCREEN).evidence

    assert evidence.start == len(before)
    assert evidence.end == len(before) + len(TEXT_SCREEN)


def test_the_kernel_debugger_s_lines_tell_code_parameters_and_driver() -> None:
    finding = only(DEBUGGER)

    assert finding.title == "PAGE_FAULT_IN_NONPAGED_AREA (0x50) in testflt.sys"
    assert finding.parameters == (0xFFFFA30000001000, 0, 0xFFFFF8055C1A20EE, 2)


def test_several_texts_of_one_stop_are_one_finding() -> None:
    same = DEBUGGER.replace(b"0x00000050", b"0x0000007E")

    finding = only(same + EMS)

    assert (finding.code, finding.module) == (0x7E, "testflt.sys")
    assert finding.parameters[0] == 0xFFFFA30000001000


def test_two_stops_with_a_start_between_them_are_two_findings() -> None:
    assert [finding.code for finding in read(EMS + b"\r\n" + FIRMWARE + SAC_SESSION + EMS)] == [0x7E, 0x7E]


def test_another_code_is_another_finding() -> None:
    assert [finding.code for finding in read(DEBUGGER + TEXT_SCREEN)] == [0x50, 0xD1]


def test_a_minidump_form_is_the_stop_it_stands_for() -> None:
    assert only(b"*** Fatal System Error: 0x1000007e\n").code == 0x7E


def test_a_hard_error_s_stop_has_no_0x() -> None:
    finding = only(b"STOP: c000021a {Fatal System Error}\r\nThe system has been shut down.\r\n")

    assert finding.title == "WINLOGON_FATAL_ERROR (0xC000021A)"


def test_a_stop_without_a_code_is_still_a_stop() -> None:
    finding = only(TEXT_SCREEN[:150])

    assert (finding.kind, finding.code, finding.title) == (
        FindingKind.BUGCHECK,
        None,
        "bugcheck (code not told)",
    )


def test_an_unknown_code_keeps_its_number() -> None:
    assert only(b"*** STOP: 0x00000ABC (0x1,0x2,0x3,0x4)\r\n").title == "bugcheck 0xABC (unknown)"


def test_a_debugger_s_analysis_of_a_live_machine_is_a_stop() -> None:
    finding = only(ANALYSIS)

    assert (finding.code, finding.module, finding.suppressed) == (0x7E, "testflt.sys", "")
    assert finding.parameters[1] == 0xFFFFF8055C1A20EE


def test_a_debugger_s_analysis_of_a_dump_is_set_apart() -> None:
    finding = only(POST_MORTEM)

    assert finding.code == 0x7E
    assert "dump file" in finding.suppressed


def test_the_boot_manager_s_screen_is_read_through_cursor_movements() -> None:
    finding = only(FIRMWARE + BOOT_MANAGER)

    assert (finding.kind, finding.code, finding.fatal) == (FindingKind.BOOT_FAILURE, 0xC0000428, True)
    assert (
        finding.title
        == r"boot failure: STATUS_INVALID_IMAGE_HASH (0xC0000428) on \Windows\system32\drivers\testflt.sys"
    )
    assert finding.signature.alt_titles == ("boot failure: STATUS_INVALID_IMAGE_HASH (0xC0000428)",)
    assert "digital signature" in finding.detail


def test_the_boot_manager_s_screen_is_read_when_a_recorder_ran_it_together() -> None:
    finding = only(RUN_TOGETHER)

    assert finding.title == r"boot failure: STATUS_NO_SUCH_FILE (0xC000000F) on \Boot\BCD"


def test_recovery_is_a_recovery_screen_with_its_status() -> None:
    finding = only(REPAIR)

    assert (finding.kind, finding.code) == (FindingKind.RECOVERY_SCREEN, 0xC000000F)
    assert r"\Windows\system32\winload.efi" in finding.title


@pytest.mark.parametrize("text", [b"BOOTMGR is missing", b"BOOTMGR image is corrupt", b"NTLDR is missing"])
def test_a_boot_sector_without_its_loader_is_a_boot_failure(text: bytes) -> None:
    finding = only(b"Booting from Hard Disk...\r\n" + text + b"\r\nPress Ctrl+Alt+Del to restart\r\n")

    assert (finding.kind, finding.title) == (FindingKind.BOOT_FAILURE, f"boot failure: {text.decode()}")


def test_a_disk_that_the_boot_manager_cannot_read_is_a_boot_failure_with_its_status() -> None:
    found = only(
        b"                          Windows Boot Manager\r\n\r\n"
        b"Windows has encountered a problem communicating with a device connected to your computer.\r\n\r\n"
        b"    File: \\Boot\\BCD\r\n\r\n    Status: 0xc00000e9\r\n\r\n"
        b"    Info: An unexpected I/O error has occurred.\r\n"
    )
    assert found.kind is FindingKind.BOOT_FAILURE
    assert found.fatal
    assert found.code == 0xC00000E9


def test_a_file_that_the_old_loader_misses_is_named() -> None:
    found = only(
        b"Windows could not start because the following file is missing or corrupt:\r\n"
        b"\\WINDOWS\\SYSTEM32\\CONFIG\\SYSTEM\r\n\r\nYou can attempt to repair this file\r\n"
    )
    assert found.kind is FindingKind.BOOT_FAILURE
    assert "CONFIG" in found.title


def test_an_unfinished_shutdown_is_told_and_is_not_fatal() -> None:
    finding = only(b"Windows Error Recovery\r\nWindows did not shut down successfully.\r\n")

    assert (finding.kind, finding.fatal) == (FindingKind.RECOVERY_SCREEN, False)


def test_a_hardware_malfunction_may_also_be_known_as_a_stop() -> None:
    finding = only(NMI)

    assert finding.kind is FindingKind.BUGCHECK
    assert finding.signature.alt_titles == ("NMI_HARDWARE_FAILURE (0x80)",)


def test_a_host_s_log_and_the_event_log_tell_of_stops() -> None:
    assert only(HOST_LOG).code == 0xEF
    assert only(HOST_LOG).parameters == (0xFFFFE000, 1, 0, 0)
    assert (only(EVENT).code, only(EVENT).parameters[1]) == (0x133, 0x1E00)


@pytest.mark.parametrize(
    "data",
    [
        SAC_SESSION,
        SETUP_LOG,
        FIRMWARE,
        b"Windows failed to start\r\nno it did not\r\n",
        b"2024-07-19 04:09:12, Info  App  *** STOP: 0x0000007E (0x1,0x2,0x3,0x4)\r\n",
        b"> *** STOP: 0x0000007E (0x1,0x2,0x3,0x4)\r\n",
        b"    *** Fatal System Error: 0x0000007e\r\n",
        b"docs say: A problem has been detected and Windows has been shut down to prevent damage\r\n",
        b"*** STOP: see chapter 7\r\n",
        b"identifier {bootmgr}\r\ndescription Windows Boot Manager\r\n",
        LINUX + b"BOOTMGR is a file of Windows\n",
    ],
)
def test_healthy_text_is_not_taken_for_a_stop(data: bytes) -> None:
    assert read(data) == []


@pytest.mark.parametrize("text", [EMS, TEXT_SCREEN, DEBUGGER, NMI])
def test_what_a_linux_guest_prints_of_windows_is_a_file_of_somebody(text: bytes) -> None:
    assert read(LINUX + text) == []


def test_a_machine_that_goes_from_linux_to_windows_is_read_again() -> None:
    assert [finding.code for finding in read(LINUX + FIRMWARE + EMS)] == [0x7E]


def test_a_recorder_s_time_stamp_before_each_row_does_not_hide_a_stop() -> None:
    assert only(b"2024-07-19T04:09:12.123Z *** STOP: 0x0000007E (0x1,0x2,0x3,0x4)\r\n").code == 0x7E


def test_a_machine_that_stops_for_ever_does_not_fill_the_memory() -> None:
    assert len(read((DEBUGGER + FIRMWARE) * (MOST + 50))) == MOST


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.id)
def test_a_sign_finds_its_example_and_the_fast_search_does_too(sign: Sign) -> None:
    raw = sign.example.encode()

    assert sign.row.search(sign.example)
    assert sign.hot in raw
    found = [needle for needle in NEEDLES if needle in raw]
    assert any(needle not in GOES_ON or GOES_ON[needle].search(raw) for needle in found)
    assert sign.source


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.id)
def test_a_fact_finds_its_example(fact: Fact) -> None:
    assert fact.row.search(fact.example)
    assert fact.source


def test_a_machine_that_starts_is_recognised() -> None:
    assert BOOT.search(BOOT_EXAMPLE)


EVERYTHING = b"\r\n".join(
    (
        SAC_SESSION,
        EMS,
        FIRMWARE,
        TEXT_SCREEN,
        FIRMWARE,
        BOOT_MANAGER,
        DEBUGGER,
        POST_MORTEM,
        REPAIR,
        NMI,
        RUN_TOGETHER,
    )
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(min_value=1, max_value=len(EVERYTHING)), max_size=40))
def test_findings_do_not_depend_on_how_the_stream_is_cut(cuts: list[int]) -> None:
    assert read(EVERYTHING, tuple(cuts)) == read(EVERYTHING)


def test_a_word_that_the_limit_on_lines_cuts_in_two_counts_nowhere() -> None:
    data = b"." * (LIMIT - 8) + b"Linux version 6.1" + b"." * LIMIT + b"\n" + EMS

    assert [finding.code for finding in read(data)] == [0x7E]
    assert read(data, (LIMIT + 40,)) == read(data)


def test_findings_are_the_same_byte_by_byte() -> None:
    assert read(EVERYTHING, tuple(range(len(EVERYTHING)))) == read(EVERYTHING)


@settings(max_examples=80, deadline=None)
@given(
    pieces=st.lists(
        st.one_of(st.binary(max_size=80), st.sampled_from([s.example.encode() for s in SIGNS])), max_size=12
    ),
    joint=st.sampled_from([b"", b"\n", b"\r\n", b"\x1b[1;1H", b"*" * 3000]),
    cuts=st.lists(st.integers(min_value=1, max_value=5000), max_size=6),
)
def test_arbitrary_bytes_never_raise_and_never_depend_on_cuts(
    pieces: list[bytes], joint: bytes, cuts: list[int]
) -> None:
    data = joint.join(pieces)

    assert read(data, tuple(cuts)) == read(data)


def test_hostile_text_is_read_in_bounded_work() -> None:
    """Half a megabyte of almost-matches; a search that runs away would not come back."""
    console = WindowsConsole()
    for number, text in enumerate(
        (b"Windows failed to start ", b"*** STOP: 0x", b"(0x1,", b"File: \\", b"*** \n", b"\x1b[")
    ):
        data = text * (100_000 // len(text))
        console.feed(Block(0.0, number * 100_000, data + b"\n"))
    console.finish()


def test_the_version_grows_when_a_report_does() -> None:
    console, seen = WindowsConsole(), []
    for number, line in enumerate(DEBUGGER.splitlines(keepends=True)):
        console.feed(Block(0.0, number * 1000, line))
        seen.append(console.version)

    assert seen == sorted(seen)
    assert console.reports[0].ready
    assert console.reports[0].fatal
    assert seen[-1] > seen[0]
