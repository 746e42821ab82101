"""The catalogue of patterns keeps its own promises."""

from __future__ import annotations

import re

import pytest

from lab.detect.linux.console import HOT, find
from lab.detect.linux.frames import CARRIERS, FRAME, POINTER, frame, guilty, pointer, stack_frame
from lab.detect.linux.patterns import BOOT, BOOT_HOT, PATTERNS, Pattern
from lab.detect.linux.reports import BODY

EACH = pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)


@EACH
def test_the_example_is_found_as_itself(pattern: Pattern) -> None:
    found, match = find(pattern.example)
    assert found is pattern
    assert match is not None


@EACH
def test_the_fast_search_sees_the_example(pattern: Pattern) -> None:
    raw = pattern.example.encode()
    assert any(word in raw for word in pattern.hot)
    assert HOT.search(raw)


@EACH
def test_title_and_source_are_given(pattern: Pattern) -> None:
    assert pattern.source
    assert pattern.title.format(what="x", access="Read")
    assert "(?P<what>" in pattern.start.pattern or "{what}" not in pattern.title


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


@pytest.mark.parametrize(
    "hostile", ["a" * 2000, "[" * 2000, "BUG: " * 400, "0 " * 1000, "x.isra." * 300, "? " * 1000]
)
@pytest.mark.timeout(30)
def test_no_expression_explodes_on_hostile_lines(hostile: str) -> None:
    for expression in (*(pattern.start for pattern in PATTERNS), FRAME, POINTER, CARRIERS, BODY):
        for text in (
            hostile,
            "INFO: task " + hostile,
            "WARNING: CPU: 0 PID: 1 at " + hostile,
            "RIP: 0010:" + hostile,
        ):
            expression.match(text[:2048])


@pytest.mark.parametrize(
    ("text", "function", "module"),
    [
        ("RIP: 0010:demo_sensor_match+0x2a/0x60 [demo_sensor]", "demo_sensor_match", "demo_sensor"),
        ("RIP: 0010:[<ffffffffc0012345>]  [<ffffffffc0012345>] old_style+0x1/0x2 [m]", "old_style", "m"),
        ("EIP: thirty_two+0x1/0x2", "thirty_two", ""),
        ("pc : arm_function+0x10/0x90 [mod 0123abcd]", "arm_function", "mod"),
        ("PC is at arm_old+0x10/0x90", "arm_old", ""),
        ("RIP: 0010:optimised.isra.0+0x1/0x2", "optimised", ""),
    ],
)
def test_the_instruction_pointer_is_read(text: str, function: str, module: str) -> None:
    found = pointer(text)
    assert found is not None
    assert (found.function, found.module) == (function, module)


def test_a_user_space_pointer_is_nobodys() -> None:
    assert pointer("RIP: 0033:0x7f12a3b4c5d6") is None


def test_frames_the_unwinder_doubts_are_left_out() -> None:
    assert stack_frame("? __die_body.cold+0x1a/0x1f") is None
    assert stack_frame("vfs_write+0xbc/0x3d0") == frame("vfs_write", None)
    assert stack_frame("[<ffffffff81234567>] vfs_write+0xbc/0x3d0") == frame("vfs_write", None)


def test_the_guilty_frame_is_the_first_that_does_not_only_carry_the_news() -> None:
    frames = [frame("memcpy", None), frame("_raw_spin_lock", None), frame("demo_copy", "demo_sensor")]
    assert guilty(frames) == frame("demo_copy", "demo_sensor")
    assert guilty(frames[:2]) == frame("memcpy", None)
    assert guilty([]) is None


def test_all_names_of_a_system_call_are_one() -> None:
    names = ("__x64_sys_mount", "__se_sys_mount", "SyS_mount", "sys_mount", "__arm64_sys_mount")
    assert {frame(name, None).function for name in names} == {"sys_mount"}


def test_no_pattern_matches_an_empty_line() -> None:
    assert find("") == (None, None)
    assert not any(re.fullmatch(pattern.start, "") for pattern in PATTERNS)
