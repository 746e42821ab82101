"""The kernel's own watchdogs: soft and hard lockups, RCU stalls, hung tasks. All mean a dead machine."""

from __future__ import annotations

from lab.detect.linux.patterns.pattern import Blame, Pattern, Role, rx
from lab.model import FindingKind

STALLS: tuple[Pattern, ...] = (
    Pattern(
        id="soft-lockup",
        kind=FindingKind.LOCKUP,
        fatal=True,
        blame=Blame.STALL,
        start=rx(r"(?:NMI )?(?:watchdog: )?BUG: soft lockup(?: - CPU#\d| detected)?"),
        hot=(b"BUG: soft lockup",),
        title="BUG: soft lockup",
        alts=("stall",),
        example="watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [demo-sensord:412]",
        source="kernel/watchdog.c: watchdog_timer_fn()",
    ),
    Pattern(
        id="hard-lockup",
        kind=FindingKind.LOCKUP,
        fatal=True,
        blame=Blame.STALL,
        start=rx(
            r"(?:NMI )?watchdog: (?:CPU ?\d{1,5}:? )?(?:Watchdog |self-)?detected [Hh]ard LOCKUP|"
            r"(?:watchdog: )?Watchdog CPU:\d{1,5} (?:detected )?Hard LOCKUP|"
            r"(?:BUG: )?NMI Watchdog detected LOCKUP"
        ),
        hot=(b" LOCKUP",),
        title="BUG: hard lockup",
        alts=("stall",),
        example="watchdog: Watchdog detected hard LOCKUP on cpu 1",
        source="kernel/watchdog.c: watchdog_hardlockup_check(); arch/powerpc/kernel/watchdog.c",
    ),
    Pattern(
        id="workqueue-lockup",
        kind=FindingKind.LOCKUP,
        fatal=True,
        role=Role.LINE,
        start=rx(r"BUG: workqueue lockup"),
        hot=(b"BUG: workqueue lockup",),
        title="BUG: workqueue lockup",
        stackless=True,
        example="BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 48s!",
        source="kernel/workqueue.c: wq_watchdog_timer_fn()",
    ),
    Pattern(
        id="rcu-stall",
        kind=FindingKind.LOCKUP,
        fatal=True,
        blame=Blame.INTERRUPTED,
        start=rx(
            r"(?:rcu: )?INFO: (?:rcu\w{0,30}|Task-RCU) (?:self-)?detected (?:an? )?(?:expedited )?stalls?|"
            r"(?:rcu: )?INFO: rcu_tasks detected stalls on tasks"
        ),
        hot=(b"INFO: rcu", b"INFO: Task-RCU"),
        title="INFO: rcu detected stall",
        skip=rx(r".*(?:apic_timer_interrupt|rcu)"),
        alts=("stall",),
        example="rcu: INFO: rcu_preempt self-detected stall on CPU",
        source="kernel/rcu/tree_stall.h: print_cpu_stall(); kernel/rcu/tree_exp.h",
    ),
    Pattern(
        id="hung-task",
        kind=FindingKind.HUNG_TASK,
        fatal=True,
        blame=Blame.HANG,
        start=rx(
            r"(?:INFO: task .{1,80}|\S.{0,20}:\d{1,8}) (?:<writer> )?(?:is )?blocked "
            r"(?:in I/O wait )?(?:for more than|on an? \w{1,20} likely)"
        ),
        hot=(b"INFO: task ", b" blocked for more than"),
        title="INFO: task hung",
        alts=("hang",),
        example="INFO: task demo-sensord:412 blocked for more than 120 seconds.",
        source="kernel/hung_task.c: check_hung_task()",
    ),
    Pattern(
        id="task-cannot-die",
        kind=FindingKind.HUNG_TASK,
        fatal=True,
        blame=Blame.STACK,
        start=rx(r"INFO: task .{1,80} can't die for more than"),
        hot=(b"INFO: task ",),
        title="INFO: task can't die",
        alts=("hang",),
        skip=rx(r".*schedule"),
        example="INFO: task demo-sensord:412 can't die for more than 143 seconds.",
        source="kernel/hung_task.c in linux-next: check_killed_task()",
    ),
)
"""In the order in which they are tried."""
