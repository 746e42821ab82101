"""WARN() and its likes, by the subsystem whose check failed. Not fatal unless panic_on_warn is set."""

from __future__ import annotations

from lab.detect.linux.patterns.pattern import CONDITION, PLACE, Blame, Pattern, rx
from lab.model import FindingKind

AT = r"WARNING: (?:CPU: \d{1,5} PID: \d{1,10} )?(?:at ?)?" + CONDITION
"""`WARNING: CPU: 0 PID: 1 at file:line function`; `WARNING: file:line at function` since 6.18."""
KERNELS = (
    r"WARNING: (?:(?:CPU: \d{1,5} PID: \d{1,10} )?at |"
    r"(?=.{1,500}:\d{1,6} (?:(?:at )?[\w.$]{1,200}\+0x|at (?:0x|\()|for \w{1,40}\(\)))(?:at)?|"
    r"(?=\S{1,300}\.(?:c|h|S|rs):\d{1,6}(?: at)?$))"
)
"""Programs warn of `WARNING: host:22` too: where `at` is missing, a function must follow, or nothing."""
LINE = r":\d{1,6}(?: at| for)?"
TAIL = r".{0,200}"
USB = rx(r"usb_(?:submit_urb|start_wait_urb|bulk_msg|interrupt_msg|control_msg)")


def _warning(
    name: str,
    where: str,
    title: str,
    skip: str,
    example: str,
    source: str,
    kind: FindingKind = FindingKind.WARNING,
) -> Pattern:
    return Pattern(
        id=name,
        kind=kind,
        blame=Blame.POINTER,
        start=rx(where if where.startswith(KERNELS) else AT + where),
        hot=(b"WARNING: ",),
        title=title,
        skip=rx(skip) if skip else None,
        example=example,
        source=source,
    )


WARNINGS: tuple[Pattern, ...] = (
    _warning(
        "odebug",
        r"lib/debugobjects\.c" + LINE + " debug_(?:print|check)" + TAIL,
        "WARNING: ODEBUG bug",
        r".*(?:debug_|rcu|hrtimer_|timer_|work_|percpu_|vunmap|vfree|__free_|kobject_|kmem_|slab_|kfree)",
        "WARNING: CPU: 0 PID: 412 at lib/debugobjects.c:514 debug_print_object+0x16a/0x250",
        "lib/debugobjects.c: debug_print_object()",
    ),
    _warning(
        "usercopy",
        r"mm/usercopy\.c" + LINE + " usercopy_warn" + TAIL,
        "WARNING: bad usercopy",
        r".*(?:usercopy|__check)",
        "WARNING: CPU: 0 PID: 412 at mm/usercopy.c:81 usercopy_warn+0xf5/0x120",
        "mm/usercopy.c: usercopy_warn(), until 5.16",
    ),
    _warning(
        "kobject",
        r"lib/kobject\.c" + LINE + " kobject_" + TAIL,
        "WARNING: kobject bug",
        r".*kobject_",
        "WARNING: CPU: 0 PID: 412 at lib/kobject.c:244 kobject_add_internal+0x3f6/0xbc0",
        "lib/kobject.c: kobject_add_internal()",
    ),
    _warning(
        "proc-register",
        r"fs/proc/generic\.c" + LINE + " proc_register" + TAIL,
        "WARNING: proc registration bug",
        r".*proc_",
        "WARNING: CPU: 0 PID: 412 at fs/proc/generic.c:330 proc_register+0x2a4/0x370",
        "fs/proc/generic.c: proc_register()",
    ),
    _warning(
        "refcount",
        r"(?:lib/refcount\.c|include/linux/refcount\.h)" + LINE + " (?:refcount_|0x0\\b)" + TAIL,
        "WARNING: refcount bug",
        r".*(?:refcount|kobject_)",
        "WARNING: CPU: 0 PID: 412 at lib/refcount.c:25 refcount_warn_saturate+0x13d/0x1a0",
        "lib/refcount.c: refcount_warn_saturate()",
    ),
    _warning(
        "locking-bug",
        r"kernel/(?:locking/)?lockdep\.c" + LINE + r" \w{0,60}lock_" + TAIL,
        "WARNING: locking bug",
        r"(?:lock|release)_sock|.*(?:__lock_acquire|check_wait_context|hlock_class)",
        "WARNING: CPU: 0 PID: 412 at kernel/locking/lockdep.c:896 look_up_lock_class+0xf5/0x110",
        "kernel/locking/lockdep.c",
        kind=FindingKind.LOCKDEP,
    ),
    _warning(
        "kmalloc",
        r"mm/\w{1,40}\.c" + LINE + r" (?:kv?|__k|k_)?malloc" + TAIL,
        "WARNING: kmalloc bug",
        r".*(?:kmalloc|krealloc|slab|kmem|vmalloc|kcalloc|kzalloc)",
        "WARNING: CPU: 0 PID: 412 at mm/slab_common.c:971 kmalloc_slab+0x56/0x70",
        "mm/slab_common.c: kmalloc_slab()",
    ),
    _warning(
        "vmalloc-zero",
        r"mm/vmalloc\.c" + LINE + r" __vmalloc_node" + TAIL,
        "WARNING: zero-size vmalloc",
        r"",
        "WARNING: CPU: 0 PID: 412 at mm/vmalloc.c:3097 __vmalloc_node_range+0xabc/0x14c0",
        "mm/vmalloc.c: __vmalloc_node_range()",
    ),
    _warning(
        "usb-urb",
        r"\S{1,200}" + LINE + r" usb_submit_urb" + TAIL,
        "WARNING in {function}/usb_submit_urb",
        USB.pattern,
        "WARNING: CPU: 0 PID: 412 at drivers/usb/core/urb.c:478 usb_submit_urb+0x1188/0x1460",
        "drivers/usb/core/urb.c: usb_submit_urb()",
    ),
    _warning(
        "warning",
        KERNELS + CONDITION + r"[\w./+-]{1,300}:\d{1,6}(?: at| for \w{1,40}\(\))?" + PLACE,
        "WARNING",
        "",
        "WARNING: CPU: 0 PID: 412 at drivers/demo.c:88 demo_sensor_match+0x1c2/0x210 [demo_sensor]",
        "kernel/panic.c: __warn(); `file:line at function` since 6.18",
    ),
    Pattern(
        id="warning-cut-off",
        kind=FindingKind.WARNING,
        blame=Blame.POINTER,
        start=rx(r"WARNING: CPU: \d{1,5} PID: \d{1,10}\b"),
        hot=(b"WARNING: ",),
        title="WARNING",
        broken="the line that names the place was cut off",
        example="WARNING: CPU: 0 PID: 412 at",
        source="kernel/panic.c: __warn()",
    ),
    Pattern(
        id="stack-regs",
        kind=FindingKind.WARNING,
        start=rx(r"WARNING: kernel stack (?:regs|frame pointer) .{1,100} has bad (?:'\w+' )?value"),
        hot=(b"WARNING: kernel stack",),
        title="WARNING: kernel stack regs has bad value",
        stackless=True,
        example="WARNING: kernel stack regs at 00000000a1b2c3d4 in demo-sensord:412 has bad 'bp' value 0",
        source="arch/x86/kernel/unwind_frame.c: unwind_next_frame()",
    ),
)
"""In the order in which they are tried."""
