"""Whose function it was: reading stack frames and skipping those that only carry the news.

A crash in memcpy or in a lock is the caller's; a stall seen from the timer interrupt belongs to
what was interrupted. Refuses to guess across unreliable (`? `) frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

FRAME = re.compile(
    r"(?:\[<[0-9a-f]{8,16}>\] ?)?(?P<unsure>\?+ )?(?P<function>[A-Za-z_][\w.$]{0,200})"
    r"\+0x[0-9a-f]{1,8}/0x[0-9a-f]{1,8}(?: \[(?P<module>[\w-]{1,64})[^\]]{0,80}\])?",
    re.ASCII,
)
"""`demo_sensor_match+0x1c2/0x210 [demo_sensor]`, with `[<ffffffff81234567>]` before Linux 4.10."""

POINTER = re.compile(
    r"(?:RIP: 00(?:10|08):|RIP  ?|EIP: (?:00(?:10|60|08):)?|EIP is at |e?pc ?: |PC is at |"
    r"NIP )(?:\[<[0-9a-f]+>\] *)*"
    r"(?P<function>[A-Za-z_][\w.$]{0,200})\+0x[0-9a-f]{1,8}/0x[0-9a-f]{1,8}"
    r"(?: \[(?P<module>[\w-]{1,64})[^\]]{0,80}\])?",
    re.ASCII,
)
"""The instruction pointer in kernel mode: x86 `RIP: 0010:`, arm64 `pc : `, arm `PC is at `."""

SYSCALL = re.compile(
    r"^_{0,2}(?:x64|ia32|arm64|se|do|compat)?_?(?:sys|SyS|SYSC|compat_SyS)_(?=[a-z])", re.ASCII
)
"""`__x64_sys_mount`, `__se_sys_mount` and `SyS_mount` are all the system call `sys_mount`."""
SUFFIX = re.compile(r"\.(?:isra|constprop|part|cold|llvm|lto_priv|localalias)\b.*$", re.ASCII)

CARRIERS = re.compile(
    r"(?:_*dump_stack(?:_lvl)?|show_(?:stack|regs)\w*|print_\w+|panic|nmi_panic|__warn\w*|warn_\w+|"
    r"report_bug|"
    r"handle_bug|fixup_bug|oops_\w+|die\w*|__die\w*|do_trap\w*|do_error_trap|do_invalid_op|"
    r"do_general_protection|"
    r"exc_\w+|asm_\w+|sysvec_\w+|error_entry|invalid_op|page_fault\w*|general_protection|do_page_fault|"
    r"_*bad_area\w*|no_context|page_fault_oops|kernelmode_fixup\w*|el1\w*_\w+|do_mem_abort|"
    r"do_translation_fault|"
    r"__do_kernel_fault|die_kernel_fault|do_undefinstr|brk_handler|bug_handler|"
    r"_*kasan_\w+|_*asan_\w+|_*hwasan_\w+|kmsan_\w+|_*msan_\w+|kfence_\w+|_*ubsan_\w+|ubsan_\w+|"
    r"check_memory_region\w*|"
    r"_*mem(?:cpy|set|move|cmp|chr|scan)\w*|str[a-z]{3,8}|__str[a-z]{3,8}|rep_\w+|_*copy_(?:from|to)_user\w*|"
    r"copy_user_\w+|_*(?:raw_)?(?:spin|read|write)_(?:un)?(?:try)?lock\w*|_*raw_\w*lock\w*|"
    r"queued_\w+|native_\w+|"
    r"pv_\w+|_*lock_(?:acquire|release)\w*|mark_lock\w*|check_\w*deadlock|validate_chain|_*mutex_\w+|"
    r"_*rwsem_\w+|"
    r"_*down_\w+|down|_*up_(?:read|write)|_*schedule\w*|io_schedule\w*|context_switch|preempt_schedule\w*|"
    r"_*wait_for_\w+|do_wait_for_\w+|wait_on_\w+|bit_wait\w*|out_of_line_wait\w*|_*wait_on_bit\w*|"
    r"_*list_(?:add|del)\w*|refcount_\w+|kobject_\w+|_*kfree\w*|_*kmalloc\w*|kmem_cache_\w+|_*slab_\w+|"
    r"object_err|check_(?:object|slab)\w*|_*might_\w+|___might_sleep|"
    r"apic_\w+|_*smp_\w+|_*irq_\w+|_*do_softirq\w*|irqentry_\w+|ret_from_\w+|entry_\w+|do_syscall_64|"
    r"common_\w+entry|"
    r"rcu_\w+|_*rcu_\w+|update_process_times|tick_\w+|_*hrtimer_\w+|_*run_hrtimer|local_apic_\w+|"
    r"_*rb_\w+|klist_\w+|skb_(?:put|push|pull)\w*|(?:un)?lock_page|folio_(?:un)?lock|osq_lock|_*queue_work\w*|_*phys_addr|"
    r"watchdog\w*|nmi_\w+|trigger_\w+|arch_trigger\w+|sched_show_task|check_cpu_stall|print_cpu_stall|"
    r"fortify_panic|_*stack_chk_fail|_*const_udelay|delay_\w+|_*delay|csd_lock_\w+|_*flush_work|"
    r"_*sanitizer_cov_\w+|write_comp_data|_*x86_indirect_\w+|dump_backtrace|dump_cpu_task|unwind_\w+|"
    r"retint_\w+|"
    r"\w*reschedule_interrupt|hlock_class|register_lock_class|look_up_lock_class|lockdep_\w+|debug_check_\w+|"
    r"debug_(?:print_)?object\w*|check_preemption_disabled|spin_dump|spin_bug|do_raw_\w+|"
    r"usercopy_\w+|_*check_object_size|"
    r"check_heap_object|skb_(?:over_|under_)?panic|krealloc\w*|_*k?vfree|_*kvmalloc\w*|kthread_stop|"
    r"_*switch_to\w*|"
    r"_*cancel_work_timer|stack_trace_\w+|vprintk\w*|_*printk|io_serial_\w+|pick_next_task\w*|"
    r"default_idle\w*|arch_cpu_idle|do_idle|cpu_startup_entry|handle_stack_overflow)$",
    re.ASCII,
)
"""Functions that report, trap, lock, copy or wait on behalf of their caller."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One function of a stack; `module` is "" for the kernel itself."""

    function: str
    module: str = ""

    @property
    def carrier(self) -> bool:
        """Whether it only carries the news."""
        return bool(CARRIERS.match(self.function))


def frame(function: str, module: str | None) -> Frame:
    """Without what the compiler appended: `.isra.0`, `.constprop.3`, `.cold`."""
    return Frame(SYSCALL.sub("sys_", SUFFIX.sub("", function), count=1), module or "")


def stack_frame(text: str) -> Frame | None:
    """The frame a line of a call trace names, unless the unwinder marked it unreliable."""
    found = FRAME.match(text)
    if found is None or found["unsure"]:
        return None
    return frame(found["function"], found["module"])


def pointer(text: str) -> Frame | None:
    """The function a line gives the instruction pointer in, in kernel mode only."""
    found = POINTER.match(text)
    return frame(found["function"], found["module"]) if found else None


def guilty(frames: Iterable[Frame]) -> Frame | None:
    """The first frame that is not a carrier, or the first at all."""
    first: Frame | None = None
    for seen in frames:
        if not seen.carrier:
            return seen
        first = first or seen
    return first
