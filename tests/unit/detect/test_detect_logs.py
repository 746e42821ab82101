"""One word on a bare log: crash, loop, hang, failed boot, warning, healthy."""

from __future__ import annotations

import pytest
from observing import BANNER, Tape

from lab.detect import detected
from lab.detect.boots import BootLog
from lab.detect.logs import LogVerdict, log_verdict
from lab.model import DetectSettings, Finding, FindingKind, Signature

PANIC = "[    4.000000] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n"
RESTART = "[   90.000000] reboot: Restarting system\n"
WARNING = (
    "[   12.000000] WARNING: CPU: 0 PID: 1 at kernel/smp.c:1 demo_thing+0x1/0x2\n"
    "[   12.000100] RIP: 0010:demo_thing+0x1/0x2\n"
)
LOCKUP = (
    "[   30.000000] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [demo:77]\n"
    "[   30.000200] RIP: 0010:demo_spin+0x14/0x20\n"
)


def verdict(*texts: str) -> LogVerdict:
    tape = Tape()
    for text in texts:
        tape.serial(0.0, text)
    detectors = detected(tape, DetectSettings())
    return log_verdict(detectors.findings, detectors.boots)


def finding(kind: FindingKind, *, fatal: bool, **more: object) -> Finding:
    return Finding(kind=kind, signature=Signature(title="t"), fatal=fatal, t_s=0.0, **more)  # type: ignore[arg-type]


def test_a_crash_is_a_crash() -> None:
    assert verdict(BANNER, PANIC) is LogVerdict.CRASH


def test_a_crash_in_two_boots_running_is_a_loop() -> None:
    assert verdict(BANNER, PANIC, BANNER, PANIC) is LogVerdict.BOOT_LOOP


def test_a_crash_and_a_good_boot_are_a_crash() -> None:
    assert verdict(BANNER, PANIC, BANNER, "[    9.000000] all is well\n") is LogVerdict.CRASH


def test_many_boots_that_were_asked_for_are_no_loop() -> None:
    assert verdict(*[BANNER, RESTART] * 6) is LogVerdict.HEALTHY


def test_many_boots_that_nobody_explains_are_no_loop_either() -> None:
    assert verdict(*[BANNER] * 6) is LogVerdict.HEALTHY


def test_a_stuck_cpu_is_a_hang_and_a_panic_after_it_is_a_crash() -> None:
    assert verdict(BANNER, LOCKUP) is LogVerdict.HANG
    assert verdict(BANNER, LOCKUP, PANIC.replace("4.0", "31.0")) is not LogVerdict.HEALTHY


def test_a_complaint_is_a_warning() -> None:
    assert verdict(BANNER, WARNING) is LogVerdict.WARNING


def test_nothing_is_healthy() -> None:
    assert verdict() is LogVerdict.HEALTHY
    assert verdict("[    0.100000] perf: interrupt took too long\n") is LogVerdict.HEALTHY


@pytest.mark.parametrize(
    ("kind", "fatal", "expected"),
    [
        (FindingKind.BUGCHECK, True, LogVerdict.CRASH),
        (FindingKind.BOOT_FAILURE, True, LogVerdict.BOOT_FAILURE),
        (FindingKind.RECOVERY_SCREEN, True, LogVerdict.BOOT_FAILURE),
        (FindingKind.HUNG_TASK, True, LogVerdict.HANG),
        (FindingKind.OOM, False, LogVerdict.WARNING),
        (FindingKind.UNEXPECTED_REBOOT, True, LogVerdict.HEALTHY),
    ],
)
def test_each_kind_has_its_word(kind: FindingKind, fatal: bool, expected: LogVerdict) -> None:
    assert log_verdict([finding(kind, fatal=fatal)], BootLog()) is expected


def test_noise_counts_for_nothing() -> None:
    noise = finding(FindingKind.PANIC, fatal=True, suppressed="somebody's log")
    assert log_verdict([noise], BootLog()) is LogVerdict.HEALTHY
