"""The catalogue of patterns keeps its own promises."""

from __future__ import annotations

import re

import pytest

from lab.detect.hotwords import HotWords
from lab.detect.lines import Block
from lab.detect.linux.blame import HELD_AT
from lab.detect.linux.carriers import DISPATCHERS, FAMILIES, WAITING, carries
from lab.detect.linux.console import HOT_WORDS, find
from lab.detect.linux.frames import ARM_FRAME, FRAME, INTERRUPTED, POINTER, names, pointer, stack_frame
from lab.detect.linux.patterns import BOOT, BOOT_HOT, PATTERNS, SECONDARY, Pattern
from lab.detect.linux.reports import BODY, ELSEWHERE
from lab.detect.linux.speakers import QUOTED

EACH = pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)


@EACH
def test_the_example_is_found_as_itself(pattern: Pattern) -> None:
    found, match = find(pattern.example)
    assert found is pattern
    assert match is not None


@EACH
def test_the_fast_search_sees_the_example(pattern: Pattern) -> None:
    data = b"[    1.000000] " + pattern.example.encode() + b"\n"
    assert any(word in data for word in pattern.hot)
    assert HotWords(HOT_WORDS).starts(Block(0.0, 0, data)) == [0]


@EACH
def test_title_and_source_are_given(pattern: Pattern) -> None:
    words = {**dict.fromkeys(("what", "access", "place", "rest", "function"), "x")}
    assert pattern.source
    assert pattern.title.format(**words)
    named = set(re.findall(r"\(\?P<(\w+)>", pattern.start.pattern))
    named |= set(re.findall(r"\(\?P<(\w+)>", pattern.detail.pattern)) if pattern.detail else set()
    wanted = set(re.findall(r"\{(\w+)\}", pattern.title)) - {"function"}
    assert wanted <= named


def test_ids_are_unique() -> None:
    ids = [pattern.id for pattern in PATTERNS]
    assert len(ids) == len(set(ids))


def test_the_fast_search_sees_every_boot_line() -> None:
    for line in (
        "Linux version 6.1.0 (gcc)",
        "SeaBIOS (version 1.16.2)",
        "Welcome to GRUB!",
        "EFI stub: Decompressed",
    ):
        assert BOOT.match(line)
        assert any(word in line.encode() for word in BOOT_HOT)


HOSTILE = (
    "a" * 2000,
    "[" * 2000,
    "BUG: " * 400,
    "0 " * 1000,
    "x.isra." * 300,
    "? " * 1000,
    "[<ffffffff81234567>] " * 100,
    "at: " * 500,
    "WARNING: CPU: 0 PID: 1 at " + "a/" * 1000,
    "Kernel panic - not syncing: " + ": " * 900,
    "__x64_sys_" * 200,
    "INFO: task " + "a:1 " * 500,
    "trusty: " + "ASSERT FAILED at " * 100,
    "BUG " + "(x): " * 400,
)


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: text[:20])
@pytest.mark.timeout(60)
def test_no_expression_explodes_on_hostile_lines(hostile: str) -> None:
    tables = (FRAME, ARM_FRAME, POINTER, BODY, ELSEWHERE, HELD_AT, INTERRUPTED, DISPATCHERS, WAITING, QUOTED)
    extra = [one for pattern in PATTERNS for one in (pattern.skip, pattern.after, pattern.detail) if one]
    for expression in (*(pattern.start for pattern in PATTERNS), *tables, *extra, BOOT, SECONDARY):
        for text in (hostile, "INFO: task " + hostile, "RIP: 0010:" + hostile, "Internal error: " + hostile):
            expression.match(text[:2048])


