"""Functions that are never to blame: they report, check, copy, lock, wait or dispatch for their caller.

Families of names with the reason why; what counts is the first function of a stack that belongs
to none. Which families the field treats so can be seen in the titles of public kernel bug
trackers. Refuses to parse a stack.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Family:
    """Names that are alike for one reason. `names` matches from the start of the function's name;
    `parts` anywhere in it, in functions of the kernel itself only: what a module's own
    `sensor_copy_string` does is its business."""

    why: str
    names: str = ""
    parts: str = ""


FAMILIES: tuple[Family, ...] = (
    Family(
        "report what was found",
        names=r"print_|show_stack|show_regs|__warn|warn_(?:slowpath|alloc|bogus)|report_bug|fixup_bug|"
        r"handle_bug|"
        r"oops_|die|__die|__rustc::|core::panicking|add_taint|kmsan_|kcsan_setup_watchpoint|"
        r"hex_dump_to_buffer|bad_page|nmi_panic|"
        r"rust_",
        parts=r"dump_stack|dump_backtrace|walk_stack|stack_walk|print_report|print_usage|print_unlock|"
        r"imbalance_bug|"
        r"panic|stack_trace_|print_hex|assertfail|print_tainted|end_report|unwind_backtrace|unwind_frame|"
        r"walk_stackframe",
    ),
    Family(
        "trap and fault entry",
        names=r"exc_|asm_(?:exc|sysvec)_|el1h?_(?:64_)?(?:sync|abort|undef|dbg|brk|bti)|el1_|do_undefinstr|"
        r"do_general_protection|general_protection|brk_handler|bug_handler|call_break_hook|"
        r"do_debug_exception|"
        r"page_fault_oops|kernelmode_fixup|show_fault_oops|do_DataAbort|__dabt_svc|__und_svc|"
        r"do_PrefetchAbort|"
        r"ret_from_exception|search_exception|fixup_exception|do_mem_abort|do_bad_area|__do_kernel_fault|"
        r"die_kernel_fault|(?:__)?phys_addr|__virt_to_phys",
        parts=r"invalid_op$|do_error|_trap$|do_trap|program_check_|(?:kernel|translation|tag_check)_fault|"
        r"mem_abort",
    ),
    Family(
        "sanitizers and other checks",
        names=r"(?:__)?fortify_|usercopy_|check_stack_object|___?might_|__sanitizer|__asan|__hwasan|__msan|"
        r"__tsan|__ubsan|"
        r"ubsan_|handle_overflow|kfence_|__stack_chk_fail|kcov_|__might",
        parts=r"kasan|kmsan|check_memory_region|check_heap_object|check_object|read_word_at_a_time|"
        r"(?:read|write)_once_.*nocheck|debug_object|might_fault|might_sleep|might_resched|is_static_object",
    ),
    Family(
        "locks, and what checks them",
        names=r"down$|down_(?:read|write|trylock|interruptible|killable|timeout)|__down|up$|up_(?:read|"
        r"write)|"
        r"(?:__)?(?:ww_|rt_)?mutex_|__lock_acquire|validate_chain|check_prev|check_irq|check_noncircular|"
        r"seqprop_assert|queued_(?:spin|read|write)|native_queued|pv_(?:queued|wait)|do_raw_|"
        r"(?:un)?lock_page|percpu_(?:down|up)|rwsem_|__folio_lock|folio_(?:un)?lock|save_trace|valid_state",
        parts=r"lockdep|lock_acquire|lock_release|lock_class|mark_lock|held_locks|spin_(?:try)?lock|"
        r"spin_unlock|"
        r"raw_spin_rq|(?:read|write)_(?:try|un)?lock|osq_(?:un)?lock|owner_on_cpu|bh_(?:en|dis)able|"
        r"(?:trace|lockdep)_(?:hard|soft)irq|trace_(?:hard|soft)irqs|down_(?:read|write)|up_(?:read|"
        r"write)|print_deadlock",
    ),
    Family(
        "reference counts, atomics and bits",
        names=r"refcount_|__refcount|kref_|kobject_(?!uevent_net)|klist_|get_device_parent|i(?:put|hold|"
        r"grab)$|iput_final|"
        r"(?:fast_)?dput$|mark_buffer_dirty$|cleanup_srcu_struct",
        parts=r"ref_tracker|atomic(?:64|_long)?_(?:dec|inc|read|set|or|xor|and|add|sub|fetch|xchg|cmpxchg|"
        r"try)|"
        r"(?:set|clear|change|test)_bit",
    ),
    Family(
        "memory and strings copied for the caller",
        names=r"copyin$|copyout$|rep_(?:movs|stos)|clear_user|csum_partial|strn?len_user|__arch_|raw_copy",
        parts=r"mem(?:cpy|cmp|set|chr|move|dup|scan)|str(?:n?cmp|[nl]?cpy|scpy|n?len|n?str|chr|rchr|n?dup|"
        r"ncasecmp|casecmp|sep)|"
        r"copy_(?:to|from)_(?:user|iter)|copy_(?:page|folio)_(?:to|from)_iter|(?:put|get)_user|string|"
        r"pointer|"
        r"v?sc?n?printf|printk|va_format|_indirect_thunk_|copy_user_",
    ),
    Family(
        "lists and trees",
        names=r"(?:__)?rb_|xas_(?:start|load|find)|__rb|(?:__)?rhashtable_|rht_",
        parts=r"list_(?:add|del|replace|move|splice)",
    ),
    Family(
        "allocation and freeing",
        names=r"(?:kv?|v)free$|kfree_skb|slab_|allocate_slab|deactivate_slab|__vmalloc_node|kmem_|"
        r"find_or_create_page|do_read_cache_(?:page|folio)|read_cache_page|pagecache_get_page|"
        r"grab_cache_page|"
        r"__filemap_get_folio|filemap_alloc_folio|find_lock_entries|truncate_inode_pages_range",
        parts=r"k?v?(?:m|z|c)alloc|krealloc|alloc_pages?|folio_alloc|kmem_cache|slab_",
    ),
    Family(
        "logging on behalf of a device",
        names=r"_?dev_(?:info|notice|warn|err|alert|crit|emerg|printk)|__dev_printk|perf_trace",
        parts=r"perf_trace",
    ),
    Family(
        "waiting for, and waking, others",
        names=r"complete$|__wake_up|finish_wait|kthread_stop|lock_timer_base|(?:__)?timer_delete|"
        r"sk_stop_timer|"
        r"(?:__)?mod_timer|add_timer|detach_(?:if_pending|timer)",
        parts=r"wait_for_completion|flush_work|cancel_work_sync|cancel_work_timer|try_to_grab_pending|"
        r"del_timer|"
        r"drain_workqueue|destroy_workqueue|queue_work|insert_work|queue_delayed_work|__wake_up",
    ),
    Family(
        "register access",
        names=r"crc\d|crc_itu_t",
        parts=r"(?:read|write)[bwlq]$|logic_(?:in|out)",
    ),
    Family(
        "the driver core and buses, between a driver and what it unregisters",
        parts=r"add_uevent_var|device_(?:add|del|unregister|destroy|release|remove_file|for_each_child)|"
        r"devres_release_all|hwrng_unregister|i2c_del_adapter|__unregister_client|rollback_registered|"
        r"unregister_netdev|sysfs_remove|tty_unregister_device|dummy_urb_enqueue|usb_kill_(?:anchored_)?urb|"
        r"usb_control_msg|usb_hcd_submit_urb|usb_submit_urb",
    ),
)

WAITING = re.compile(
    r".*(?:sched|_lock|_slowlock|down|rwsem|completion|kthread|wait|synchronize|context_switch|switch_to|"
    r"cancel_delayed_work|rcu_barrier)",
    re.ASCII,
)
"""What a hung task does while it hangs: the caller is what matters."""

GATHERED = (
    (re.compile(r".*rtnl_lock", re.ASCII), ""),
    (re.compile(r".*synchronize_(?:s?rcu|net|sched)", re.ASCII), "synchronize_rcu"),
)
"""Waits behind which whole machines pile up: their victims are one bug, named by the wait itself."""

DISPATCHERS = re.compile(
    # system calls: entry, and those that only pass on to a file, a socket or a device
    r".*(?:do_(?:fast_)?syscall_|sysenter_dispatch|tracesys_phase2|el0_svc_(?:handler|common)|invoke_syscall|"
    r"ret_fast_syscall)|.*vfs_(?:read|write|iter_read|iter_write|ioctl|open)|.*do_iter_(?:read|write)|"
    r".*call_(?:read|write)_iter|.*new_sync_(?:read|write)|.*(?:ksys|compat|compat_sys)_ioctl|"
    r".*blkdev_(?:driver_)?ioctl|call_mmap|.*mmap_region|.*do_mmap|.*do_dentry_open|"
    r"(?:sys_)?(?:socketpair|connect|ioctl)|"
    # sockets and netlink
    r"sock_(?:sendmsg|recvmsg|release|mmap|do_ioctl|ioctl)|__sock_(?:sendmsg|release)|compat_sock_ioctl|"
    r"(?:setsockopt|listen|accept)$|.*kernel_(?:setsockopt|listen|accept)|.*sock_common_setsockopt|"
    r".*sk_common_release|nfnetlink_rcv_msg|rtnetlink_rcv_msg|netlink_dump|genl_rcv_msg|"
    # interrupts, timers, work queues, threads
    r".*netif_receive_skb|.*do_softirq|.*call_timer_fn|.*_run_timers|.*run_timer_(?:softirq|base)|"
    r".*hrtimer_run|"
    r".*run_ksoftirqd|.*handle_softirqs|.*smpboot_thread_fn|.*process_one_work|kthread$|.*start_secondary|"
    r".*cpu_startup_entry|.*ret_from_fork|.*tasklet_(?:hi_)?action|"
    # page faults, and what runs on the way back to user space
    r".*__do_fault|.*do_page_fault|page_fault$|.*__fput|.*task_work_run|.*exit_to_usermode|"
    r".*smp_call_function",
    re.ASCII,
)
"""Functions that hand work to whoever it belongs to: what the innermost of them called is what runs
too long."""
CROSS_CALL = re.compile(r".*smp_call_function", re.ASCII)
"""Waiting for another CPU that does not answer: the wait itself names the bug."""

_NAMES = re.compile("|".join(f"(?:{family.names})" for family in FAMILIES if family.names), re.ASCII)
_PARTS = re.compile(".*(?:" + "|".join(family.parts for family in FAMILIES if family.parts) + ")", re.ASCII)


@lru_cache(maxsize=4096)
def carries(function: str, module: str = "") -> bool:
    """Whether `function` only carries the news. `module`: "" for the kernel itself."""
    return bool(_NAMES.match(function)) or (not module and bool(_PARTS.match(function)))
