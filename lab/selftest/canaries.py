"""The canaries: guests that are brought down on purpose, and what must be found by which channels. Data.

Each proves one way of dying. The stand-ins for Windows are taken over from `lab.selftest.standin`. Refuses to
run anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lab.model import FindingKind
from lab.selftest.standin.table import STANDINS, StandIn

CHANNELS = ("event", "serial", "screen", "heartbeat", "reset", "dump")
"""The words of `Finding.channels` and of time lines; `reset` is a counted one."""


class Act(StrEnum):
    """How the guest gets into trouble."""

    NOTHING = "nothing"
    FAULT = "fault"
    """A fault of lab_crasher, provoked over the guest agent."""
    SHELL = "shell"
    """A command, given over the guest agent."""
    NO_ROOT = "no-root"
    """It is started without the RAM disk that mounts its root file system."""
    STAND_IN = "stand-in"
    """A stand-in for Windows is started; it does the rest by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """One guest and what must be found in it."""

    name: str
    summary: str
    act: Act
    argument: str = ""
    prepare: tuple[str, ...] = ()
    """Shell commands before the trigger, after the module is loaded."""
    text_screen: bool = False
    """The kernel's console is on the screen too."""
    screen_only: bool = False
    """And only there: no console on the serial port, no driver for the panic device."""
    kinds: tuple[FindingKind, ...] = ()
    """Any of them; none: nothing may be found."""
    title: str = ""
    """Regular expression in the finding's title, where several findings could be meant."""
    channels: tuple[str, ...] = ()
    """All of these must see it."""
    fatal: bool = True
    diagnosis: str = ""
    deadline_s: float = 45.0
    """After the trigger, before scaling by the host's factor."""
    quiet_s: float = 10.0
    """How long a guest in which nothing may be found is watched."""
    heartbeat_s: float = 10.0
    loop_resets: int = 3
    quick: bool = False
    """Part of `lab selftest --quick`."""
    stand_in: StandIn | None = None

    @property
    def standin(self) -> bool:
        """A stand-in for Windows: proves that its outside is seen, nothing about Windows itself."""
        return self.stand_in is not None

    @property
    def from_power_on(self) -> bool:
        """Latencies count from power-on: the guest itself decides when it begins."""
        return self.act in (Act.NO_ROOT, Act.STAND_IN)


LINUX = (
    Canary(
        name="healthy",
        summary="a guest that boots and is well: nothing may be found",
        act=Act.NOTHING,
        quick=True,
    ),
    Canary(
        name="panic",
        summary="a kernel panic",
        act=Act.FAULT,
        argument="panic",
        kinds=(FindingKind.PANIC,),
        channels=("event", "serial"),
        quick=True,
    ),
    Canary(
        name="panic-on-screen",
        summary="a kernel panic on a guest whose console is on the screen too",
        act=Act.FAULT,
        argument="panic",
        text_screen=True,
        prepare=("echo 60 > /proc/sys/kernel/panic",),
        kinds=(FindingKind.PANIC,),
        channels=("event", "serial", "screen"),
    ),
    Canary(
        name="panic-only-on-screen",
        summary="a kernel panic that nothing but the screen shows",
        act=Act.FAULT,
        argument="panic",
        text_screen=True,
        screen_only=True,
        prepare=("echo 60 > /proc/sys/kernel/panic", "rmmod pvpanic_mmio"),
        kinds=(FindingKind.PANIC,),
        channels=("screen",),
    ),
    Canary(
        name="oops",
        summary="a kernel oops after which the guest goes on: only its console tells",
        act=Act.FAULT,
        argument="null-read",
        prepare=("echo 0 > /proc/sys/kernel/panic_on_oops",),
        kinds=(FindingKind.OOPS,),
        title="lab_crasher_null_read",
        channels=("serial",),
    ),
    Canary(
        name="hang-spin",
        summary="a loop with interrupts off: nothing answers, a CPU spins",
        act=Act.FAULT,
        argument="irqs-off",
        kinds=(FindingKind.HANG,),
        diagnosis="spinning",
        channels=("heartbeat",),
        deadline_s=60.0,
    ),
    Canary(
        name="hang-deadlock",
        summary="two kernel threads and two mutexes in opposite order: the kernel reports a hung task",
        act=Act.FAULT,
        argument="deadlock",
        prepare=("echo 3 > /proc/sys/kernel/hung_task_timeout_secs",),
        kinds=(FindingKind.HUNG_TASK,),
        channels=("serial",),
    ),
    Canary(
        name="hang-asleep",
        summary="everything in the guest is stopped: nothing answers, its CPUs wait",
        act=Act.SHELL,
        argument="kill -STOP -1",
        kinds=(FindingKind.HANG,),
        diagnosis="idle",
        channels=("heartbeat",),
        deadline_s=60.0,
    ),
    Canary(
        name="agent-lost",
        summary="the guest agent is gone while the guest works on",
        act=Act.SHELL,
        argument="(while :; do echo working > /dev/kmsg; sleep 1; done) & kill -STOP $(pidof qemu-ga)",
        kinds=(FindingKind.LOST_CONNECTION,),
        channels=("heartbeat",),
        deadline_s=40.0,
    ),
    Canary(
        name="oom",
        summary="a leak until memory is out",
        act=Act.FAULT,
        argument="oom",
        kinds=(FindingKind.OOM, FindingKind.PANIC),
        title="(?i)memory|oom",
        channels=("serial",),
        fatal=False,
    ),
    Canary(
        name="reset",
        summary="a triple fault: the machine resets without a word",
        act=Act.FAULT,
        argument="triple-fault",
        kinds=(FindingKind.UNEXPECTED_REBOOT,),
        channels=("event",),
        fatal=False,
    ),
    Canary(
        name="boot-loop",
        summary="a panic, and again at every boot",
        act=Act.FAULT,
        argument="panic",
        prepare=(
            "cp /run/lab_crasher.ko /root/lab_crasher.ko",
            "printf '#!/bin/sh\\ninsmod /root/lab_crasher.ko what=panic\\n' > /etc/rc.d/S99lab-crasher",
            "chmod 755 /etc/rc.d/S99lab-crasher; sync",
            "echo 1 > /proc/sys/kernel/panic",
        ),
        kinds=(FindingKind.BOOT_LOOP,),
        channels=("event",),
        deadline_s=90.0,
    ),
    Canary(
        name="no-root",
        summary="a kernel that finds no root file system",
        act=Act.NO_ROOT,
        kinds=(FindingKind.BOOT_FAILURE, FindingKind.PANIC),
        title="(?i)root|VFS",
        channels=("serial",),
    ),
)


def from_stand_in(stand_in: StandIn) -> Canary:
    """A stand-in as a canary: its own expectations, and time for its acts."""
    return Canary(
        name=stand_in.image_name,
        summary=stand_in.summary,
        act=Act.STAND_IN,
        argument=stand_in.name,
        kinds=(stand_in.kind,) if stand_in.kind is not None else (),
        channels=stand_in.seen_by,
        fatal=stand_in.fatal,
        deadline_s=40.0 + 2.0 * stand_in.lasts_s,
        quiet_s=stand_in.lasts_s + 5.0,
        stand_in=stand_in,
    )


CANARIES: tuple[Canary, ...] = (*LINUX, *(from_stand_in(one) for one in STANDINS.values()))
