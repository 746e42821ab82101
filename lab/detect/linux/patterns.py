"""How each kind of kernel trouble begins on a console: data, one entry each.

Every entry carries an example line that its expression must match (a test checks it) and the
place in the kernel that prints it. Titles follow syzkaller's conventions, the field's standard.
What is fatal: the guest stopped, or the kernel broke (oops, lockup, stall, hung task): nothing a
product may do to a customer's machine. Not fatal: the kernel complains and goes on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from lab.model import FindingKind


class Role(StrEnum):
    """What an entry does to a report that is already open."""

    CRASH = "crash"
    """Opens a report, and while that is open everything else belongs to it."""
    COMPLAINT = "complaint"
    """Opens a report that any other start closes."""
    HEADER = "header"
    """A line of an open report that opens one only where none is."""
    PANIC = "panic"
    """Kernel panic: ends the boot; joins the report that led to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One way trouble begins. `start` matches at the beginning of an undecorated line.

    Groups of `start`: `function` (symbol+0x1/0x2 or a plain name), `module`, `what` (goes into the
    title). `title` uses {what}, {access} and, where the report names one, ends in ` in FUNCTION`.
    """

    id: str
    kind: FindingKind
    role: Role
    fatal: bool
    start: re.Pattern[str]
    hot: tuple[bytes, ...]
    """Every matching line contains one of these; for the fast search."""
    title: str
    alts: tuple[str, ...] = ()
    in_function: bool = True
    access: bool = False
    """The next lines say `Read of size` or `Write of size`, which belongs to the title."""
    example: str
    source: str


def _re(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.ASCII)


SYMBOL = r"(?P<function>[A-Za-z_][\w.$]{0,200})(?:\+0x[0-9a-f]{1,16}/0x[0-9a-f]{1,16})?"
MODULE = r"(?: \[(?P<module>[\w-]{1,64})[^\]]{0,80}\])?"
PAGE_ALTS = ("BUG: unable to handle kernel paging request", "bad-access")
NULL_ALTS = ("BUG: unable to handle kernel NULL pointer dereference", "bad-access")

PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        id="panic",
        kind=FindingKind.PANIC,
        role=Role.PANIC,
        fatal=True,
        start=_re(r"Kernel panic(?: - not syncing)?: ?(?P<what>.{0,300})"),
        hot=(b"Kernel panic",),
        title="kernel panic: {what}",
        in_function=False,
        example="Kernel panic - not syncing: Fatal exception in interrupt",
        source="kernel/panic.c: panic()",
    ),
    Pattern(
        id="kasan",
        kind=FindingKind.WARNING,
        role=Role.CRASH,
        fatal=False,
        start=_re(
            r"BUG: KASAN: (?:double-free or )?(?P<what>[\w-]{1,60}) (?:in|at|on address)(?: |$)(?:"
            + SYMBOL
            + MODULE
            + ")?"
        ),
        hot=(b"BUG: KASAN: ",),
        title="KASAN: {what} {access}",
        alts=("bad-access",),
        access=True,
        example="BUG: KASAN: slab-out-of-bounds in demo_sensor_match+0x1c2/0x210 [demo_sensor]",
        source="mm/kasan/report.c: print_error_description()",
    ),
    Pattern(
        id="kfence",
        kind=FindingKind.WARNING,
        role=Role.CRASH,
        fatal=False,
        start=_re(r"BUG: KFENCE: (?P<what>[\w -]{1,60}?)(?: in " + SYMBOL + MODULE + ")?$"),
        hot=(b"BUG: KFENCE: ",),
        title="KFENCE: {what}",
        alts=("bad-access",),
        example="BUG: KFENCE: use-after-free read in demo_sensor_match+0x1c2/0x210 [demo_sensor]",
        source="mm/kfence/report.c: kfence_report_error()",
    ),
    Pattern(
        id="kmsan",
        kind=FindingKind.WARNING,
        role=Role.CRASH,
        fatal=False,
        start=_re(r"BUG: KMSAN: (?P<what>[\w-]{1,60}) in " + SYMBOL + MODULE),
        hot=(b"BUG: KMSAN: ",),
        title="KMSAN: {what}",
        example="BUG: KMSAN: uninit-value in demo_sensor_match+0x1c2/0x210 [demo_sensor]",
        source="mm/kmsan/report.c: kmsan_report()",
    ),
    Pattern(
        id="ubsan",
        kind=FindingKind.WARNING,
        role=Role.COMPLAINT,
        fatal=False,
        start=_re(r"UBSAN: (?P<what>[\w -]{1,60}?) in \S{1,300}"),
        hot=(b"UBSAN: ",),
        title="UBSAN: {what}",
        example="UBSAN: array-index-out-of-bounds in drivers/misc/demo.c:120:9",
        source="lib/ubsan.c: ubsan_prologue()",
    ),
    Pattern(
        id="page-fault",
        kind=FindingKind.OOPS,
        role=Role.CRASH,
        fatal=True,
        start=_re(r"BUG: unable to handle page fault for address"),
        hot=(b"BUG: unable to handle ",),
        title="BUG: unable to handle page fault",
        alts=PAGE_ALTS,
        example="BUG: unable to handle page fault for address: ffffb0a3c0045000",
        source="arch/x86/mm/fault.c: show_fault_oops(), since 5.2",
    ),
    Pattern(
        id="null-pointer",
        kind=FindingKind.OOPS,
        role=Role.CRASH,
        fatal=True,
        start=_re(r"BUG: kernel NULL pointer dereference"),
        hot=(b"BUG: kernel NULL pointer",),
        title="BUG: kernel NULL pointer dereference",
        alts=NULL_ALTS,
        example="BUG: kernel NULL pointer dereference, address: 0000000000000008",
        source="arch/x86/mm/fault.c: show_fault_oops(), since 5.2",
    ),
    Pattern(
        id="paging-request",
        kind=FindingKind.OOPS,
        role=Role.CRASH,
        fatal=True,
        start=_re(
            r"(?:BUG: [Uu]|U)nable to handle (?:kernel|unknown) (?:paging request|data access|"
            r"instruction fetch|read from unreadable memory|"
            r"write to read-only memory|execute .{0,40}|access to user memory .{0,40})"
        ),
        hot=(b"nable to handle ",),
        title="BUG: unable to handle kernel paging request",
        alts=("BUG: unable to handle page fault", "bad-access"),
        example="Unable to handle kernel paging request at virtual address ffff800011223344",
        source="arch/arm64/mm/fault.c: die_kernel_fault(); x86 before 5.2",
    ),
    Pattern(
        id="null-pointer-old",
        kind=FindingKind.OOPS,
        role=Role.CRASH,
        fatal=True,
        start=_re(r"(?:BUG: [Uu]|U)nable to handle kernel NULL pointer dereference"),
        hot=(b"nable to handle ",),
        title="BUG: unable to handle kernel NULL pointer dereference",
        alts=("BUG: kernel NULL pointer dereference", "bad-access"),
        example="Unable to handle kernel NULL pointer dereference at virtual address 0000000000000010",
        source="arch/arm64/mm/fault.c: die_kernel_fault(); x86 before 5.2",
    ),
    Pattern(
        id="kernel-bug",
        kind=FindingKind.OOPS,
        role=Role.CRASH,
        fatal=True,
        start=_re(r"kernel BUG at (?P<what>[\w./+-]{1,200})"),
        hot=(b"kernel BUG at ",),
        title="kernel BUG",
        example="kernel BUG at fs/ext4/inode.c:2721!",
        source="lib/bug.c: report_bug()",
    ),
    Pattern(
        id="general-protection",
        kind=FindingKind.OOPS,
        role=Role.CRASH,
        fatal=True,
        start=_re(r"(?:Oops: )?general protection fault(?:[,:]| for )"),
        hot=(b"general protection fault",),
        title="general protection fault",
        alts=("bad-access",),
        example="general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#1]",
        source="arch/x86/kernel/traps.c: exc_general_protection(); `Oops: ` in front since 6.10",
    ),
    Pattern(
        id="trap",
        kind=FindingKind.OOPS,
        role=Role.CRASH,
        fatal=True,
        start=_re(
            r"(?:Oops: |PANIC: )?(?P<what>divide error|invalid opcode|stack segment|double fault|int3|"
            r"segment not present|bounds|alignment check)(?:,|: [0-9a-f]{4} \[#\d)"
        ),
        hot=(
            b"divide error",
            b"invalid opcode",
            b"stack segment",
            b"double fault",
            b"int3",
            b"segment not present",
            b"bounds:",
            b"alignment check",
        ),
        title="{what}",
        example="divide error: 0000 [#1] PREEMPT SMP PTI",
        source="arch/x86/kernel/traps.c: do_error_trap()",
    ),
    Pattern(
        id="oops",
        kind=FindingKind.OOPS,
        role=Role.HEADER,
        fatal=True,
        start=_re(
            r"(?:Internal error: )?(?:Oops|"
            r"synchronous external abort)(?: - \w[\w ]{0,30})?: (?:[0-9a-f]{1,16}|[\w ,:]{1,60}) \[#\d"
        ),
        hot=(b"Oops", b"external abort"),
        title="Oops",
        example="Oops: 0002 [#1] PREEMPT SMP NOPTI",
        source="arch/x86/kernel/dumpstack.c: __die_header(); arch/arm64/kernel/traps.c: __die()",
    ),
    Pattern(
        id="stack-overflow",
        kind=FindingKind.OOPS,
        role=Role.CRASH,
        fatal=True,
        start=_re(
            r"(?:BUG: (?:TASK|IRQ|NMI|#DF) stack guard page was hit|kernel stack overflow|"
            r"Insufficient stack space to handle exception)"
        ),
        hot=(b"stack guard page", b"stack overflow", b"Insufficient stack space"),
        title="kernel stack overflow",
        example="BUG: TASK stack guard page was hit at 00000000a1b2c3d4 (stack is 0000000011..0000000022)",
        source="arch/x86/kernel/traps.c: handle_stack_overflow()",
    ),
    Pattern(
        id="soft-lockup",
        kind=FindingKind.LOCKUP,
        role=Role.CRASH,
        fatal=True,
        start=_re(r"(?:(?:NMI )?watchdog: )?BUG: soft lockup - CPU#\d"),
        hot=(b"BUG: soft lockup",),
        title="BUG: soft lockup",
        alts=("stall",),
        example="watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [demo-sensord:412]",
        source="kernel/watchdog.c: watchdog_timer_fn()",
    ),
    Pattern(
        id="hard-lockup",
        kind=FindingKind.LOCKUP,
        role=Role.CRASH,
        fatal=True,
        start=_re(r"(?:NMI watchdog: |watchdog: )?Watchdog detected hard LOCKUP on cpu"),
        hot=(b"hard LOCKUP",),
        title="hard lockup",
        alts=("stall",),
        example="watchdog: Watchdog detected hard LOCKUP on cpu 1",
        source="kernel/watchdog_perf.c: watchdog_hardlockup_check()",
    ),
    Pattern(
        id="rcu-stall",
        kind=FindingKind.LOCKUP,
        role=Role.CRASH,
        fatal=True,
        start=_re(r"(?:rcu: )?INFO: rcu_\w{1,30} (?:self-)?detected (?:expedited )?stalls? on CPU"),
        hot=(b"INFO: rcu_",),
        title="INFO: rcu detected stall",
        alts=("stall",),
        example="rcu: INFO: rcu_preempt self-detected stall on CPU",
        source="kernel/rcu/tree_stall.h: print_cpu_stall()",
    ),
    Pattern(
        id="hung-task",
        kind=FindingKind.HUNG_TASK,
        role=Role.CRASH,
        fatal=True,
        start=_re(r"INFO: task .{1,80} (?:blocked for more than|can't die for more than) \d"),
        hot=(b"INFO: task ",),
        title="INFO: task hung",
        example="INFO: task demo-sensord:412 blocked for more than 120 seconds.",
        source="kernel/hung_task.c: check_hung_task()",
    ),
    Pattern(
        id="warning",
        kind=FindingKind.WARNING,
        role=Role.COMPLAINT,
        fatal=False,
        start=_re(
            r"WARNING: (?:CPU: \d{1,5} PID: \d{1,10} at \S{1,300}|[\w./-]{1,300}:\d{1,6} at)(?: "
            + SYMBOL
            + MODULE
            + ")?"
        ),
        hot=(b"WARNING: ",),
        title="WARNING",
        example="WARNING: CPU: 0 PID: 412 at drivers/demo.c:88 demo_sensor_match+0x1c2/0x210 [demo_sensor]",
        source="kernel/panic.c: __warn(); `file:line at function` since 6.18",
    ),
    Pattern(
        id="lockdep",
        kind=FindingKind.WARNING,
        role=Role.COMPLAINT,
        fatal=False,
        start=_re(
            r"(?:\[ )?(?:WARNING|INFO|BUG): (?P<what>possible (?:circular locking|recursive locking|"
            r"irq lock inversion)|"
            r"suspicious RCU usage|inconsistent lock state|trying to register non-static key|"
            r"bad unlock balance detected|still has locks held|nested lock was not taken|held lock freed|"
            r"lock held when returning to user space)"
        ),
        hot=(
            b"possible circular",
            b"possible recursive",
            b"possible irq lock",
            b"suspicious RCU",
            b"inconsistent lock",
            b"non-static key",
            b"bad unlock balance",
            b"still has locks",
            b"nested lock was",
            b"held lock freed",
            b"lock held when",
        ),
        title="{what}",
        example="WARNING: possible circular locking dependency detected",
        source="kernel/locking/lockdep.c",
    ),
    Pattern(
        id="bug-other",
        kind=FindingKind.WARNING,
        role=Role.COMPLAINT,
        fatal=False,
        start=_re(
            r"BUG: (?P<what>scheduling while atomic|sleeping function called from invalid context|"
            r"(?:spin|rw)lock [a-z ]{1,30}|KCSAN: data-race|Bad (?:page state|page map|rss-counter state)|"
            r"workqueue lockup|workqueue leaked lock or atomic|using \w{1,40}\(\) in preemptible|"
            r"non-zero pgtables_bytes|Dentry still in use|MAX_LOCK\w{1,20} too low)"
        ),
        hot=(b"BUG: ",),
        title="BUG: {what}",
        example="BUG: scheduling while atomic: demo-sensord/412/0x00000002",
        source="kernel/sched/core.c: __schedule_bug() and others",
    ),
    Pattern(
        id="oom",
        kind=FindingKind.OOM,
        role=Role.COMPLAINT,
        fatal=False,
        start=_re(
            r"(?:(?P<what>[^\s:]{1,64}) invoked oom-killer:|"
            r"(?:Memory cgroup o|"
            r"O)ut of memory(?: \(oom_kill_allocating_task\))?: Killed process \d{1,10} \()"
        ),
        hot=(b"invoked oom-killer", b"ut of memory"),
        title="out of memory",
        in_function=False,
        example="demo-sensord invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE), order=0",
        source="mm/oom_kill.c: dump_header(), __oom_kill_process()",
    ),
    Pattern(
        id="initramfs-shell",
        kind=FindingKind.BOOT_FAILURE,
        role=Role.COMPLAINT,
        fatal=True,
        start=_re(
            r"(?:ALERT! .{1,200}Dropping to a shell|Gave up waiting for (?:root|suspend)|\(initramfs\))"
        ),
        hot=(b"Dropping to a shell", b"Gave up waiting for ", b"(initramfs)"),
        title="initramfs shell instead of the system",
        in_function=False,
        example="ALERT!  /dev/vda1 does not exist.  Dropping to a shell!",
        source="initramfs-tools: scripts/functions panic(), scripts/local",
    ),
    Pattern(
        id="emergency-shell",
        kind=FindingKind.BOOT_FAILURE,
        role=Role.COMPLAINT,
        fatal=True,
        start=_re(
            r"(?:You are in (?:emergency|rescue) mode|Entering emergency mode\.|"
            r"Generating \"/run/initramfs/rdsosreport)"
        ),
        hot=(b"You are in ", b"Entering emergency mode", b"rdsosreport"),
        title="emergency shell instead of the system",
        in_function=False,
        example='You are in emergency mode. After logging in, type "journalctl -xb" to view system logs',
        source="systemd: src/sulogin-shell/sulogin-shell.c; dracut: emergency.service",
    ),
    Pattern(
        id="nothing-to-boot",
        kind=FindingKind.BOOT_FAILURE,
        role=Role.COMPLAINT,
        fatal=True,
        start=_re(
            r"(?:No bootable device\.|BdsDxe: No bootable option or device was found|grub rescue>|"
            r".{0,80}UEFI Interactive Shell v\d)"
        ),
        hot=(b"No bootable ", b"grub rescue>", b"UEFI Interactive Shell"),
        title="firmware or boot loader found no system",
        in_function=False,
        example="BdsDxe: No bootable option or device was found.",
        source="SeaBIOS boot.c, EDK2 BdsDxe, GRUB kern/rescue_reader.c",
    ),
)

SECONDARY = re.compile(
    r"(?:Fatal exception|panic_on_|softlockup|hung_task|RCU Stall|Hard LOCKUP|Oops|die|kernel: panic_on|"
    r"Attempted to kill (?:init|the idle task)|Aiee|Fatal machine check|KFENCE|UBSAN|System is deadlocked|"
    r"Out of memory|sysrq triggered crash)",
    re.ASCII | re.IGNORECASE,
)
"""Panics that end what an earlier report began: their reason names no bug of its own."""

BOOT = re.compile(
    r"(?:Linux version \d|Booting Linux on physical CPU|SeaBIOS \(version |BdsDxe: (?:loading|starting) Boot|"
    r"UEFI firmware \(version |Welcome to GRUB!|GRUB (?:version|loading)|Booting `|iPXE \(|"
    r"Decompressing Linux|EFI stub: )",
    re.ASCII,
)
"""A line that only a machine that starts can print: what is open on the console ends here."""

BOOT_HOT: tuple[bytes, ...] = (
    b"Linux version ",
    b"Booting ",
    b"SeaBIOS ",
    b"BdsDxe: ",
    b"UEFI firmware ",
    b"GRUB",
    b"iPXE ",
    b"Decompressing Linux",
    b"EFI stub: ",
)
