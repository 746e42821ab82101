"""Traps and faults in kernel mode: the oopses. Each breaks the kernel, whether or not it panics."""

from __future__ import annotations

from lab.detect.linux.patterns.pattern import Blame, Pattern, Role, rx
from lab.model import FindingKind

PAGING = "BUG: unable to handle kernel paging request"
NULL = "BUG: unable to handle kernel NULL pointer dereference"
DIE = (*(b" [#%d" % number for number in range(1, 10)), b"code[#", b"ected[#", b"ccess[#", b"Oops[#")
"""What every oops header ends in: the number of the oops. MIPS and LoongArch put no space before it."""
CPU = r"(?:CPU \d{1,5} )?"
"""Before the fault of MIPS and LoongArch."""
ENDING = r" ?\[#\d{1,4}\](?=:?$| (?:PREEMPT|SMP|DEBUG_PAGEALLOC|KASAN|KCSAN|N?O?PTI|RT|ARM|THUMB2|MODULES)\b)"
"""The number of the oops, and what of the kernel's configuration may follow it."""

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
        start=rx(CPU + r"(?:BUG: )?[Uu]nable to handle kernel NULL pointer dereference"),
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
            CPU + r"(?:BUG: )?[Uu]nable to handle (?:kernel|unknown) (?:paging request|data access|"
            r"pointer dereference|instruction fetch|"
            r"[a-z][a-z -]{2,60} (?:at (?:virtual )?|in |for )(?:address|virtual|kernel|user|data))"
        ),
        hot=(b"BUG: ", b"Unable to handle"),
        title=PAGING,
        alts=("bad-access", "BUG: unable to handle page fault"),
        example="Unable to handle kernel paging request at virtual address ffff800011223344",
        source="arch/arm64/mm/fault.c: die_kernel_fault(); arch/s390, powerpc, mips, "
        "loongarch, riscv mm/fault.c; arch/x86/mm/fault.c before 5.2",
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
        start=rx(r"(?:PANIC: |traps: PANIC: |Oops: )?double fault(?:,|: [0-9a-f]{1,8} \[#)"),
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
        start=rx(r"Unhandled (?:fault|prefetch abort): .{1,80}\(0x[0-9a-f]+\) at (?:0x)?[0-9a-f]"),
        hot=(b"Unhandled fault: ", b"Unhandled prefetch"),
        title="Unhandled fault",
        alts=("bad-access",),
        prelude=True,
        example="Unhandled fault: page domain fault (0x01b) at 0x00000ea3",
        source="arch/arm/mm/fault.c: do_DataAbort(), do_PrefetchAbort(); arch/arm64/mm/fault.c until 5.4",
    ),
    Pattern(
        id="alignment-trap",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.POINTER,
        start=rx(r"Alignment trap: not handling instruction"),
        hot=(b"Alignment trap: not",),
        title="Alignment trap",
        prelude=True,
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
            r"(?:Oops(?: - [\w ()/.,-]{1,60})?: (?:[0-9a-f]{1,16}|[\w ,.]{1,80}:? ?[0-9a-f]{0,16}) \[#\d|"
            r"Oops: (?:Exception in kernel mode|Kernel access of bad area|Machine check|Bad kernel|"
            r"Kernel stack overflow|Weird)|"
            r"(?:Oops(?: - [\w ()/.,-]{1,60})?|Kernel BUG|Fatal exception) ?\[#\d|"
            r"[A-Za-z][\w ()/,-]{3,60}: [0-9a-f]{4} ilc:\d \[#\d|"
            r"(?:illegal (?:operation|op)|operation exception|specification exception|privileged op|"
            r"addressing exception|protection exception|fixpoint divide exception|"
            r"fixed point divide exception|monitor event|kernel stack overflow|Kernel mode fault at|"
            r"data exception): [0-9a-f]{4} \[#\d|"
            r"(?:[A-Z][a-z]+ instruction in kernel code|Kernel bug detected|"
            r"Unhandled kernel unaligned access|Kernel (?:unaligned access at|paging request)\S{0,20}|"
            r"Kernel \w{2,10} access)\[#\d)"
        ),
        hot=(*DIE, b"Oops: "),
        title="Oops",
        example="Oops: 0002 [#1] PREEMPT SMP NOPTI",
        source="arch/x86/kernel/dumpstack.c: __die_header(); arch/riscv, powerpc, mips, loongarch "
        "kernel/traps.c; arch/s390/kernel/dumpstack.c: die()",
    ),
    Pattern(
        id="die",
        kind=FindingKind.OOPS,
        fatal=True,
        role=Role.HEADER,
        blame=Blame.POINTER,
        stamped=True,
        start=rx(r"(?P<what>[A-Za-z][\w ,()/'-]{3,70}?)(?:: [0-9a-f]{1,16})?" + ENDING),
        hot=DIE,
        title="{what}",
        example="machine check in kernel mode: 0007 [#1] SMP",
        source="die() of every architecture: what it is called with, the error code, the number of the oops",
    ),
    Pattern(
        id="early-exception",
        kind=FindingKind.PANIC,
        fatal=True,
        blame=Blame.POINTER,
        start=rx(r"PANIC: early exception (?:0x)?[0-9a-f]{1,2}\b"),
        hot=(b"PANIC: early exc",),
        title="PANIC: early exception",
        stackless=True,
        example="PANIC: early exception 0x0e IP 10:ffffffff81a2b3c4 error 0 cr2 0x10",
        source="arch/x86/mm/extable.c: early_fixup_exception(); arch/x86/kernel/head_64.S before 4.7",
    ),
)
"""In the order in which they are tried."""
