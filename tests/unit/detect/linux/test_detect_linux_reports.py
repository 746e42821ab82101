"""Reports of all families: what they are called, how bad they are, and whether they can be trusted."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.detect.lines import LineStream
from lab.detect.linux.console import Console
from lab.model import Finding, FindingKind, SerialChunk


def read(data: bytes, cuts: list[int] | None = None, *, reboots: bool = False) -> list[Finding]:
    edges = sorted({0, len(data), *(cut for cut in cuts or [] if cut < len(data))})
    stream, console = LineStream(), Console(reboots=reboots)
    for start, end in pairwise(edges):
        block = stream.feed(SerialChunk(t_s=1.0, start=start, data=data[start:end]))
        if block:
            console.feed(block)
    rest = stream.finish()
    if rest:
        console.feed(rest)
    console.finish()
    return [report.finding() for report in console.reports]


def log(text: str, *, caller: str = "", start: float = 10.0) -> bytes:
    lines = text.strip("\n").split("\n")
    stamps = (f"[{start + number / 1000:12.6f}]" for number in range(len(lines)))
    return "".join(f"{stamp}{caller} {line}\n" for stamp, line in zip(stamps, lines, strict=True)).encode()


def one(text: str) -> Finding:
    (found,) = read(log(text))
    return found


STACK = "Call Trace:\n <TASK>\n dump_stack_lvl+0x1/0x2\n {frames}\n do_syscall_64+0x1/0x2\n </TASK>"


def stack(*functions: str) -> str:
    return STACK.format(frames="\n ".join(f"{name}+0x10/0x90" for name in functions))


RCU_STALL = """rcu: INFO: rcu_preempt self-detected stall on CPU
Call Trace:
 <IRQ>
 rcu_sched_clock_irq+0x1/0x2
 asm_sysvec_apic_timer_interrupt+0x1/0x2
