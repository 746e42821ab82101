"""What the kernel found wrong with itself and said `BUG`: assertions, lists, pages, references."""

from __future__ import annotations

from lab.detect.linux.patterns.pattern import CONDITION, Blame, Pattern, Role, rx
from lab.model import FindingKind

SLUB = rx(r"BUG [^:]{1,64}(?: \(.{1,80}\))?: |WARNING: (?:CPU: \d+ PID: \d+ at )?mm/slub\.c")
"""One mistake in a slab is told under several headings."""
SLUB_PARTS = rx(
    r".*(?:slab|kmem|kfree|kmalloc)|check_bytes|init_object|object_err|print_trailer|on_freelist|alloc_debug|"
    r"free_debug|__free_|___cache|free_to_partial|get_partial|get_from_partial|process_slab|alloc_single|"
    r"alloc_consistency|free_consistency|fixup_red_left|check_pad|new_slab"
)

BUGS: tuple[Pattern, ...] = (
    Pattern(
        id="rust-panic",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.STACK,
        start=rx(r"rust_kernel: panicked at "),
        hot=(b"rust_kernel: panicked",),
        title="{what}",
        detail=rx(r"(?P<what>(?!rust_kernel: |---).{3,200})"),
        skip=rx(r"rust_|.*core9panicking|.*panic|BUG$"),
        example="rust_kernel: panicked at drivers/demo/sensor.rs:120:9:",
        source="rust/kernel/lib.rs: panic()",
    ),
    Pattern(
        id="usercopy-bug",
        kind=FindingKind.BUG,
        fatal=True,
        blame=Blame.STACK,
        start=rx(r"kernel BUG at mm/usercopy\.c"),
        hot=(b"kernel BUG at ",),
        title="BUG: bad usercopy",
        skip=rx(r"usercopy|__check"),
        example="kernel BUG at mm/usercopy.c:84!",
        source="mm/usercopy.c: usercopy_abort()",
    ),
    Pattern(
        id="corrupted-list",
        kind=FindingKind.BUG,
        fatal=True,
        blame=Blame.STACK,
        start=rx(r"kernel BUG at lib/list_debug\.c"),
        hot=(b"kernel BUG at ",),
        title="BUG: corrupted list",
        alts=("bad-access",),
        example="kernel BUG at lib/list_debug.c:26!",
        source="lib/list_debug.c: __list_add_valid_or_report()",
    ),
    Pattern(
        id="kernel-bug",
        kind=FindingKind.OOPS,
        fatal=True,
        blame=Blame.POINTER,
        start=rx(
            r"[Kk]ernel BUG (?:at "
            + CONDITION
            + r"(?P<what>[\w./+-]{1,200})|.{0,80}\[verbose debug info unavailable\])"
        ),
        hot=(b"ernel BUG at ", b"verbose debug info"),
        title="kernel BUG",
        skip=rx(r"skb_"),
        example="kernel BUG at fs/ext4/inode.c:2721!",
        source="lib/bug.c: report_bug()",
    ),
    Pattern(
        id="bad-page-state",
        kind=FindingKind.BUG,
        blame=Blame.STACK,
        start=rx(r"BUG: Bad page state in process"),
        hot=(b"BUG: Bad page",),
        title="BUG: Bad page state",
        after=rx(r"page last allocated via"),
        skip=rx(
            r"bad_page|free_|__free_|check_(?:free|new)_page|.*page_(?:bad|expected)|.*free_pages|"
            r"put_page|__put_|release_pages|get_page_from_freelist|prep_new_page|post_alloc|rmqueue|.*alloc_"
        ),
        example="BUG: Bad page state in process demo-sensord  pfn:199e00",
        source="mm/page_alloc.c: bad_page()",
    ),
    Pattern(
        id="bad-page-map",
        kind=FindingKind.BUG,
        start=rx(r"BUG: Bad page (?:map|cache) in process"),
        hot=(b"BUG: Bad page",),
        title="BUG: Bad page map",
        example="BUG: Bad page map in process demo-sensord  pte:8000000123456867 pmd:123456067",
        source="mm/memory.c: print_bad_pte()",
    ),
    Pattern(
        id="rss-counter",
        kind=FindingKind.BUG,
        start=rx(r"BUG: Bad rss-counter state"),
        hot=(b"BUG: Bad rss-counter",),
        title="BUG: Bad rss-counter state",
        stackless=True,
        example="BUG: Bad rss-counter state mm:0000000012345678 type:MM_ANONPAGES val:2",
        source="kernel/fork.c: check_mm()",
    ),
    Pattern(
        id="non-zero",
        kind=FindingKind.BUG,
        start=rx(r"BUG: non-zero (?P<what>\w{1,40}) on freeing mm"),
        hot=(b"BUG: non-zero ",),
        title="BUG: non-zero {what} on freeing mm",
        stackless=True,
        example="BUG: non-zero pgtables_bytes on freeing mm: 4096",
        source="kernel/fork.c: check_mm()",
    ),
    Pattern(
        id="dentry-in-use",
        kind=FindingKind.BUG,
        start=rx(r"BUG: Dentry .{1,300} still in use"),
        hot=(b"BUG: Dentry ",),
        title="BUG: Dentry still in use in unmount",
        example="BUG: Dentry 00000000abcd{i=1,n=x}  still in use (1) [unmount of ext4 vda1]",
        source="fs/dcache.c: umount_check()",
    ),
    Pattern(
        id="workqueue-leak",
        kind=FindingKind.BUG,
        start=rx(r"BUG: workqueue leaked (?P<what>lock or atomic|atomic, lock or RCU|atomic\b)"),
        hot=(b"BUG: workqueue leaked",),
        title="BUG: workqueue leaked {what} in {place}",
        detail=rx(r".{0,80}(?:last function: |workfn=)(?P<place>[A-Za-z_]\w{0,200})"),
        stackless=True,
        example="BUG: workqueue leaked lock or atomic: kworker/0:1/0x00000000/22",
        source="kernel/workqueue.c: process_one_work()",
    ),
    Pattern(
        id="memory-leak",
        kind=FindingKind.LEAK,
        blame=Blame.STACK,
        start=rx(r"(?:\d{4}/\d\d/\d\d \d\d:\d\d:\d\d )?BUG: memory leak"),
        anyone=True,
        hot=(b"BUG: memory leak",),
        title="memory leak",
        skip=rx(
            r".*(?:kmemleak|mmap|kmem|slab|alloc|create_object|idr_get|list_lru_init|kasprintf|kvasprintf|"
            r"pcpu_create|strdup|strndup|memdup)"
        ),
        example="BUG: memory leak",
        source="mm/kmemleak.c: print_unreferenced(), as a leak checker prints it",
    ),
    Pattern(
        id="slub-overwritten",
        kind=FindingKind.BUG,
        blame=Blame.STACK,
        start=rx(r"\[(?P<what>[\w ]{3,40} overwritten)\] 0x"),
        hot=(b" overwritten] 0x",),
        title="BUG: {what}",
        skip=SLUB_PARTS,
        includes=SLUB,
        example="[Right Redzone overwritten] 0xffff888008cb8bc0-0xffff888008cb8bc0 @offset=3008",
        source="mm/slub.c: check_bytes_and_report(), before the heading",
    ),
    Pattern(
        id="slub",
        kind=FindingKind.BUG,
        blame=Blame.STACK,
        start=rx(r"BUG (?!: )(?P<cache>[\w.:()-]{1,64}) ?\(.{1,80}?\): (?P<what>.{1,100})"),
        hot=(b"BUG ",),
        title="BUG: {what}",
        skip=SLUB_PARTS,
        includes=SLUB,
        example="BUG kmalloc-64 (Not tainted): Poison overwritten",
        source="mm/slub.c: slab_bug()",
    ),
    Pattern(
        id="slub-plain",
        kind=FindingKind.BUG,
        blame=Blame.STACK,
        start=rx(r"BUG (?P<cache>[\w.-]{1,64}): (?P<what>[A-Z].{1,100})"),
        hot=(b"BUG ",),
        title="BUG: {what}",
        skip=SLUB_PARTS,
        includes=SLUB,
        example="BUG demo_cache: Objects remaining on kmem_cache_close()",
        source="mm/slub.c: slab_bug() before 3.3",
    ),
    Pattern(
        id="slab",
        kind=FindingKind.BUG,
        start=rx(r"(?:Slab corruption|slab error in|slab: double free detected|Redzone: 0x)"),
        hot=(b"Slab corruption", b"slab error in", b"slab: double free"),
        title="BUG: slab corruption",
        example="Slab corruption (Not tainted): kmalloc-64 start=ffff8800b3d5ed58, len=64",
        source="mm/slab.c: check_poison_obj(), until 6.7",
    ),
    Pattern(
        id="slub-history",
        kind=FindingKind.BUG,
        role=Role.HEADER,
        start=rx(
            r"INFO: (?P<what>(?:Allocated|Freed) in [A-Za-z_][\w.]{0,200})(?:\+0x\S+)?(?P<rest> .{0,80})?"
        ),
        hot=(b"INFO: Allocated in", b"INFO: Freed in"),
        title="INFO: {what}{rest}",
        stackless=True,
        broken="the beginning of the report was lost",
        example="INFO: Allocated in demo_alloc+0x29/0x90 age=1 cpu=1 pid=6024",
        source="mm/slub.c: print_track()",
    ),
    Pattern(
        id="lock-table",
        kind=FindingKind.BUG,
        start=rx(r"BUG: (?P<what>MAX_(?:LOCK|STACK)\w{1,30} too low!?)"),
        hot=(b"BUG: MAX_",),
        title="BUG: {what}",
        example="BUG: MAX_LOCKDEP_ENTRIES too low!",
        source="kernel/locking/lockdep.c",
    ),
    Pattern(
        id="netdevice-wait",
        kind=FindingKind.BUG,
        role=Role.LINE,
        start=rx(r"unregister_netdevice: waiting for \S{1,64} to become free"),
        hot=(b"unregister_netdevice: waiting",),
        title="unregister_netdevice: waiting for DEV to become free",
        stackless=True,
        example="unregister_netdevice: waiting for eth0 to become free. Usage count = 2",
        source="net/core/dev.c: netdev_wait_allrefs_any()",
    ),
    Pattern(
        id="vfs-file-count",
        kind=FindingKind.BUG,
        role=Role.LINE,
        start=rx(r"VFS: (?P<what>Close: file count is (?:0|zero)|Busy inodes after unmount)"),
        hot=(b"VFS: Close: file", b"VFS: Busy inodes"),
        title="VFS: {what} (use-after-free)",
        stackless=True,
        example="VFS: Busy inodes after unmount of vda1. Self-destruct in 5 seconds.  Have a nice day...",
        source="fs/open.c: filp_close(); fs/super.c: generic_shutdown_super()",
    ),
    Pattern(
        id="bug-empty",
        kind=FindingKind.BUG,
        start=rx(r"(?P<what>BUG|INFO|WARNING):\s*$"),
        hot=(b"BUG:", b"WARNING:", b"INFO:\n", b"INFO:\r", b"INFO: \n", b"INFO: \r"),
        title="{what}: corrupted",
        stamped=True,
        broken="only the first word of the report is left",
        example="BUG:",
        source="a report that another CPU cut off",
    ),
    Pattern(
        id="bug",
        kind=FindingKind.BUG,
        vouched=True,
        blame=Blame.STACK,
        start=rx(
            r"BUG: (?!KASAN|no syscalls)(?P<what>[A-Za-z][\w '()/,.-]{4,100}?)(?::? [0-9a-fx]{4,}.*|"
            r" at .*|[!.:]?)$"
        ),
        hot=(b"BUG: ",),
        title="BUG: {what}",
        example="BUG: demo invariant does not hold!",
        source='any pr_crit("BUG: ...")',
    ),
)
"""In the order in which they are tried; after all other families that begin with BUG."""