@pytest.mark.parametrize(
    ("text", "function", "module"),
    [
        ("RIP: 0010:demo_sensor_match+0x2a/0x60 [demo_sensor]", "demo_sensor_match", "demo_sensor"),
        ("RIP: 0010:[<ffffffffc0012345>]  [<ffffffffc0012345>] old_style+0x1/0x2 [m]", "old_style", "m"),
        ("EIP: thirty_two+0x1/0x2", "thirty_two", ""),
        ("EIP is at thirty_two+0x1/0x2", "thirty_two", ""),
        ("IP: [<ffffffff81234567>] older+0x1/0x2", "older", ""),
        ("pc : arm_function+0x10/0x90 [mod 0123abcd]", "arm_function", "mod"),
        ("PC is at arm_old+0x10/0x90", "arm_old", ""),
        ("epc : riscv_function+0x10/0x90", "riscv_function", ""),
        ("NIP [c000000000012345] power_function+0x10/0x90", "power_function", ""),
        (
            "Krnl PSW : 0704f00180000000 000003ff8086d03a (s390+0x3a/0x1000 [m])",
            "s390",
            "m",
        ),
        ("RIP: 0010:optimised.isra.0+0x1/0x2", "optimised", ""),
        ("RIP: 0010:0x0", "", ""),
        ("PC is at 0xffffffffdeadbeef", "", ""),
    ],
)
def test_the_instruction_pointer_is_read(text: str, function: str, module: str) -> None:
    found = pointer(text)
    assert found is not None
    assert (found.function, found.module) == (function, module)


@pytest.mark.parametrize("text", ["RIP: 0033:0x7f12a3b4c5d6", "RIP: 0023:0xe", "EIP: 0073:0xb7712345"])
def test_a_user_space_pointer_is_nobodys(text: str) -> None:
    assert pointer(text) is None


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("vfs_write+0xbc/0x3d0", "vfs_write"),
        ("[<ffffffff81234567>] vfs_write+0xbc/0x3d0", "vfs_write"),
        ("[<c0451234>] (vfs_write) from [<c0455678>] (sys_write+0x44/0x70)", "sys_write"),
        ("vfs_write from ksys_write+0x44/0x70", "ksys_write"),
        ("[c000000012345678] [c000000000123456] vfs_write+0xbc/0x3d0", "vfs_write"),
        ("([<000003ff8086d036>] demo_init+0x36/0x1000 [demo])", "demo_init"),
    ],
)
def test_a_frame_is_read_on_all_machines(text: str, function: str) -> None:
    found = stack_frame(text)
    assert found is not None
    assert found.function == function


@pytest.mark.parametrize(
    "text",
    [
        "? __die_body.cold+0x1a/0x1f",
        "[<ffffffff81234567>] ? do_futex+0x8/0x9",
        "x+0x1/0x2 (unreliable)",
    ],
)
def test_frames_the_unwinder_doubts_are_left_out(text: str) -> None:
    assert stack_frame(text) is None


def test_all_names_of_a_system_call_are_one_bugs() -> None:
    wanted = {"mount", "sys_mount"}
    for name in ("__x64_sys_mount", "__se_sys_mount", "SyS_mount", "sys_mount", "__arm64_sys_mount"):
        assert wanted & set(names(name)), name
    assert names("__x64_sys_mount")[0] == "sys_mount"
    assert names("__se_sys_mount")[0] == "mount"


@pytest.mark.parametrize(
    "name",
    [
        "memcpy",
        "_raw_spin_lock_irqsave",
        "kasan_report",
        "dump_stack_lvl",
        "__list_del_entry_valid",
    ],
)
def test_what_reports_copies_or_locks_for_others_is_not_to_blame(name: str) -> None:
    assert carries(name)


@pytest.mark.parametrize("name", ["demo_sensor_match", "ext4_readpage", "tcp_v4_rcv", "vfs_write"])
def test_what_does_the_work_is_to_blame(name: str) -> None:
    assert not carries(name)


def test_families_say_why() -> None:
    assert all(family.why and (family.names or family.parts) for family in FAMILIES)


def test_no_pattern_matches_an_empty_line() -> None:
    assert find("") == (None, None)
    assert not any(re.fullmatch(pattern.start, "") for pattern in PATTERNS)
