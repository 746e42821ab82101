"""What the captured fixtures are captured from: real crashes by kernel, and what must be found in each. Data.

`lab.selftest.capture` provokes and records them. Kinds and titles follow the field's conventions
(syzkaller's titles); an expectation is what a person reads in the log, never what the detector said.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.model import FindingKind

OLD, LTS, MID, NEW, EDGE = "debian-11", "debian-12", "debian-13", "debian-forky", "debian-sid"
"""Images: Linux 5.10, 6.1, 6.12, 7.2.12, 7.2.13."""
BACKPORT = "debian-12-backports"
ALL = (OLD, LTS, MID, NEW)

CALM = "echo 0 > /proc/sys/kernel/panic_on_oops"
"""The images say oops=panic; with this the kernel goes on after an oops."""
QUICK = "echo 2 > /proc/sys/kernel/watchdog_thresh"
"""A soft lockup is reported after twice this many seconds."""
IMPATIENT = "echo 3 > /proc/sys/kernel/hung_task_timeout_secs"
STALL = "echo 4 > /sys/module/rcupdate/parameters/rcu_cpu_stall_timeout"
HEALTHY = ""
ANY = "any"
"""What the kernel says here is a matter of its version: only that it is not called fatal is looked at."""
END = "end Kernel panic|Rebooting in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """One crash to capture, on some kernels, and what a person finds in its log."""

    name: str
    images: tuple[str, ...]
    kind: str
    """FindingKind of the first finding, HEALTHY where nothing must be found, or ANY."""
    title: str = ""
    """Regular expression that the first finding's title or an alternative title matches entirely."""
    fatal: bool | None = True
    """None: not looked at."""
    fault: str = ""
    """Of lab_crasher; else `trigger` is shell text, or `boot` a way of booting."""
    trigger: str = ""
    boot: str = ""
    host: str = ""
    """Monitor command sent to QEMU a while after the trigger."""
    prepare: tuple[str, ...] = ()
    cmdline: str = ""
    vcpus: int = 1
    memory_mib: int = 384
    until: str = ""
    """Regular expression that ends the wait (after a second more); else a quiet console does."""
    patience_s: float = 40.0
    blamed: bool = False
    """The trace names a function of lab_crasher, and the finding must blame it."""

    @property
    def command(self) -> str:
        return self.trigger or f"echo {self.fault} > /proc/lab_crasher"


PANIC, OOPS, BUG, WARNING = FindingKind.PANIC, FindingKind.OOPS, FindingKind.BUG, FindingKind.WARNING
LOCKUP, HUNG, SANITIZER, OOM = (
    FindingKind.LOCKUP,
    FindingKind.HUNG_TASK,
    FindingKind.SANITIZER,
    FindingKind.OOM,
)
BOOT = FindingKind.BOOT_FAILURE
SELF = r"lab_crasher_\w+|fault_in_\w+"
IN = rf" in (?:{SELF})"
NULL = rf"BUG: unable to handle kernel NULL pointer dereference{IN}"
PAGING = rf"BUG: unable to handle kernel paging request{IN}"

