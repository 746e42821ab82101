"""Reports on the console: one per crash, with title, module and byte range."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.detect.lines import LineStream
from lab.detect.linux.console import Console
from lab.detect.linux.reports import normalise
from lab.model import Finding, FindingKind, SerialChunk

LOGS = Path(__file__).parent / "logs"
CRASH = (LOGS / "page-fault-panic.log").read_bytes()
WARNING = (LOGS / "warning-then-healthy.log").read_bytes()
NAMES = sorted(path.name for path in LOGS.glob("*.log"))


def read(data: bytes, cuts: list[int] | None = None, *, finish: bool = True) -> list[Finding]:
    edges = sorted({0, len(data), *(cut for cut in cuts or [] if cut < len(data))})
    stream, console = LineStream(), Console()
    for start, end in pairwise(edges):
        block = stream.feed(SerialChunk(t_s=1.0, start=start, data=data[start:end]))
        if block:
            console.feed(block)
    rest = stream.finish() if finish else None
    if rest:
        console.feed(rest)
    if finish:
        console.finish()
    return [report.finding() for report in console.reports if report.ready]


def text(*lines: str) -> bytes:
    return "".join(f"[    {number}.000000] {line}\n" for number, line in enumerate(lines, start=1)).encode()


def test_an_oops_that_ends_in_a_panic_is_one_finding() -> None:
    (found,) = read(CRASH)
    assert found.kind is FindingKind.OOPS
    assert found.fatal
    assert found.title == "BUG: unable to handle kernel paging request in demo_sensor_match"
    assert (found.function, found.module) == ("demo_sensor_match", "demo_sensor")
    assert "Fatal exception in interrupt" in found.detail
    assert found.channels == ("serial",)


def test_the_evidence_runs_from_the_first_line_of_the_crash_to_its_last() -> None:
    (found,) = read(CRASH)
    (evidence,) = found.evidence
    block = CRASH[evidence.start : evidence.end]
    assert evidence.path == "serial.log"
    assert block.startswith(b"[   12.511870] BUG: unable to handle page fault")
    assert block.endswith(b"Rebooting in 5 seconds..\n")


def test_the_same_fault_reported_as_two_kinds_is_the_same_bug() -> None:
    other = CRASH.replace(
        b"BUG: unable to handle page fault for address: ffffb0a3c0045000",
        b"general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#1]",
    )
    (one,), (two,) = read(CRASH), read(other)
    assert two.title == "general protection fault in demo_sensor_match"
    assert one.signature.same_bug(two.signature)


def test_two_different_crashes_that_panic_alike_are_two_bugs() -> None:
    other = CRASH.replace(b"demo_sensor_match", b"ext4_readpages").replace(
        b"demo_sensor_event", b"ext4_file_read"
    )
    (one,), (two,) = read(CRASH), read(other)
    assert not one.signature.same_bug(two.signature)


def test_the_panic_is_known_before_the_stream_ends() -> None:
    upto = CRASH.index(b"Code: 48")
    (found,) = read(CRASH[:upto], finish=False)
    assert found.fatal
    assert found.title.endswith("in demo_sensor_match")


def test_an_oops_without_a_panic_is_a_fatal_oops() -> None:
    (found,) = read((LOGS / "arm64-null-pointer.log").read_bytes())
    assert found.kind is FindingKind.OOPS
    assert found.fatal
    assert (found.function, found.module) == ("demo_sensor_name", "demo_sensor")


def test_a_warning_is_not_fatal() -> None:
    (found,) = read(WARNING)
    assert (found.kind, found.fatal, found.title) == (
        FindingKind.WARNING,
        False,
        "WARNING in kthread_bind_mask",
    )


def test_a_warning_that_panics_is_fatal_and_keeps_its_title() -> None:
    panics = WARNING.split(b"---[ end trace")[0] + text(
        "Kernel panic - not syncing: kernel: panic_on_warn set ..."
    )
    (found,) = read(panics.replace(b"[    1.000000]", b"[    9.100570]"))
    assert (found.kind, found.fatal, found.title) == (
        FindingKind.WARNING,
        True,
        "WARNING in kthread_bind_mask",
    )


def test_a_panic_of_its_own_is_named_by_its_reason_without_numbers() -> None:
    (found,) = read((LOGS / "no-root.log").read_bytes())
    assert found.title == "kernel panic: VFS: Unable to mount root fs on unknown-block(NUM,NUM)"
    assert found.kind is FindingKind.PANIC


def test_an_exit_code_is_no_part_of_the_title() -> None:
    (found,) = read(text("Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009"))
    assert found.title == "kernel panic: Attempted to kill init!"


def test_a_healthy_boot_shows_nothing() -> None:
    assert read((LOGS / "healthy.log").read_bytes()) == []


def test_after_a_panic_nothing_more_is_reported_until_the_next_boot() -> None:
    noise = b"[   12.600000] WARNING: CPU: 0 PID: 1 at kernel/smp.c:1 smp_call+0x1/0x2\n"
    assert len(read(CRASH + noise)) == 1
    assert len(read(CRASH + noise + CRASH)) == 2


def test_a_second_boot_is_seen_by_its_clock_where_the_banner_is_hidden() -> None:
    quiet = CRASH[CRASH.index(b"[   12.511870]") :]
    again = quiet.replace(b"[   12.5", b"[   11.0")
    assert len(read(quiet + again)) == 2


@pytest.mark.parametrize(
    ("line", "kind", "title"),
    [
        (
            "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [demo-sensord:412]",
            FindingKind.LOCKUP,
            "BUG: soft lockup",
        ),
        ("rcu: INFO: rcu_preempt self-detected stall on CPU", FindingKind.LOCKUP, "INFO: rcu detected stall"),
        (
            "INFO: task demo-sensord:412 blocked for more than 120 seconds.",
            FindingKind.HUNG_TASK,
            "INFO: task hung",
        ),
    ],
)
def test_a_guest_that_hangs_is_named_by_what_it_hangs_in(line: str, kind: FindingKind, title: str) -> None:
    trace = (
        "Call Trace:",
        " <TASK>",
        " __schedule+0x2eb/0x8d0",
        " schedule+0x5e/0xd0",
        " demo_wait+0x41/0xa0 [demo_sensor]",
    )
    (found,) = read(text(line, *trace))
    assert (found.kind, found.fatal) == (kind, True)
    assert found.title == f"{title} in demo_wait"
    assert found.module == "demo_sensor"


def test_kasan_says_what_kind_of_access_it_was() -> None:
    (found,) = read(
        text(
            "BUG: KASAN: slab-out-of-bounds in demo_sensor_match+0x1c2/0x210 [demo_sensor]",
            "Read of size 8 at addr ffff888012345678 by task demo-sensord/412",
        )
    )
    assert found.title == "KASAN: slab-out-of-bounds Read in demo_sensor_match"
    assert not found.fatal


def test_an_oom_kill_names_its_victim() -> None:
    (found,) = read(
        text(
            "mysqld invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0",
            "Mem-Info:",
            "Out of memory: Killed process 412 (demo-sensord) total-vm:812344kB",
        )
    )
    assert (found.kind, found.fatal, found.title) == (
        FindingKind.OOM,
        False,
        "out of memory: killed demo-sensord",
    )


def test_an_initramfs_shell_is_a_failure_to_boot() -> None:
    (found,) = read(
        b"Gave up waiting for root file system device.\n"
        b"ALERT!  /dev/vda1 does not exist.  Dropping to a shell!\n"
    )
    assert (found.kind, found.fatal) == (FindingKind.BOOT_FAILURE, True)


def test_a_crash_without_a_function_is_marked_as_not_to_be_trusted() -> None:
    (found,) = read(b"[   12.000000] BUG: unable to handle page fault for address: ffffb0a3c0045000\n")
    assert found.title == "BUG: unable to handle kernel paging request"
    assert found.corrupted


def test_a_guest_that_warns_for_ever_does_not_fill_the_memory_nor_hide_a_crash() -> None:
    one = b"[    1.000000] WARNING: CPU: 0 PID: 1 at kernel/smp.c:1 smp_call+0x1/0x2\n"
    found = read(one * 2000 + CRASH)
    assert len(found) < 500
    assert found[-1].fatal
    assert "panic" in found[-1].detail


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, 4000), max_size=40))
def test_findings_do_not_depend_on_how_the_stream_was_cut(name: str, cuts: list[int]) -> None:
    data = (LOGS / name).read_bytes()
    assert read(data, cuts) == read(data)


@pytest.mark.parametrize("name", NAMES)
def test_findings_do_not_depend_on_the_stream_coming_byte_by_byte(name: str) -> None:
    data = (LOGS / name).read_bytes()
    assert read(data, list(range(len(data)))) == read(data)


@pytest.mark.parametrize("name", NAMES)
def test_line_ends_colours_and_prefixes_change_nothing_but_offsets(name: str) -> None:
    data = (LOGS / name).read_bytes()
    plain = [(found.title, found.fatal, found.module) for found in read(data)]
    coloured = b"".join(b"\x1b[1m<4>" + line + b"\x1b[0m\r\n" for line in data.splitlines())
    caller = data.replace(b"] ", b"][  T123] ")
    for changed in (data.replace(b"\n", b"\r\n"), coloured, caller):
        assert [(found.title, found.fatal, found.module) for found in read(changed)] == plain


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(
        st.sampled_from([CRASH[:600], CRASH[600:1400], CRASH[1400:], WARNING[:500], b"\x1b[", b"\xff\x00\r"])
        | st.binary(max_size=300),
        max_size=8,
    )
)
def test_no_bytes_are_too_strange(parts: list[bytes]) -> None:
    for found in read(b"".join(parts)):
        assert found.title
        assert all(0 <= evidence.start < evidence.end for evidence in found.evidence)


def test_titles_are_the_same_from_one_time_to_the_next() -> None:
    assert normalise("at ffff888012345678 on cpu 3 (0xdead)") == "at ADDR on cpu NUM (ADDR)"


def test_an_oops_right_after_a_sanitizer_report_is_not_hidden_in_it() -> None:
    found = read(
        text(
            "BUG: KASAN: slab-out-of-bounds in demo_sensor_match+0x1c2/0x210 [demo_sensor]",
            "Read of size 8 at addr ffff888012345678 by task demo-sensord/412",
            "BUG: unable to handle page fault for address: ffffb0a3c0045000",
            "RIP: 0010:demo_sensor_match+0x2a/0x60 [demo_sensor]",
        )
    )
    assert [item.fatal for item in found] == [False, True]
