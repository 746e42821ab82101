"""What reads like trouble and is none: healthy messages, words in names, and logs that somebody shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reports_written_by_tests import WRITTEN, Written
from test_detect_linux_dressed import console, in_syslog, in_syslog_stamped, levelled, stamped
from test_detect_linux_reports import read

from lab.detect import Detectors
from lab.detect.logs import LogVerdict, log_verdict
from lab.model import DetectSettings, FindingKind, SerialChunk

HERE = Path(__file__).parent
HARMLESS = [line for line in (HERE / "harmless.txt").read_text().splitlines() if line and line[0] != "#"]
BOOT = ["Linux version 6.12.1-demo (demo@demo)", *(f"demo: device {n} is ready" for n in range(12))]
PROMPT = "\ndemo login: root\nroot@demo:~# "
SHOWN = [report for report in WRITTEN if report.kind is not FindingKind.OOM]


def verdict(data: bytes) -> LogVerdict:
    detectors = Detectors(DetectSettings())
    detectors.feed(SerialChunk(t_s=0.0, start=0, data=data))
    detectors.finish(0.0)
    return log_verdict(detectors.findings, detectors.boots)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_sounds_bad_is_nothing(text: str) -> None:
    boot = console(BOOT)
    assert verdict(boot + stamped(30000, text).encode() + b"\n") is LogVerdict.HEALTHY
    assert verdict(boot + PROMPT.encode() + text.encode() + b"\n") is LogVerdict.HEALTHY


@pytest.mark.parametrize(
    "text",
    [
        "error: no such device: 6f2a1d3e-demo.",
        "error: file `/boot/grub/fonts/unicode.pf2' not found.",
        "error: no suitable video mode found.\nBooting in blind mode",
        "error: ../../grub-core/kern/fs.c:123:unknown filesystem.",
        "error: can't find command `hwmatch'.",
        "Boot failed: could not read the boot disk",
        "PXE-E61: Media test failure, check cable",
        'BdsDxe: failed to load Boot0001 "UEFI QEMU DVD-ROM" from PciRoot(0x0): Not Found',
        "EFI stub: ERROR: FIRMWARE BUG: kernel image not aligned on 64k boundary",
    ],
)
def test_a_boot_loader_that_complains_and_boots_is_healthy(text: str) -> None:
    boot = console([*BOOT, "reached the end"])
    assert verdict(text.encode() + b"\n" + boot + PROMPT.encode()) is LogVerdict.HEALTHY


def test_a_mount_that_fails_long_after_the_boot_is_no_failed_boot() -> None:
    data = console(BOOT) + b"\ndemo login: \n[FAILED] Failed to mount /mnt/backup.\n"
    assert verdict(data) is LogVerdict.HEALTHY


@pytest.mark.parametrize(
    "text", ["error: no such device: demo0", "error: file '/tmp/demo' not found", "error: out of memory"]
)
def test_what_boot_loaders_say_too_is_no_failed_boot_while_the_system_runs(text: str) -> None:
    up = console(BOOT) + b"\ndemo login: root\nroot@demo:~# demo\n"
    assert verdict(up + text.encode() + b"\n") is LogVerdict.HEALTHY
    down = up + b"[  200.000000] reboot: Restarting system\n"
    assert verdict(down + b"error: no such device: demo0\n") is LogVerdict.BOOT_FAILURE


def test_a_halt_that_was_asked_for_is_no_failure() -> None:
    assert verdict(console([*BOOT, "System halted."])) is LogVerdict.HEALTHY


@pytest.mark.parametrize("report", SHOWN, ids=lambda report: report.name)
@pytest.mark.parametrize("dress", [in_syslog, in_syslog_stamped, levelled], ids=lambda dress: dress.__name__)
def test_a_saved_log_that_somebody_prints_is_told_by_its_prefix(report: Written, dress: object) -> None:
    before = console(BOOT) + b"\nroot@demo:~# journalctl -k -b -1\n"
    old = console(["an old line"] * 300 + report.lines, dress)  # type: ignore[arg-type]
    assert not [one for one in read(before + old) if not one.suppressed]


@settings(max_examples=60, deadline=None)
@given(report=st.sampled_from(SHOWN), cuts=st.lists(st.integers(0, 30000), max_size=20))
def test_what_is_shown_does_not_depend_on_how_the_stream_was_cut(report: Written, cuts: list[int]) -> None:
    data = console(BOOT) + b"\nroot@demo:~# journalctl -k -b -1\n"
    data += console(["an old line"] * 200 + report.lines, in_syslog)
    assert read(data, cuts) == read(data)


@pytest.mark.parametrize(
    "report",
    [report for report in SHOWN if report.kind is not FindingKind.LEAK],
    ids=lambda report: report.name,
)
def test_a_report_without_time_stamps_on_a_console_that_has_them_was_printed_by_a_program(
    report: Written,
) -> None:
    data = console(BOOT) + b"\nroot@demo:~# cat notes.txt\n" + "\n".join(report.lines).encode() + b"\n"
    assert not [one for one in read(data) if not one.suppressed]


@pytest.mark.parametrize("report", SHOWN, ids=lambda report: report.name)
def test_an_older_log_after_which_the_clock_goes_on_was_shown(report: Written) -> None:
    now = "".join(f"[{5000 + number:12.6f}] demo: device {number} is ready\n" for number in range(5)).encode()
    later = b"[ 5020.000000] demo: still here\n" * 200
    data = now + b"root@demo:~# cat old.log\n" + console(report.lines) + b"root@demo:~# \n" + later
    assert not [one for one in read(data) if not one.suppressed]


@pytest.mark.parametrize("report", SHOWN, ids=lambda report: report.name)
def test_a_real_report_after_a_shown_one_still_counts(report: Written) -> None:
    shown = console(BOOT) + b"\nroot@demo:~# journalctl -k -b -1\n" + console(report.lines, in_syslog)
    real = "".join(f"[{300 + n / 1000:12.6f}] {text}\n" for n, text in enumerate(report.lines)).encode()
    counted = [one for one in read(shown + real) if not one.suppressed]
    assert [(one.title, one.fatal) for one in counted] == [(report.title, report.fatal)]


def test_a_programs_fault_on_arm_is_nothing_and_the_kernels_is() -> None:
    fault = ["8<--- cut here ---", "Unhandled fault: external abort on non-linefetch (0x1018) at 0xb6f41004"]
    assert verdict(console([*BOOT, *fault, "[b6f41004] *pgd=0", *BOOT[1:]])) is LogVerdict.HEALTHY
    oops = [*fault, "Internal error: : 1018 [#1] SMP ARM", "PC is at demo_match+0x24/0x60"]
    assert verdict(console([*BOOT, *oops])) is LogVerdict.CRASH


def test_a_program_that_says_bug_on_a_console_without_time_stamps_is_not_the_kernel() -> None:
    said = "BUG: something happened in the parser\n"
    assert verdict(said.encode()) is LogVerdict.HEALTHY
    stack = "Call Trace:\n demo_match+0x1/0x2\n demo_load+0x1/0x2\n"
    assert verdict((said + stack).encode()) is LogVerdict.WARNING


FIRMWARE = "SecCoreStartupWithStack(0xFFFCC000, 0x820000)\nDXE IPL Entry\n"


@pytest.mark.parametrize(
    "first",
    [
        FIRMWARE,
        "U-Boot SPL 2023.01 (demo)\nTrying to boot from MMC1\n",
        "NOTICE:  BL1: v2.8(release):demo\nNOTICE:  BL1: Booting BL2\n",
        "SeaBIOS (version demo)\n",
    ],
)
def test_firmware_that_starts_again_and_again_is_a_failed_boot(first: str) -> None:
    assert verdict(first.encode() * 2) is LogVerdict.HEALTHY
    assert verdict(first.encode() * 3) is LogVerdict.BOOT_FAILURE


def test_firmware_that_hands_over_each_time_is_nobodys_failure() -> None:
    handed = FIRMWARE + 'BdsDxe: starting Boot0001 "Windows Boot Manager"\n'
    assert verdict(handed.encode() * 9) is LogVerdict.HEALTHY
    assert verdict(FIRMWARE.encode() * 4 + console(BOOT)) is LogVerdict.HEALTHY
