"""Traps and faults in kernel mode: the oopses. Each breaks the kernel, whether or not it panics."""

from __future__ import annotations

from lab.detect.linux.patterns.pattern import Blame, Pattern, Role, rx
from lab.model import FindingKind

PAGING = "BUG: unable to handle kernel paging request"
NULL = "BUG: unable to handle kernel NULL pointer dereference"
DIE = tuple(b" [#%d" % number for number in range(1, 10))
"""What every oops header ends in: the number of the oops."""

OOPSES: tuple[Pattern, ...] = (
    Pattern(
        id="page-fault",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.POINTER,
        start=rx(r"BUG: unable to handle page fault for address"),
        hot=(b"BUG: ",),
        title=PAGING,
        alts=("bad-access", "BUG: unable to handle page fault"),
        example="BUG: unable to handle page fault for address: ffffb0a3c0045000",
        source="arch/x86/mm/fault.c: show_fault_oops(), since 5.2",
    ),
    Pattern(
        id="null-pointer",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.POINTER,
        start=rx(r"BUG: [Kk]ernel NULL pointer dereference"),
        hot=(b"BUG: ",),
        title=NULL,
        alts=("bad-access", "BUG: kernel NULL pointer dereference"),
        example="BUG: kernel NULL pointer dereference, address: 0000000000000008",
        source="arch/x86/mm/fault.c: show_fault_oops(), since 5.2; arch/powerpc/mm/fault.c",
    ),
    Pattern(
        id="null-pointer-old",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.POINTER,
        start=rx(r"(?:BUG: )?[Uu]nable to handle kernel NULL pointer dereference"),
        hot=(b"BUG: ", b"Unable to handle"),
        title=NULL,
        alts=("bad-access", "BUG: kernel NULL pointer dereference"),
        example="Unable to handle kernel NULL pointer dereference at virtual address 0000000000000010",
        source="arch/arm64/mm/fault.c: die_kernel_fault(); arch/x86/mm/fault.c before 5.2",
    ),
    Pattern(
        id="user-access",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.POINTER,
        start=rx(r"(?:BUG: )?Unable to handle kernel access to user memory"),
        hot=(b"Unable to handle",),
        title="BUG: unable to handle kernel access to user memory",
        alts=("bad-access",),
        example="Unable to handle kernel access to user memory outside uaccess routines at virtual "
        "address 0000000020000000",
        source="arch/arm64/mm/fault.c: do_page_fault(); arch/riscv/mm/fault.c",
    ),
    Pattern(
        id="paging-request",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.POINTER,
        start=rx(
            r"(?:BUG: )?[Uu]nable to handle (?:kernel|unknown) (?:paging request|data access|"
            r"pointer dereference|instruction fetch|read from unreadable memory|"
            r"write to read-only memory|execut\w{1,10} )"
        ),
        hot=(b"BUG: ", b"Unable to handle"),
        title=PAGING,
        alts=("bad-access", "BUG: unable to handle page fault"),
        example="Unable to handle kernel paging request at virtual address ffff800011223344",
        source="arch/arm64/mm/fault.c: die_kernel_fault(); arch/s390/mm/fault.c; "
        "arch/powerpc/mm/fault.c; arch/x86/mm/fault.c before 5.2",
    ),
    Pattern(
        id="fault-cut-off",
        kind=FindingKind.OOPS,
        fatal=True,
        start=rx(r"BUG: [Uu]nable to handle kernel\b"),
        hot=(b"BUG: ",),
        title="BUG: unable to handle kernel",
        broken="the line that names the fault was cut off",
        example="BUG: unable to handle kernel",
        source="arch/x86/mm/fault.c: show_fault_oops() before 4.21 printed it in two pieces",
    ),
    Pattern(
        id="general-protection",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.POINTER,
        start=rx(r"(?:Oops: )?general protection fault(?=[,:]| maybe| for )(?!.{0,80} error:\d+ in )"),
        hot=(b"general protection fault",),
        title="general protection fault",
        alts=("bad-access",),
        example="general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#1]",
        source="arch/x86/kernel/traps.c: exc_general_protection(); `Oops: ` in front since 6.10",
    ),
    Pattern(
        id="stack-segment",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.POINTER,
        start=rx(r"(?:Oops: )?stack segment: [0-9a-f]{4} \[#"),
        hot=DIE,
        title="stack segment fault",
        example="stack segment: 0000 [#1] PREEMPT SMP KASAN",
        source="arch/x86/kernel/traps.c: exc_stack_segment()",
    ),
    Pattern(
        id="divide-error",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.POINTER,
        start=rx(r"(?:Oops: )?divide[ _]error: [0-9a-f]{4} \[#"),
        hot=DIE,
        title="divide error",
        example="divide error: 0000 [#1] PREEMPT SMP PTI",
        source="arch/x86/kernel/traps.c: exc_divide_error()",
    ),
    Pattern(
        id="double-fault",
        kind=FindingKind.PANIC,
        fatal=True,
        blame=Blame.POINTER,
        start=rx(r"(?:PANIC: |traps: PANIC: )?double fault(?:,|: [0-9a-f]{1,8} \[#)"),
        hot=(b"double fault",),
        title="PANIC: double fault",
        example="PANIC: double fault, error_code: 0x0",
        source="arch/x86/kernel/traps.c: exc_double_fault()",
    ),
    Pattern(
        id="stack-guard",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.STALL,
        start=rx(r"BUG: (?:[\w#]{1,20} )?stack guard page was hit at"),
        hot=(b"BUG: ",),
        title="BUG: stack guard page was hit",
        alts=("stack-overflow",),
        example="BUG: TASK stack guard page was hit at 00000000a1b2c3d4 (stack is 0000000011..0000000022)",
        source="arch/x86/kernel/traps.c: handle_stack_overflow()",
    ),
    Pattern(
        id="stack-overflow-arm64",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.STALL,
        start=rx(r"Insufficient stack space to handle exception!"),
        hot=(b"Insufficient stack space",),
        title="kernel stack overflow",
        alts=("stack-overflow",),
        example="Insufficient stack space to handle exception!",
        source="arch/arm64/kernel/traps.c: panic_bad_stack(); arch/riscv/kernel/traps.c",
    ),
    Pattern(
        id="unhandled-fault",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.POINTER,
        start=rx(r"Unhandled fault: .{1,80}\(0x[0-9a-f]+\) at 0x"),
        hot=(b"Unhandled fault: ",),
        title="Unhandled fault",
        alts=("bad-access",),
        example="Unhandled fault: page domain fault (0x01b) at 0x00000ea3",
        source="arch/arm/mm/fault.c: do_DataAbort()",
    ),
    Pattern(
        id="alignment-trap",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.POINTER,
        start=rx(r"Alignment trap: not handling instruction"),
        hot=(b"Alignment trap: not",),
        title="Alignment trap",
        example="Alignment trap: not handling instruction e1923f9f at [<c0123456>]",
        source="arch/arm/mm/alignment.c: do_alignment()",
    ),
    Pattern(
        id="trap",
        kind=FindingKind.OOPS,
        fatal=True,
        role=Role.HEADER,
        blame=Blame.POINTER,
        start=rx(
            r"(?:Oops: )?(?P<what>invalid opcode|int3|segment not present|bounds|alignment check|overflow|"
            r"invalid TSS|device not available|coprocessor (?:error|segment overrun)|simd exception|"
            r"control protection|#VC exception|debug): [0-9a-f]{4,8} \[#"
        ),
        hot=DIE,
        title="{what}",
        example="invalid opcode: 0000 [#1] PREEMPT SMP PTI",
        source="arch/x86/kernel/traps.c: do_error_trap()",
    ),
    Pattern(
        id="internal-error",
        kind=FindingKind.OOPS,
        fatal=True,
        role=Role.HEADER,
        blame=Blame.POINTER,
        start=rx(r"Internal error: (?!.{0,60}ACPI).{0,80} \[#\d"),
        hot=(b"Internal error: ",),
        title="Internal error",
        alts=("bad-access",),
        example="Internal error: Oops: 0000000096000004 [#1] PREEMPT SMP",
        source="arch/arm64/kernel/traps.c: __die(); arch/arm/kernel/traps.c",
    ),
    Pattern(
        id="oops",
        kind=FindingKind.OOPS,
        fatal=True,
        role=Role.HEADER,
        blame=Blame.POINTER,
        start=rx(
            r"(?:Oops(?: - [\w ]{1,40})?: (?:[0-9a-f]{1,16}|[\w ,.]{1,80}:? ?[0-9a-f]{0,16}) \[#\d|"
            r"Oops: (?:Exception in kernel mode|Kernel access of bad area|Machine check|Bad kernel|"
            r"Kernel stack overflow|Weird)|Oops\[#\d|"
            r"(?:illegal (?:operation|op)|specification exception|privileged op|addressing exception|"
            r"protection exception|fixpoint divide exception|monitor event|kernel stack overflow|"
            r"Kernel mode fault at|data exception): [0-9a-f]{4} (?:ilc:\d )?\[#\d|"
            r"Kernel (?:bug detected|unaligned access at|paging request)\S{0,20}\[#\d)"
        ),
        hot=(*DIE, b"Oops: ", b"Oops[#"),
        title="Oops",
        example="Oops: 0002 [#1] PREEMPT SMP NOPTI",
        source="arch/x86/kernel/dumpstack.c: __die_header(); arch/riscv, powerpc, mips kernel/traps.c; "
        "arch/s390/kernel/dumpstack.c: die()",
    ),
)
"""In the order in which they are tried."""
