"""Reports of the kernel's sanitizers: KASAN, KFENCE, KMSAN, KCSAN, UBSAN. Not fatal by themselves."""

from __future__ import annotations

from lab.detect.linux.patterns.pattern import MODULE, PLACE, SYMBOL, Blame, Pattern, rx
from lab.model import FindingKind

ACCESS = rx(r"(?P<access>Read|Write) (?:of size \d|at addr [0-9a-f])")
FREEING = rx(r".*(?:slab_|kfree|vunmap|vfree|kmem_)")

SANITIZERS: tuple[Pattern, ...] = (
    Pattern(
        id="kasan-free",
        kind=FindingKind.SANITIZER,
        blame=Blame.NAMED,
        start=rx(
            r"BUG: KASAN: (?:double-free or invalid-free|double-free|invalid-free) in " + SYMBOL + MODULE
        ),
        hot=(b"BUG: KASAN: ",),
        title="KASAN: invalid-free",
        alts=("invalid-free",),
        skip=FREEING,
        example="BUG: KASAN: double-free in demo_sensor_stop+0x1c2/0x210 [demo_sensor]",
        source="mm/kasan/report.c: kasan_report_invalid_free()",
    ),
    Pattern(
        id="kasan-at-addr",
        kind=FindingKind.SANITIZER,
        blame=Blame.NAMED,
        start=rx(r"BUG: KASAN: (?P<what>[\w-]{1,60}) in " + SYMBOL + MODULE + r" at addr [0-9a-f]+"),
        hot=(b"BUG: KASAN: ",),
        title="KASAN: {what} {access}",
        alts=("bad-access",),
        detail=ACCESS,
        example="BUG: KASAN: slab-out-of-bounds in demo_sensor_match+0x1c2/0x210 at addr ffff88003a6bd110",
        source="mm/kasan/report.c: print_error_description() before 4.11",
    ),
    Pattern(
        id="kasan",
        kind=FindingKind.SANITIZER,
        blame=Blame.NAMED,
        start=rx(r"BUG: KASAN: (?P<what>[\w-]{1,60}) in " + SYMBOL + MODULE),
        hot=(b"BUG: KASAN: ",),
        title="KASAN: {what} {access}",
        alts=("bad-access",),
        skip=rx(r".*(?:kernel_fault|tag_check|mem_abort)|el1h?_"),
        detail=ACCESS,
        example="BUG: KASAN: slab-out-of-bounds in demo_sensor_match+0x1c2/0x210 [demo_sensor]",
        source="mm/kasan/report.c: print_error_description()",
    ),
    Pattern(
        id="kasan-nowhere",
        kind=FindingKind.SANITIZER,
        start=rx(r"BUG: KASAN: (?P<what>[\w-]{1,60})(?: (?:in|on address|at) ?\S*)?"),
        hot=(b"BUG: KASAN: ",),
        title="KASAN: {what} {access}",
        detail=ACCESS,
        broken="the report names no function",
        example="BUG: KASAN: wild-memory-access on address ffe7087450a17000",
        source="mm/kasan/report.c: print_error_description()",
    ),
    Pattern(
        id="kfence",
        kind=FindingKind.SANITIZER,
        blame=Blame.NAMED,
        start=rx(r"BUG: KFENCE: (?P<what>[\w -]{1,60}?)(?: in " + SYMBOL + MODULE + ")?$"),
        hot=(b"BUG: KFENCE: ",),
        title="KFENCE: {what}",
        alts=("bad-access", "invalid-free"),
        example="BUG: KFENCE: use-after-free read in demo_sensor_match+0x1c2/0x210 [demo_sensor]",
        source="mm/kfence/report.c: kfence_report_error()",
    ),
    Pattern(
        id="kmsan",
        kind=FindingKind.SANITIZER,
        blame=Blame.NAMED,
        start=rx(r"BUG: KMSAN: (?P<what>[\w-]{1,60})(?: in " + SYMBOL + MODULE + ")?"),
        hot=(b"BUG: KMSAN: ",),
        title="KMSAN: {what}",
        alts=("bad-access",),
        skip=rx(
            r".*(?:alloc_skb|netlink_ack|netlink_rcv_skb|usb_submit_urb|usb_start_wait_urb|usb_bulk_msg|"
            r"usb_interrupt_msg|usb_control_msg|crypto_|_(?:en|de)crypt$)"
        ),
        example="BUG: KMSAN: uninit-value in demo_sensor_match+0x1c2/0x210 [demo_sensor]",
        source="mm/kmsan/report.c: kmsan_report()",
    ),
    Pattern(
        id="kcsan",
        kind=FindingKind.SANITIZER,
        start=rx(r"BUG: KCSAN: (?P<what>[^+]{1,300})"),
        hot=(b"BUG: KCSAN: ",),
        title="KCSAN: {what}",
        stackless=True,
        example="BUG: KCSAN: data-race in demo_sensor_match / demo_sensor_stop",
        source="kernel/kcsan/report.c: print_report()",
    ),
    Pattern(
        id="ubsan-old",
        kind=FindingKind.SANITIZER,
        blame=Blame.STACK,
        start=rx(r"UBSAN: Undefined behaviour in "),
        hot=(b"UBSAN: ",),
        title="UBSAN: undefined-behaviour",
        skip=rx(r".*(?:ubsan|overflow)"),
        example="UBSAN: Undefined behaviour in drivers/misc/demo.c:120:9",
        source="lib/ubsan.c: ubsan_prologue() before 5.10",
    ),
    Pattern(
        id="ubsan",
        kind=FindingKind.SANITIZER,
        blame=Blame.STACK,
        start=rx(r"(?:Internal error: )?UBSAN: (?P<what>[\w -]{1,60}?)(?: in \S{1,300}|: )" + PLACE),
        hot=(b"UBSAN: ",),
        title="UBSAN: {what}",
        alts=("bad-access",),
        skip=rx(r".*(?:ubsan|overflow)"),
        example="UBSAN: array-index-out-of-bounds in drivers/misc/demo.c:120:9",
        source="lib/ubsan.c: ubsan_prologue()",
    ),
)
"""In the order in which they are tried."""
