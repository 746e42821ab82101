"""Kernel panics, and what ends a kernel outside of Linux proper."""

from __future__ import annotations

from lab.detect.linux.patterns.pattern import MODULE, SYMBOL, Blame, Pattern, Role, rx
from lab.model import FindingKind

PANIC = r"Kernel panic(?: - not syncing)?: ?"

PANICS: tuple[Pattern, ...] = (
    Pattern(
        id="stack-corrupted",
        kind=FindingKind.PANIC,
        fatal=True,
        role=Role.PANIC,
        blame=Blame.NAMED,
        start=rx(
            PANIC + r"(?P<what>stack-protector: Kernel stack is corrupted in: )(?:" + SYMBOL + MODULE + ")?"
        ),
        hot=(b"Kernel panic",),
        title="kernel panic: stack is corrupted",
        skip=rx(r".*stack_chk"),
        stackless=True,
        example="Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: demo+0x1f/0x30",
        source="kernel/panic.c: __stack_chk_fail()",
    ),
    Pattern(
        id="stack-end",
        kind=FindingKind.PANIC,
        fatal=True,
        role=Role.PANIC,
        blame=Blame.STALL,
        start=rx(PANIC + r"(?P<what>corrupted stack end detected inside scheduler)"),
        hot=(b"Kernel panic",),
        title="kernel panic: corrupted stack end",
        alts=("stack-overflow",),
        skip=rx(r".*schedule|retint_kernel"),
        example="Kernel panic - not syncing: corrupted stack end detected inside scheduler",
        source="kernel/sched/core.c: schedule_debug()",
    ),
    Pattern(
        id="panic-stack-overflow",
        kind=FindingKind.OOPS,
        fatal=True,
        role=Role.PANIC,
        blame=Blame.STALL,
        start=rx(PANIC + r"(?P<what>kernel stack overflow)"),
        hot=(b"Kernel panic",),
        title="kernel stack overflow",
        alts=("stack-overflow",),
        skip=rx(r".*bad_stack"),
        example="Kernel panic - not syncing: kernel stack overflow",
        source="arch/arm64/kernel/traps.c: panic_bad_stack()",
    ),
    Pattern(
        id="panic",
        kind=FindingKind.PANIC,
        fatal=True,
        role=Role.PANIC,
        start=rx(r"Kernel panic(?: - not syncing)?:? ?(?P<what>.{0,300})"),
        hot=(b"Kernel panic",),
        title="kernel panic: {what}",
        example="Kernel panic - not syncing: Fatal exception in interrupt",
        source="kernel/panic.c: panic()",
    ),
    Pattern(
        id="trusty-assert",
        kind=FindingKind.OOPS,
        fatal=True,
        start=rx(r"trusty: .{0,120}?ASSERT FAILED at .{1,200}?\): (?P<what>.{1,200})"),
        hot=(b"ASSERT FAILED at",),
        title="trusty: ASSERT FAILED: {what}",
        stackless=True,
        example="trusty: panic (caller 0xffff): DEBUG ASSERT FAILED at (lib/demo.c:12): x != NULL",
        source="Trusty OS, lib/debug: panic(), logged by drivers/trusty/trusty-log.c",
    ),
    Pattern(
        id="trusty",
        kind=FindingKind.OOPS,
        fatal=True,
        start=rx(r"trusty: panic(?: \(.{1,120}?\))?: (?P<what>.{1,200})"),
        hot=(b"trusty: panic",),
        title="trusty: panic: {what}",
        stackless=True,
        example="trusty: panic (caller 0xffff): failed to start app",
        source="Trusty OS, lib/debug: panic(), logged by drivers/trusty/trusty-log.c",
    ),
)
"""In the order in which they are tried."""

SECONDARY = rx(
    r"(?i:Fatal exception|panic_on_|softlockup|hung_task|RCU Stall|Hard LOCKUP|Oops|die|kernel: panic_on|"
    r"Attempted to kill the idle task|Aiee|Fatal machine check|KFENCE|KASAN|KCSAN|KMSAN|UBSAN|"
    r"System is deadlocked|"
    r"Out of memory|sysrq triggered crash|double fault|Machine halted|scheduling while atomic|bad mode|"
    r"Unrecoverable|NMI: |Asynchronous SError|stack overflow|kernel stack overflow)"
)
"""Panics that end what an earlier report began: their reason names no bug of its own."""

TRUNCATED = rx(r"(?i:Fatal exception|panic_on_|hung_task: blocked|kernel: panic_on)")
"""Reasons that always follow a report; alone they mean that the report was lost."""