RIP: 0010:demo_spin+0x1/0x2
 demo_loop+0x1/0x2
 demo_ioctl+0x1/0x2
 vfs_ioctl+0x1/0x2
 do_syscall_64+0x1/0x2"""


@pytest.mark.parametrize(
    ("text", "kind", "title"),
    [
        (
            "BUG: KASAN: use-after-free in memcpy+0x1/0x2\nRead of size 8 at addr ff by task a/1\n"
            + stack("kasan_report", "memcpy", "demo_copy"),
            FindingKind.SANITIZER,
            "KASAN: use-after-free Read in demo_copy",
        ),
        (
            "BUG: KASAN: double-free in kfree+0x1/0x2\n" + stack("kfree", "demo_stop"),
            FindingKind.SANITIZER,
            "KASAN: invalid-free in demo_stop",
        ),
        (
            "BUG: KFENCE: out-of-bounds read in demo_match+0x1/0x2\n\nOut of bounds:\n demo_match+0x1/0x2",
            FindingKind.SANITIZER,
            "KFENCE: out-of-bounds read in demo_match",
        ),
        (
            "BUG: KMSAN: uninit-value in demo_send+0x1/0x2\n demo_send+0x1/0x2",
            FindingKind.SANITIZER,
            "KMSAN: uninit-value in demo_send",
        ),
        (
            "BUG: KCSAN: data-race in demo_read / demo_write",
            FindingKind.SANITIZER,
            "KCSAN: data-race in demo_read / demo_write",
        ),
        (
            "UBSAN: shift-out-of-bounds in drivers/demo.c:12:3\nshift exponent 64 is too large\n"
            + stack("__ubsan_handle_shift_out_of_bounds", "demo_shift"),
            FindingKind.SANITIZER,
            "UBSAN: shift-out-of-bounds in demo_shift",
        ),
        (
            "kernel BUG at fs/demo.c:12!\ninvalid opcode: 0000 [#1] SMP\nRIP: 0010:demo_write+0x1/0x2\n"
            + stack("vfs_write"),
            FindingKind.OOPS,
            "kernel BUG in demo_write",
        ),
        (
            "Oops: divide error: 0000 [#1] SMP\nRIP: 0010:demo_rate+0x1/0x2\n" + stack("vfs_write"),
            FindingKind.OOPS,
            "divide error in demo_rate",
        ),
        (
            "int3: 0000 [#1] SMP\nRIP: 0010:demo_probe+0x1/0x2\n" + stack("vfs_write"),
            FindingKind.OOPS,
            "int3 in demo_probe",
        ),
        (
            "traps: PANIC: double fault, error_code: 0x0\ndouble fault: 0000 [#1]\nRIP: 0010:deep+0x1/0x2",
            FindingKind.PANIC,
            "PANIC: double fault in deep",
        ),
        (
            "WARNING: CPU: 0 PID: 1 at lib/refcount.c:25 refcount_warn_saturate+0x1/0x2\n"
            "RIP: 0010:refcount_warn_saturate+0x1/0x2\n" + stack("demo_put"),
            FindingKind.WARNING,
            "WARNING: refcount bug in demo_put",
        ),
        (
            "WARNING: drivers/demo.c:88 at demo_match+0x1/0x2, CPU#1: demo-sensord/412\n"
            "RIP: 0010:demo_match+0x1/0x2\n" + stack("demo_ioctl"),
            FindingKind.WARNING,
            "WARNING in demo_match",
        ),
        (
            "WARNING: CPU: 0 PID: 1 at lib/debugobjects.c:514 debug_print_object+0x1/0x2\n"
            "RIP: 0010:debug_print_object+0x1/0x2\n"
            + stack("debug_check_no_obj_freed", "kfree", "demo_exit"),
            FindingKind.WARNING,
            "WARNING: ODEBUG bug in demo_exit",
        ),
        (
            "WARNING: possible circular locking dependency detected\n6.1.0 #1 Not tainted\n"
            "demo/1 is trying to acquire lock:\n"
            "ffff888012345678 (&a->lock){+.+.}-{3:3}, at: demo_lock_a+0x1/0x2\n\n"
            "but task is already holding lock:\nffff (&b->lock){+.+.}-{3:3}, at: demo_lock_b+0x1/0x2\n"
            + stack("demo_ioctl"),
            FindingKind.LOCKDEP,
            "possible deadlock in demo_lock_a",
        ),
        (
            "WARNING: inconsistent lock state\n6.1.0 #1 Not tainted\ninconsistent {IN-HARDIRQ-W} usage.\n"
            "demo/1 [HC0[0]:SC0[0]:HE1:SE1] takes:\nffff (&a->lock){+.+.}-{3:3}, at: demo_take+0x1/0x2\n"
            + stack("lock_acquire", "demo_take"),
            FindingKind.LOCKDEP,
            "inconsistent lock state in demo_take",
        ),
        (
            "WARNING: suspicious RCU usage\n6.1.0 #1 Not tainted\nnet/demo.c:12 suspicious\n"
            + stack("lockdep_rcu_suspicious", "demo_lookup"),
            FindingKind.LOCKDEP,
            "WARNING: suspicious RCU usage in demo_lookup",
        ),
        (
            "BUG: sleeping function called from invalid context at mm/slab.h:320\n"
            + stack("__might_resched", "__kmalloc", "demo_alloc"),
            FindingKind.WARNING,
            "BUG: sleeping function called from invalid context in demo_alloc",
        ),
        (
            "BUG: scheduling while atomic: demo/1/0x2\n"
            + stack("__schedule_bug", "__schedule", "schedule", "demo_run"),
            FindingKind.WARNING,
            "BUG: scheduling while atomic in demo_run",
        ),
        (
            "BUG: using smp_processor_id() in preemptible [00000000] code: demo/1\n"
            + stack("check_preemption_disabled", "debug_smp_processor_id", "demo_cpu"),
            FindingKind.LOCKDEP,
            "BUG: using smp_processor_id() in preemptible code in demo_cpu",
        ),
        (
            "BUG: memory leak\nunreferenced object 0xff:\n  backtrace:\n kmalloc+0x1/0x2\n demo_open+0x1/0x2",
            FindingKind.LEAK,
            "memory leak in demo_open",
        ),
        (
            "unregister_netdevice: waiting for eth0 to become free. Usage count = 2",
            FindingKind.BUG,
            "unregister_netdevice: waiting for DEV to become free",
        ),
        (
            RCU_STALL,
            FindingKind.LOCKUP,
            "INFO: rcu detected stall in demo_ioctl",
        ),
        (
            "watchdog: Watchdog detected hard LOCKUP on cpu 1\nRIP: 0010:demo_spin+0x1/0x2\n"
            + stack("demo_loop", "process_one_work"),
            FindingKind.LOCKUP,
            "BUG: hard lockup in demo_loop",
        ),
        (
            "INFO: task demo:12 blocked for more than 143 seconds.\n"
            + stack("__schedule", "schedule", "rtnl_lock", "x"),
            FindingKind.HUNG_TASK,
            "INFO: task hung in rtnl_lock",
        ),
        (
            "Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: demo_parse+0x1/0x2",
            FindingKind.PANIC,
            "kernel panic: stack is corrupted in demo_parse",
        ),
        (
            "demo-sensord: page allocation failure: order:5, mode:0x40dc0(GFP_KERNEL)\n"
            + stack("warn_alloc", "x"),
            FindingKind.WARNING,
            "page allocation failure",
        ),
        ("mce: [Hardware Error]: Machine check events logged", FindingKind.WARNING, "machine check"),
        (
            "BUG kmalloc-64 (Not tainted): Poison overwritten\nINFO: Allocated in demo_alloc+0x1/0x2 age=1\n"
            " demo_alloc+0x1/0x2\n" + stack("check_bytes_and_report", "demo_use"),
            FindingKind.BUG,
            "BUG: Poison overwritten in demo_use",
        ),
        (
            "rust_kernel: panicked at drivers/demo.rs:12:9:\nattempt to add with overflow\n"
            "kernel BUG at rust/helpers/bug.c:7!\n"
            "Oops: invalid opcode: 0000 [#1]\nRIP: 0010:rust_helper_BUG+0x8/0x9\n"
            + stack(
                "_RNvNtCs9jEwPDbx20M_4core9panicking9panic_fmt", "_RNvMs_NtCs1_4demo6sensorNtB4_6Sensor5match"
            ),
            FindingKind.OOPS,
            "attempt to add with overflow in <demo::sensor::Sensor>::match",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) and "\n" not in value else "",
)
def test_a_report_is_named_as_the_field_names_it(text: str, kind: FindingKind, title: str) -> None:
    found = one(text)
    assert (found.kind, found.title) == (kind, title)


def test_a_system_call_has_all_its_names() -> None:
    found = one("general protection fault: 0000 [#1]\nRIP: 0010:__se_sys_demo+0x1/0x2\n" + stack("x"))
    assert found.title == "general protection fault in demo"
    assert "bad-access in sys_demo" in found.signature.alt_titles


def test_a_stall_in_a_module_is_the_modules_by_the_way_into_it() -> None:
    frames = "\n ".join(f"{name}+0x1/0x2 [demo]" for name in ("demo_wait_string", "demo_loop", "demo_write"))
    found = one(
        "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [demo:1]\nRIP: 0010:delay_tsc+0x1/0x2\n"
        f"Call Trace:\n <TASK>\n {frames}\n proc_reg_write+0x1/0x2\n vfs_write+0x1/0x2"
    )
    assert (found.title, found.module) == ("BUG: soft lockup in demo_write", "demo")


def test_a_module_that_calls_itself_without_end_is_named_by_what_does() -> None:
    deep = " demo_deep+0x1/0x2 [demo]\n" * 300
    found = one(
        "BUG: TASK stack guard page was hit at ff (stack is ff..ff)\nRIP: 0010:demo_deep+0x1/0x2 [demo]\n"
        f"Call Trace:\n{deep} demo_write+0x1/0x2 [demo]\n vfs_write+0x1/0x2"
    )
    assert found.title == "BUG: stack guard page was hit in demo_deep"


def test_what_a_module_calls_its_functions_is_its_business() -> None:
    found = one("Oops: general protection fault, x: 0000 [#1]\nRIP: 0010:demo_copy_string+0x1/0x2 [demo]")
    assert found.title == "general protection fault in demo_copy_string"
    found = one("UBSAN: shift-out-of-bounds in demo.c:1:2\nCall Trace:\n demo_ubsan_shift+0x1/0x2 [demo]")
    assert found.title == "UBSAN: shift-out-of-bounds in demo_ubsan_shift"


def test_a_jump_to_nowhere_is_blamed_on_what_the_unwinder_doubts() -> None:
    found = one(
        "BUG: unable to handle page fault for address: ff\nRIP: 0010:0xffffc8ff00000120\n"
        "Call Trace:\n ? __die+0x1/0x2\n ? asm_exc_page_fault+0x1/0x2\n ? demo_call+0x1/0x2 [demo]"
    )
    assert found.title.endswith("in demo_call")
    assert "doubts" in found.corrupted


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (
            "demo invoked oom-killer: gfp_mask=0x0\n"
            + stack("dump_header")
            + "\nKernel panic - not syncing: "
            "Out of memory: system-wide panic_on_oom is enabled",
            "kernel panic: Out of memory: system-wide panic_on_oom is enabled",
        ),
        (
            "Uhhuh. NMI received for unknown reason 3d on CPU 0.\nKernel panic - not syncing: NMI: No",
            "kernel panic: NMI: No",
        ),
    ],
)
def test_what_the_kernel_could_have_survived_is_a_panic_where_it_panics(text: str, title: str) -> None:
    found = one(text)
    assert (found.kind, found.title, found.fatal) == (FindingKind.PANIC, title, True)


def test_one_mistake_in_a_slab_is_one_report() -> None:
    found = one(
        "[Right Redzone overwritten] 0xff-0xff @offset=3008. First byte 0xa5\n=====\n"
        "BUG kmalloc-64 (Tainted: G): Object corrupt\n"
        "WARNING: mm/slub.c:1130 at object_err+0x1/0x2, CPU#0: sh/1\n" + stack("object_err", "demo_free")
    )
    assert found.title == "BUG: Right Redzone overwritten in demo_free"


def test_cpus_that_interleave_are_read_apart() -> None:
    first = log(
        "BUG: KASAN: use-after-free in one+0x1/0x2\nRead of size 8 at addr ff by task a/1\n" + stack("one"),
        caller="[   T11]",
    ).splitlines(keepends=True)
    second = log("BUG: unable to handle page fault for address: ff\nRIP: 0010:two+0x1/0x2", caller="[    C1]")
    mixed = b"".join(first[:1]) + second + b"".join(first[1:])
    assert [found.title for found in read(mixed)] == [
        "KASAN: use-after-free Read in one",
        "BUG: unable to handle kernel paging request in two",
    ]


def test_a_report_in_whose_middle_the_kernel_breaks_is_fatal_too() -> None:
    found = read(
        log(
            "BUG: KASAN: use-after-free in one+0x1/0x2\nRead of size 8 at addr ff by task a/1\n"
            "BUG: unable to handle page fault for address: ff\nRIP: 0010:two+0x1/0x2\n"
            "Kernel panic - not syncing: Fatal exception"
        )
    )
    assert [item.fatal for item in found] == [True, True]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("BUG: unable to handle page fault for address: ff", "no function"),
        ("WARNING: CPU: 0 PID: 12", "cut off"),
        ("Kernel panic - not syncing: Fatal exception in interrupt", "lost"),
        ("BUG:", "first word"),
        ("BUG: KASAN: use-after-free in one+0x1/0x2\nRead of size 8 at addr ff by task a/1", "no stack"),
    ],
)
def test_what_cannot_be_trusted_says_why(text: str, reason: str) -> None:
    assert reason in one(text).corrupted


@pytest.mark.parametrize(
    "line",
    [
        b"fleet login: root\nroot@fleet:~# echo 'Kernel panic - not syncing: not really'\n",
        b"Nov 23 05:57:54 fleet backup[12]: BUG: unable to handle page fault for address: ff\n",
        b"[   11.000000] demo[412]: segfault at 0 ip 0000 sp 0000 error 4 in demo[4000+1000]\n",
        b"[   11.000000] traps: demo[412] general protection fault ip:7f sp:7f error:0 in libc.so[7f+1]\n",
        b"[   11.000000] Kernel command line: oops=panic panic_on_warn=1 BUG: x\n",
        b"[   11.000000] ramoops: using module parameters\n",
        b"[   11.000000] perf: interrupt took too long (2501 > 2500), lowering\n",
        b"OOPS 13.\n",
        b"*** stack smashing detected ***: terminated\n",
        b"[   11.000000] ODEBUG: Out of memory. ODEBUG disabled\n",
        b"[   11.000000] WARNING: the mand mount option is being deprecated and\n",
        b"[   11.000000] fuseblk: Unknown parameter 'Booting the kernel. BUG: x'\n",
        b"[FAILED] Failed to start demo.service - A demonstration.\n",
        b"(EE) Backtrace:\n(EE) 0: /usr/libexec/Xorg (OsLookupColor+0x139) [0x59add9]\n",
    ],
)
def test_what_only_looks_like_a_crash_is_none(line: bytes) -> None:
    assert read(log("one\ntwo\nthree\nfour") + line) == []


def test_a_crash_without_the_stamp_of_this_console_is_somebodys_text() -> None:
    (found,) = read(log("one\ntwo\nthree\nfour") + b"BUG: unable to handle page fault for address: ff\n")
    assert "time stamp" in found.suppressed


def test_a_console_without_stamps_is_believed() -> None:
    (found,) = read(b"one\ntwo\nthree\nfour\nBUG: unable to handle page fault for address: ff\n")
    assert found.suppressed == ""


def test_a_line_that_a_program_quotes_is_that_programs() -> None:
    (found,) = read(
        log("one\ntwo\nthree") + b"grep.log:12:[   11.000000] BUG: unable to handle page fault for\n"
    )
    assert "another program" in found.suppressed


def test_an_old_log_that_is_shown_is_told_by_the_clock_that_goes_on() -> None:
    shown = log("Oops: general protection fault, x: 0000 [#1]\nRIP: 0010:old+0x1/0x2", start=4)
    (found,) = read(log("one\ntwo\nthree", start=900) + shown + log("WARNING: healthy", start=901))
    assert "older log" in found.suppressed


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (b"error: no such device: 0123-4567.\r\nEntering rescue mode...\r\ngrub rescue> ", "boot loader"),
        (b"BdsDxe: No bootable option or device was found.\r\n", "firmware"),
        (b"Boot failed: could not read the boot disk\r\n\r\nNo bootable device.\r\n", "firmware"),
        (b"\x1b[2J\x1b[01;01HUEFI Interactive Shell v2.2\r\nShell> ", "UEFI shell"),
        (b"ALERT!  /dev/vda1 does not exist.  Dropping to a shell!\n(initramfs) ", "initramfs shell"),
        (b'You are in emergency mode. After logging in, type "journalctl -xb" to view\n', "emergency shell"),
        (b"[FAILED] Failed to mount /srv/data.\r\n", "file system not mounted"),
    ],
)
def test_a_machine_without_a_system_failed_to_boot(text: bytes, title: str) -> None:
    found = read(text)
    assert {item.kind for item in found} == {FindingKind.BOOT_FAILURE}
    assert all(item.fatal for item in found)
    assert any(item.title.startswith(title) for item in found)


def test_a_boot_attempt_that_failed_is_withdrawn_when_the_next_one_works() -> None:
    found = read(
        b"Boot failed: could not read the boot disk\r\nBooting from Hard Disk...\r\n"
        b"[    0.000000] Linux version 6.1.0 (demo)\n"
    )
    assert [item.suppressed for item in found] == ["the system came up after it"]


def test_a_kernel_that_starts_again_without_a_goodbye_is_told_of_a_bare_log() -> None:
    ran = log("one\ntwo\nthree", start=500)
    again = b"SeaBIOS (version 1.16.2)\n[    0.000000] Linux version 6.1.0 (demo)\n"
    (found,) = read(ran + again, reboots=True)
    assert (found.kind, found.title) == (FindingKind.UNEXPECTED_REBOOT, "unexpected kernel reboot")
    assert read(ran + again) == []
    assert read(ran + log("reboot: Restarting system", start=501) + again, reboots=True) == []


PIECES = (
    log("BUG: KASAN: use-after-free in one+0x1/0x2\nRead of size 8 at addr ff by task a/1\n" + stack("one")),
    log(
        "WARNING: CPU: 0 PID: 1 at a.c:1 two+0x1/0x2\nRIP: 0010:two+0x1/0x2\n" + stack("x"), caller="[   T11]"
    ),
    log("Kernel panic - not syncing: Fatal exception", start=20),
    log("healthy\n" * 60, start=30),
    b"[    0.000000] Linux version 6.1.0\n",
    b"BUG: unable to handle kernel [   12.000000] something else\n",
    b"No bootable device.\r\n",
    b"x" * 3000 + b"Kernel panic - not syncing: x\n",
    b"\x1b[31mBUG: \x00\xff\n",
    b"fleet login: [   40.000000] INFO: task a:1 blocked for more than 120 seconds.\r\n",
)


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.sampled_from(PIECES), max_size=8),
    cuts=st.lists(st.integers(0, 12000), max_size=30),
    filler=st.integers(0, 5000),
)
def test_findings_do_not_depend_on_how_any_stream_was_cut(
    parts: list[bytes], cuts: list[int], filler: int
) -> None:
    data = b"healthy text of some program\n" * (filler // 29) + b"".join(parts)
    assert read(data, cuts) == read(data)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=4000), part=st.sampled_from(PIECES), at=st.integers(0, 3000))
def test_no_bytes_stop_the_reader(data: bytes, part: bytes, at: int) -> None:
    for found in read(data[:at] + part + data[at:]):
        assert found.title
