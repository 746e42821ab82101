"""Too little memory, and hardware that reports errors: said by the kernel, survived by it."""

from __future__ import annotations

from lab.detect.linux.patterns.pattern import Pattern, rx
from lab.model import FindingKind

MEMORY: tuple[Pattern, ...] = (
    Pattern(
        id="oom",
        kind=FindingKind.OOM,
        yields=True,
        start=rx(
            r"(?:(?P<what>[^:]{1,64}) invoked oom-killer:|"
            r"(?:Memory cgroup o|O)ut of memory(?: \([\w ]{1,40}\))?: Kill(?:ed)? process \d{1,10} \()"
        ),
        hot=(b"invoked oom-killer", b"ut of memory: Kill", b"ut of memory (oom"),
        title="out of memory: {what}",
        stackless=True,
        example="demo-sensord invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE), order=0",
        source="mm/oom_kill.c: dump_header(), __oom_kill_process()",
    ),
    Pattern(
        id="allocation-failure",
        kind=FindingKind.WARNING,
        start=rx(r"[^:]{1,64}: (?:page allocation (?:failure|stalls)|vmalloc (?:error|size|allocation))"),
        hot=(b"page allocation failure", b"page allocation stalls", b": vmalloc error"),
        title="page allocation failure",
        stackless=True,
        example="demo-sensord: page allocation failure: order:5, mode:0x40dc0(GFP_KERNEL|__GFP_COMP)",
        source="mm/page_alloc.c: warn_alloc()",
    ),
    Pattern(
        id="machine-check",
        kind=FindingKind.WARNING,
        yields=True,
        start=rx(
            r"(?:mce: )?\[Hardware Error\]: (?:CPU \d{1,5}: Machine Check|Machine check events logged|"
            r"Hardware error from APEI)|CPU \d{1,5}: Machine Check Exception|"
            r"(?:\{\d{1,4}\})?\[Hardware Error\]: (?:Hardware error from APEI|It has been corrected)|"
            r"Machine check events logged"
        ),
        hot=(b"[Hardware Error]", b"Machine Check Exception", b"Machine check events"),
        title="machine check",
        stackless=True,
        example="mce: [Hardware Error]: Machine check events logged",
        source="arch/x86/kernel/cpu/mce/core.c; drivers/acpi/apei/ghes.c",
    ),
    Pattern(
        id="irq-nobody-cared",
        kind=FindingKind.WARNING,
        start=rx(r"irq \d{1,6}: nobody cared"),
        hot=(b": nobody cared",),
        title="irq: nobody cared",
        stackless=True,
        example='irq 16: nobody cared (try booting with the "irqpoll" option)',
        source="kernel/irq/spurious.c: __report_bad_irq()",
    ),
    Pattern(
        id="nmi-unknown",
        kind=FindingKind.WARNING,
        yields=True,
        start=rx(r"(?:NMI: IOCK error|Uhhuh\. NMI received for unknown reason|NMI: PCI system error)"),
        hot=(b"NMI received for unknown", b"NMI: IOCK error", b"NMI: PCI system"),
        title="unknown NMI",
        stackless=True,
        example="Uhhuh. NMI received for unknown reason 3d on CPU 0.",
        source="arch/x86/kernel/nmi.c: unknown_nmi_error()",
    ),
)
"""In the order in which they are tried."""
