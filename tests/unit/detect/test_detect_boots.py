"""Boots are counted once each, from signs that come in any order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from observing import BANNER, Tape

from lab.detect.boots import BootKind, BootLog, count

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
