"""Boots are counted once each, from signs that come in any order."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observing import BANNER, Tape

from lab.detect.boots import BootKind, BootLog, count
from lab.detect.bootsigns import ANCHORS, Anchor, read_sign
from lab.model import Capture, Step

KERNEL_TEXT = "[    3.000000] virtio_blk virtio2: [vda]\n"
FIRMWARE = "SeaBIOS (version 1.16.2-debian-1.16.2-1)\r\nBooting from Hard Disk...\r\n"
PANIC = (
    "[   17.000000] Kernel panic - not syncing: Fatal exception\n[   17.100000] Rebooting in 5 seconds..\n"
)


def kinds(log: BootLog) -> list[str]:
    return [boot.kind.value for boot in log.boots]


def first_boot() -> Tape:
    return Tape().event(0, "started").serial(0.5, FIRMWARE).serial(2, BANNER + KERNEL_TEXT).beat(20, "a")


def test_nothing_seen_is_no_boot() -> None:
    assert count([]).count == 0


def test_all_signs_of_one_boot_are_one_boot() -> None:
    log = count(first_boot())
    assert kinds(log) == ["first"]
    assert log.boots[0].signs == ("start", "firmware", "kernel")
    assert log.boots[0].boot_id == "a"


def test_a_requested_reboot_is_one_more_boot_by_all_its_signs() -> None:
    tape = first_boot().expect(30).event(31, "reset").serial(31.5, FIRMWARE).serial(33, BANNER)
    log = count(tape.beat(50, "b").expect(51, begin=False))
    assert kinds(log) == ["first", "requested"]
    assert log.boots[1].signs == ("reset", "firmware", "kernel")


def test_each_expectation_covers_one_boot_only() -> None:
    tape = first_boot().expect(30).event(31, "reset").serial(33, BANNER).beat(50, "b").event(60, "reset")
    assert kinds(count(tape)) == ["first", "requested", "unexpected"]


def test_an_expectation_that_ended_covers_nothing() -> None:
    tape = first_boot().expect(30).expect(31, begin=False).event(40, "reset")
    assert kinds(count(tape)) == ["first", "unexpected"]


def test_firmware_that_resets_before_it_loads_a_kernel_is_still_one_boot() -> None:
    tape = (
        Tape()
        .event(0, "started")
        .event(1, "reset")
        .serial(1.5, "BdsDxe: starting Boot0001\n")
        .event(3, "reset")
    )
    tape.serial(5, "BdsDxe: starting Boot0001\n").serial(8, BANNER).beat(20, "a")
    assert kinds(count(tape)) == ["first"]


def test_a_panic_inside_a_requested_reboot_is_not_the_requested_reset() -> None:
    tape = first_boot().expect(30).serial(31, PANIC).event(36, "reset").serial(38, BANNER)
    assert kinds(count(tape)) == ["first", "unexpected"]


def test_panic_text_that_is_recorded_after_the_reset_belongs_to_the_boot_before() -> None:
    tape = first_boot().expect(30).event(31, "reset").serial(31.1, PANIC).serial(33, BANNER)
    log = count(tape)
    assert kinds(log) == ["first", "unexpected"]
    assert log.boots[0].crashed
    assert not log.boots[1].crashed


def test_a_reset_event_that_lags_behind_the_text_is_the_same_boot() -> None:
    tape = first_boot().serial(31, BANNER).event(31.4, "reset")
    assert kinds(count(tape)) == ["first", "unexpected"]


def test_an_answer_sent_before_the_reset_does_not_make_a_boot() -> None:
    tape = first_boot().expect(30).event(31, "reset").beat(31.2, "a").serial(33, BANNER).beat(50, "b")
    log = count(tape)
    assert kinds(log) == ["first", "requested"]
    assert [boot.boot_id for boot in log.boots] == ["a", "b"]


def test_a_new_boot_id_alone_is_a_boot() -> None:
    assert kinds(count(Tape().event(0, "started").beat(1, "a").beat(60, "b"))) == ["first", "unexpected"]


def test_a_reset_asked_for_by_the_host_is_requested() -> None:
    tape = first_boot().event(30, "reset", guest=False, reason="host-qmp-system-reset")
    assert kinds(count(tape)) == ["first", "requested"]


def test_a_boot_loop_is_counted_boot_by_boot() -> None:
    tape = first_boot()
    for start in range(30, 150, 30):
        tape.serial(start, PANIC).event(start + 5, "reset").serial(start + 7, BANNER + KERNEL_TEXT)
    log = count(tape)
    assert log.count == 5
    assert len(log.unexpected) == 4


def test_a_loop_is_counted_where_the_kernel_hides_its_banner() -> None:
    tape = Tape().event(0, "started")
    for start in range(10, 40, 10):
        tape.serial(start, "[    9.000000] demo_sensor: content 291 loaded\n" + PANIC)
    assert count(tape).count == 3


def test_a_log_that_somebody_prints_is_no_boot() -> None:
    old = "[ 4711.000000] Linux version 6.1.0-25-amd64 quoted by somebody\n"
    assert count(first_boot().serial(40, "Nothing to see\n" + old)).count == 1


def test_text_is_placed_by_its_offset() -> None:
    tape = first_boot().event(31, "reset").serial(33, BANNER)
    log = count(tape)
    offset = log.boots[1].offset
    assert offset is not None
    assert log.at(40.0, offset - 1) == 1
    assert log.at(33.0, offset) == 2
    assert log.at(32.0) == 2


SIGNS = st.lists(
    st.tuples(
        st.floats(0, 5, allow_nan=False),
        st.sampled_from(
            ["reset", "started", "banner", "panic", "firmware", "beat-a", "beat-b", "begin", "end"]
        ),
    ),
    max_size=30,
)


@settings(max_examples=200, deadline=None)
@given(signs=SIGNS)
def test_boots_are_numbered_in_order_whatever_comes(signs: list[tuple[float, str]]) -> None:
    tape, now = Tape(), 0.0
    for wait, sign in signs:
        now += wait
        match sign:
            case "banner":
                tape.serial(now, BANNER)
            case "panic":
                tape.serial(now, PANIC)
            case "firmware":
                tape.serial(now, FIRMWARE)
            case "beat-a" | "beat-b":
                tape.beat(now, sign[-1])
            case "begin" | "end":
                tape.expect(now, begin=sign == "begin")
            case _:
                tape.event(now, sign)
    log = count(tape)
    assert [boot.number for boot in log.boots] == list(range(1, log.count + 1))
    assert [boot.t_s for boot in log.boots] == sorted(boot.t_s for boot in log.boots)
    assert all((boot.kind is BootKind.FIRST) == (boot.number == 1) for boot in log.boots)
    asked = sum(sign == "begin" for _, sign in signs)
    assert sum(boot.kind is BootKind.REQUESTED for boot in log.boots) <= asked


def test_a_quiet_loop_whose_clock_is_ahead_of_the_boot_before_is_counted() -> None:
    tape = Tape().event(0, "started")
    for number in range(3):
        start = 20 + 30 * number
        tape.serial(start, PANIC.replace("17.", f"1{7 + number}.")).event(start + 5, "reset")
    assert len(count(tape).unexpected) == 3


def test_an_os_update_covers_as_many_boots_as_it_declared() -> None:
    tape = first_boot().expect(30, "os-update", boots=2, reason="the May update")
    for start in (40, 70, 100):
        tape.event(start, "reset").serial(start + 2, BANNER)
    log = count(tape)
    assert kinds(log) == ["first", "expected", "expected", "unexpected"]
    assert log.boots[1].reason == "the May update restarts the guest"
    assert log.update_at(50) is not None


def test_an_update_that_is_over_covers_nothing() -> None:
    tape = first_boot().expect(30, "os-update", boots=3).expect(50, "os-update", begin=False)
    log = count(tape.event(60, "reset").serial(62, BANNER))
    assert kinds(log) == ["first", "unexpected"]
    assert log.update_at(55) is None


def test_resets_that_an_image_makes_by_habit_are_expected_until_somebody_works_on_the_guest() -> None:
    tape = first_boot().event(30, "reset").serial(32, BANNER).beat(50, "b")
    assert kinds(count(tape, expected_boots=1)) == ["first", "expected"]
    worked = first_boot().add(Step(t_s=25, name="install", phase="start")).event(30, "reset")
    assert kinds(count(worked, expected_boots=1)) == ["first", "unexpected"]


def test_a_crash_uses_up_nobodys_announcement() -> None:
    tape = first_boot().expect(25, "os-update", boots=1).serial(31, PANIC).event(36, "reset")
    tape.serial(38, BANNER).beat(50, "b").event(60, "reset").serial(62, BANNER)
    assert kinds(count(tape)) == ["first", "unexpected", "expected"]


def test_a_guest_that_was_put_back_has_not_booted() -> None:
    tape = first_boot().event(30, "reset").serial(32, BANNER).beat(50, "b")
    tape.event(60, "restored", snapshot="ready").serial(60.5, "[    9.000000] eth0: link up\n").beat(61, "a")
    log = count(tape)
    assert kinds(log) == ["first", "unexpected"]
    assert (log.boots[1].boot_id, log.boots[1].restored_s) == ("a", 60)


def test_an_old_boot_id_without_a_word_is_a_restore_too() -> None:
    tape = Tape().event(0, "started").beat(1, "a").beat(60, "b").beat(100, "a").beat(102, "a")
    assert kinds(count(tape)) == ["first", "unexpected"]


def test_a_crash_before_a_restore_is_forgotten() -> None:
    tape = first_boot().serial(30, PANIC).event(32, "restored").beat(34, "a").expect(40).event(41, "reset")
    assert kinds(count(tape.serial(43, BANNER))) == ["first", "requested"]


def test_a_suspended_guest_has_not_booted() -> None:
    tape = first_boot().event(30, "suspended").event(90, "woken").serial(91, "[   31.000000] PM: resume\n")
    assert kinds(count(tape.beat(92, "a"))) == ["first"]


def test_a_log_printed_by_a_guest_that_goes_on_answering_is_no_boot_and_no_panic() -> None:
    tape = first_boot().serial(30, BANNER + KERNEL_TEXT + PANIC).beats(32, 40)
    log = count(tape.expect(41).event(42, "reset").serial(44, BANNER))
    assert kinds(log) == ["first", "requested"]
    assert not log.boots[0].crashed


def test_a_printed_log_is_not_called_a_reset_meanwhile() -> None:
    log = count(first_boot().serial(30, BANNER))
    assert log.unexpected == ()
    assert count(first_boot().serial(30, BANNER).beat(31, ok=False)).unexpected != ()


def test_windows_boots_are_counted_without_any_kernel_text() -> None:
    tape = Tape().event(0, "started").beat(30, "a").event(60, "reset").beat(95, "b")
    assert kinds(count(tape)) == ["first", "unexpected"]
    blind = Tape().event(0, "started").event(60, "reset").event(120, "reset")
    assert kinds(count(blind)) == ["first", "unexpected", "unexpected"]


def test_windows_tells_on_its_emergency_console_that_it_starts() -> None:
    sac = "Computer is booting, SAC started and initialized.\r\n"
    assert kinds(count(Tape().event(0, "started").serial(9, sac).event(20, "reset"))) == [
        "first",
        "unexpected",
    ]


def test_in_a_bare_log_nobody_knows_who_wanted_a_boot() -> None:
    log = count(Tape().serial(0, BANNER + KERNEL_TEXT).serial(0, BANNER + KERNEL_TEXT))
    assert kinds(log) == ["first", "expected"]
    assert kinds(count(Tape().serial(0, BANNER + PANIC).serial(0, BANNER))) == ["first", "unexpected"]


def test_a_kernel_that_restarts_as_told_is_orderly() -> None:
    text = "[   40.000000] reboot: Restarting system\n"
    log = count(first_boot().serial(41, text).event(41.2, "reset"))
    assert log.boots[0].orderly


def test_lines_before_the_banner_are_of_the_same_boot() -> None:
    early = "[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x411fd070]\n"
    assert count(Tape().serial(0, early + BANNER + KERNEL_TEXT)).count == 1


def test_boots_that_the_evidence_taking_caused_are_the_labs() -> None:
    tape = first_boot().add(Capture(t_s=30, what="nmi", ok=True)).serial(31, PANIC).event(33, "reset")
    assert kinds(count(tape.serial(35, BANNER))) == ["first", "requested"]


@pytest.mark.parametrize("anchor", ANCHORS, ids=lambda anchor: anchor.word.decode())
def test_every_anchor_reads_its_example(anchor: Anchor) -> None:
    assert anchor.word in anchor.example.encode()
    assert read_sign(anchor.example) is anchor.sign
    assert anchor.source


LOG = (
    (FIRMWARE + BANNER + KERNEL_TEXT).encode()
    + b"".join(b"[   %2d.000000] line of a healthy guest, number %d\n" % (n // 40 + 3, n) for n in range(400))
    + PANIC.encode()
    + b"[    0.500000] a quiet kernel\n[    1.000000] another line\n"
) * 2


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, len(LOG)), max_size=12))
def test_boots_do_not_depend_on_how_the_console_was_cut(cuts: list[int]) -> None:
    whole = count(Tape().event(0, "started").serial(1, LOG))
    tape = Tape().event(0, "started")
    edges = [0, *sorted(cuts), len(LOG)]
    for start, end in pairwise(edges):
        tape.serial(1, LOG[start:end])
    assert count(tape).boots == whole.boots
    assert whole.count == 4