SPECIMENS: tuple[Specimen, ...] = (
    # -- panics and exceptions
    Specimen(name="panic", fault="panic", images=(*ALL, EDGE, BACKPORT), kind=PANIC,
             title=r"kernel panic: lab_crasher: asked to panic"),
    Specimen(name="panic-stays", fault="panic", images=(LTS, EDGE), cmdline="panic=0", kind=PANIC,
             title=r"kernel panic: lab_crasher: asked to panic"),
    Specimen(name="bug", fault="bug", images=ALL, kind=OOPS, title=rf"kernel BUG{IN}", blamed=True),
    Specimen(name="bug-calm", fault="bug", images=(LTS,), prepare=(CALM,), kind=OOPS,
             title=rf"kernel BUG{IN}", blamed=True),
    Specimen(name="warn", fault="warn", images=ALL, kind=WARNING, fatal=False, title=rf"WARNING{IN}",
             blamed=True),
    Specimen(name="warn-text", fault="warn-text", images=(LTS, EDGE), kind=WARNING, fatal=False,
             title=rf"WARNING{IN}", blamed=True),
    Specimen(name="panic-on-warn", fault="warn", images=(LTS, NEW), kind=WARNING,
             prepare=("echo 1 > /proc/sys/kernel/panic_on_warn",), title=rf"WARNING{IN}", blamed=True),
    Specimen(name="invalid-opcode", fault="invalid-opcode", images=(OLD, MID), kind=OOPS,
             title=rf"invalid opcode{IN}", blamed=True),
    Specimen(name="divide", fault="divide", images=ALL, kind=OOPS, title=rf"divide error{IN}", blamed=True),
    Specimen(name="int3", fault="int3", images=(LTS,), kind=OOPS, title=rf"int3{IN}", blamed=True),
    Specimen(name="gpf", fault="gpf", images=(*ALL, EDGE), kind=OOPS,
             title=rf"general protection fault{IN}", blamed=True),
    Specimen(name="null-read", fault="null-read", images=(*ALL, EDGE), kind=OOPS, title=NULL, blamed=True),
    Specimen(name="null-read-calm", fault="null-read", images=(OLD, MID), prepare=(CALM,), kind=OOPS,
             title=NULL, blamed=True),
    Specimen(name="null-write-at-load", trigger="insmod /run/lab_crasher.ko what=null-write", images=(LTS,
             EDGE),
             kind=OOPS, title=NULL, blamed=True),
    Specimen(name="null-call", fault="null-call", images=ALL, kind=OOPS, title=NULL, blamed=True),
    Specimen(name="wild-read", fault="wild-read", images=ALL, kind=OOPS, title=PAGING, blamed=True),
    Specimen(name="wild-call", fault="wild-call", images=(LTS, NEW), kind=OOPS, title=PAGING, blamed=True),
    Specimen(name="exec-data", fault="exec-data", images=(OLD, NEW), kind=OOPS, title=PAGING, blamed=True),
    Specimen(name="write-constant", fault="write-constant", images=(LTS, NEW), kind=OOPS, title=PAGING,
             blamed=True),
    Specimen(name="stack-overflow", fault="stack-overflow", images=ALL, kind=OOPS,
             title=r"BUG: stack guard page was hit in .*"),
    Specimen(name="stack-smash", fault="stack-smash", images=(OLD, LTS, MID), kind=PANIC,
             title=rf"kernel panic: stack is corrupted{IN}", blamed=True),
    Specimen(name="nested", fault="nested", images=(LTS, NEW), kind=PANIC,
             title=r"kernel panic: lab_crasher: the first of two"),
    Specimen(name="locked", fault="locked", images=(LTS, MID), prepare=(CALM,), kind=OOPS,
             title=rf"{NULL}", blamed=True),
    # -- places
    Specimen(name="irq", fault="irq", images=(OLD, LTS, NEW), kind=OOPS, title=NULL, blamed=True),
    Specimen(name="panic-irq", fault="panic-irq", images=(MID,), kind=PANIC,
             title=r"kernel panic: lab_crasher: asked to panic in an interrupt"),
    Specimen(name="timer", fault="timer", images=(LTS, NEW), kind=OOPS, title=NULL, blamed=True),
    Specimen(name="timer-leak", fault="timer-leak", images=(LTS,), kind=WARNING, fatal=None,
             title=r"WARNING in (?:call_timer_fn|__run_timers|expire_timers|leak_in_timer)"),
    Specimen(name="work", fault="work", images=(OLD, EDGE), prepare=(CALM,), kind=OOPS, title=NULL,
             blamed=True),
    Specimen(name="work-leak", fault="work-leak", images=(MID,), kind=BUG, fatal=False,
             title=r"BUG: workqueue leaked .*"),
    Specimen(name="kthread", fault="kthread", images=(LTS,), kind=OOPS, title=NULL, blamed=True),
    Specimen(name="rcu", fault="rcu", images=(MID,), kind=OOPS, title=NULL, blamed=True),
    # -- memory
    Specimen(name="double-free", fault="double-free", images=(LTS, MID), kind=OOPS, title=r"kernel BUG in .*",
             fatal=True),
    Specimen(name="double-free-debug", fault="double-free", cmdline="slub_debug=FZP slab_debug=FZP",
             images=(OLD, NEW), kind=BUG, fatal=None, title=r"BUG: Object already free.*"),
    Specimen(name="write-freed", fault="write-freed", cmdline="slub_debug=FZP slab_debug=FZP",
             images=(LTS, MID), kind=BUG, fatal=None, title=r"BUG: (?:Poison overwritten|Object corrupt).*"),
    Specimen(name="read-freed", fault="read-freed", cmdline="slub_debug=FZP slab_debug=FZP",
             images=(LTS, NEW), kind=OOPS, title=rf"general protection fault{IN}", blamed=True),
    Specimen(name="overflow", fault="overflow", cmdline="slub_debug=FZP slab_debug=FZP",
             images=(OLD, NEW), kind=BUG, fatal=None,
             title=r"BUG: (?:(?:Right )?Redzone overwritten|Object corrupt).*"),
    Specimen(name="kfence-read", fault="kfence-read", cmdline="kfence.sample_interval=5", images=(MID, NEW),
             kind=SANITIZER, fatal=None, title=rf"KFENCE: out-of-bounds (?:R|r)ead{IN}", blamed=True),
    Specimen(name="kfence-freed", fault="kfence-freed", cmdline="kfence.sample_interval=5", images=(MID,),
             kind=SANITIZER, fatal=None, title=rf"KFENCE: use-after-free (?:W|w)rite{IN}", blamed=True),
    Specimen(name="kfence-free", fault="kfence-free", cmdline="kfence.sample_interval=5", images=(NEW,),
             kind=SANITIZER, fatal=None, title=rf"KFENCE: invalid free{IN}", blamed=True),
    Specimen(name="usercopy", fault="usercopy", images=ALL, kind=BUG, title=rf"BUG: bad usercopy{IN}"),
    Specimen(name="fortify", fault="fortify", images=(LTS,), kind=OOPS,
             title=rf"kernel BUG{IN}"),
    Specimen(name="fortify-warns", fault="fortify", images=(NEW,), kind=WARNING, title=rf"WARNING{IN}"),
    Specimen(name="field-span", fault="field-span", images=(MID,), kind=WARNING, fatal=False,
             title=rf"WARNING{IN}", blamed=True),
    Specimen(name="bad-page", fault="bad-page", cmdline="page_poison=1", images=(MID, NEW), kind=BUG,
             fatal=False, title=r"BUG: Bad page state.*"),
    Specimen(name="oom", fault="oom", images=(LTS, NEW), memory_mib=256, kind=OOM, fatal=None, patience_s=120,
             until=END, title=r".*(?i:memory|oom).*"),
    Specimen(name="oom-user", trigger="tail /dev/zero", images=(OLD, MID), memory_mib=256, kind=OOM,
             fatal=None,
             until="Out of memory: Killed process", patience_s=120, title=r".*(?i:memory|oom).*"),
    Specimen(name="oom-panic", fault="oom", prepare=("echo 1 > /proc/sys/vm/panic_on_oom",), images=(LTS,),
             memory_mib=256, patience_s=120, until=END, kind=PANIC,
             title=r"kernel panic: (?i:out of memory).*"),
    Specimen(name="alloc-huge", fault="alloc-huge", images=(LTS, MID), kind=WARNING, fatal=False,
             title=r"WARNING in .*|WARNING: kmalloc bug.*"),
    Specimen(name="cache-leak", fault="cache-leak", images=(OLD, LTS, NEW), kind=ANY, fatal=False),
    # -- the kernel's own checks
    Specimen(name="list-add", fault="list-add", images=ALL, kind=BUG, title=r"BUG: corrupted list.*"),
    Specimen(name="list-del", fault="list-del", images=(OLD, NEW), kind=BUG, title=r"BUG: corrupted list.*"),
    Specimen(name="refcount-underflow", fault="refcount-underflow", images=(LTS, NEW), kind=WARNING,
             fatal=False,
             title=r"WARNING: refcount bug.*"),
    Specimen(name="refcount-zero", fault="refcount-zero", images=(OLD,), kind=WARNING, fatal=False,
             title=r"WARNING: refcount bug.*"),
    Specimen(name="kobject", fault="kobject", images=(MID,), kind=WARNING, fatal=False, title=r"WARNING.*"),
    Specimen(name="proc-duplicate", fault="proc-duplicate", images=(LTS,), kind=WARNING, fatal=False,
             title=r"WARNING: proc registration bug.*|WARNING in .*"),
    Specimen(name="ubsan-bounds", fault="ubsan-bounds", images=(NEW, EDGE), kind=SANITIZER, fatal=False,
             title=rf"UBSAN: array-index-out-of-bounds{IN}", blamed=True),
    Specimen(name="ubsan-shift", fault="ubsan-shift", images=(NEW,), kind=SANITIZER, fatal=False,
             title=rf"UBSAN: shift-out-of-bounds{IN}", blamed=True),
    # -- what does not get on
    Specimen(name="soft-lockup", fault="spin", prepare=(QUICK,), images=ALL, kind=LOCKUP, patience_s=60,
             until="soft lockup", title=r"BUG: soft lockup in .*"),
    Specimen(name="soft-lockup-panic", fault="spin-forever", images=(LTS, NEW), kind=LOCKUP, patience_s=60,
             prepare=(QUICK, "echo 1 > /proc/sys/kernel/softlockup_panic"), until=END,
             title=r"BUG: soft lockup in .*"),
    Specimen(name="spinlock-twice", fault="spinlock-twice", prepare=(QUICK,), images=(LTS,), kind=LOCKUP,
             patience_s=60, until="soft lockup", title=r"BUG: soft lockup in .*"),
    Specimen(name="rcu-stall", fault="rcu-stall", prepare=(STALL,
             "echo 30 > /proc/sys/kernel/watchdog_thresh"),
             images=(MID, NEW), kind=LOCKUP, patience_s=60, until="self-detected|detected stalls",
             title=r"INFO: rcu detected stall in .*"),
    Specimen(name="irqs-off", fault="irqs-off", prepare=(STALL,), vcpus=2, images=(LTS, NEW), kind=LOCKUP,
             patience_s=90, until="detected stalls", title=r"INFO: rcu detected stall.*"),
    Specimen(name="nmi-panic", fault="irqs-off", prepare=("echo 1 > /proc/sys/kernel/unknown_nmi_panic",),
             host="nmi", images=(LTS, MID), kind=PANIC, title=r"kernel panic: NMI: Not continuing.*"),
    Specimen(name="hung-task", fault="hang", prepare=(IMPATIENT,), images=ALL, kind=HUNG, patience_s=60,
             until="blocked for more than", title=r"INFO: task hung in lab_crasher_hang"),
    Specimen(name="hung-task-panic", fault="hang", images=(LTS,), kind=HUNG, patience_s=60,
             prepare=(IMPATIENT, "echo 1 > /proc/sys/kernel/hung_task_panic"), until=END,
             title=r"INFO: task hung in lab_crasher_hang"),
    Specimen(name="deadlock", fault="deadlock", prepare=(IMPATIENT,), images=(OLD, MID, NEW), kind=HUNG,
             patience_s=60, until=r"lab_second.*blocked for more than",
             title=r"INFO: task hung in lab_crasher_\w+"),
    Specimen(name="sleep-atomic", fault="sleep-atomic", images=(LTS, NEW), kind=WARNING, fatal=False,
             title=r"BUG: scheduling while atomic.*"),
    Specimen(name="sleep-bh", fault="sleep-bh", images=(OLD,), kind=WARNING, fatal=True,
             title=r"BUG: scheduling while atomic.*"),
    Specimen(name="sleep-rcu", fault="sleep-rcu", images=(MID,), kind=WARNING, fatal=False,
             title=r"WARNING in rcu_note_context_switch"),
    # -- from the outside, and by hand
    Specimen(name="sysrq-crash", trigger="echo c > /proc/sysrq-trigger", images=(OLD, NEW), kind=PANIC,
             title=r"kernel panic: sysrq triggered crash"),
    Specimen(name="machine-check", trigger="true", host="mce 0 1 0xbe00000000000005 7 0 0", images=(LTS,),
             kind=PANIC, title=r"kernel panic: Fatal (?:local )?machine check.*"),
    Specimen(name="file-system", images=(LTS,), kind=PANIC, title=r"kernel panic: EXT4-fs .*",
             trigger="mount -o remount,errors=panic / && echo boom > /sys/fs/ext4/vda/trigger_fs_error"),
    # -- boots that fail
    Specimen(name="no-initrd", boot="no-initrd", images=(OLD, LTS, NEW), until=END, kind=PANIC,
             patience_s=90, title=r"kernel panic: VFS: Unable to mount root fs.*|VFS: .*"),
    Specimen(name="no-disk", boot="no-disk", images=(LTS,), until=END, patience_s=150,
             kind=PANIC, title=r"kernel panic: Attempted to kill init!"),
    Specimen(name="init-exits", boot="init-exits", images=(LTS, NEW), until=END, patience_s=90,
             kind=PANIC, title=r"kernel panic: Attempted to kill init!"),
    Specimen(name="no-init", boot="no-init", images=(LTS,), until=END, patience_s=90,
             kind=PANIC, title=r"kernel panic: No working init found.*"),
    Specimen(name="broken-initrd", boot="broken-initrd", images=(MID,), until=END, patience_s=90,
             kind=PANIC, title=r"kernel panic: VFS: Unable to mount root fs.*"),
    Specimen(name="emergency-mode", images=(LTS, NEW), kind=BOOT, patience_s=120, until=r"emergency mode",
             title=r".*",
             prepare=("echo '/dev/vdz /srv ext4 x-systemd.device-timeout=3s 0 2' >> /etc/fstab",),
             trigger="systemctl reboot"),
    Specimen(name="empty-disk-uefi", boot="empty-disk-uefi", images=(LTS,), kind=BOOT, patience_s=60,
             until="No bootable option", title=r".*"),
    # -- nothing of the kind
    Specimen(name="dump-stack", fault="dump-stack", images=(LTS, NEW), kind=HEALTHY, fatal=None),
    Specimen(name="sysrq-tasks", trigger="echo t > /proc/sysrq-trigger", images=(LTS,), kind=HEALTHY,
             fatal=None),
    Specimen(name="sysrq-backtrace", trigger="echo l > /proc/sysrq-trigger; echo w > /proc/sysrq-trigger",
             images=(MID,), vcpus=2, kind=HEALTHY, fatal=None),
    Specimen(name="sysrq-memory", trigger="echo m > /proc/sysrq-trigger", images=(OLD,), kind=HEALTHY,
             fatal=None),
    Specimen(name="user-died", trigger="sh -c 'kill -SEGV $$'; sh -c 'kill -ABRT $$'", images=(LTS,),
             kind=HEALTHY, fatal=None),
    Specimen(name="told", images=(LTS,), kind=HEALTHY, fatal=None,
             trigger="echo '<4>agent: yesterday: Kernel panic - not syncing: Oops' > /dev/kmsg"),
    Specimen(name="reboot", trigger="reboot", images=(OLD, MID), until="Linux version", kind=HEALTHY,
             fatal=None),
    Specimen(name="poweroff", trigger="poweroff", images=(NEW,), kind=HEALTHY, fatal=None),
    Specimen(name="alloc-failure", fault="alloc-failure", images=(LTS, NEW), kind=ANY, fatal=False,
             memory_mib=256),
    Specimen(name="vmalloc-huge", fault="vmalloc-huge", images=(MID,), kind=ANY, fatal=False),
)  # fmt: skip
