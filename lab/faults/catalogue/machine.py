"""Faults of power, processor, memory and clock."""

from __future__ import annotations

from lab.faults import clock, memory, power, processor
from lab.faults.catalogue.families import BOTH, LINUX
from lab.faults.kind import Kind, Parameter

HERE = "QEMU on the host that runs the lab"

KINDS = (
    Kind(
        name="power-cut",
        what="pulls the plug and puts it back in: RAM is lost, flushed data stay, unflushed may be lost",
        proof="QEMU's process is gone by SIGKILL",
        undo="the guest answers with another boot id",
        make=power.PowerCut,
        families=BOTH,
        masks=("reboot",),
        needs=HERE,
        parameters=(
            Parameter(
                name="off_s",
                meaning="how long the machine stays off",
                default=0.0,
                unit="s",
                low=0,
                high=600,
            ),
        ),
    ),
    Kind(
        name="hard-reset",
        what="presses the reset button",
        proof="QEMU's RESET event",
        undo="the guest answers with another boot id",
        make=power.HardReset,
        families=BOTH,
        masks=("reboot",),
    ),
    Kind(
        name="machine-pause",
        what="stops the machine; its clock stands still too",
        proof="QEMU's STOP event and state",
        undo="the machine goes on; QEMU's state",
        make=power.Pause,
        families=BOTH,
        masks=("silence", "clock"),
    ),
    Kind(
        name="cpu-steal",
        what="lets no vCPU run while the guest's clock goes on",
        proof="QEMU is in state T and uses no CPU time",
        undo="QEMU is continued",
        make=processor.Stolen,
        families=BOTH,
        masks=("silence", "stall"),
        needs=HERE,
    ),
    Kind(
        name="cpu-starvation",
        what="gives the guest only a share of its CPU time",
        proof="QEMU stands still for a third of what is taken at least, while a loop runs in the guest",
        undo="QEMU is stopped no more",
        make=processor.Starved,
        families=BOTH,
        needs=HERE,
        parameters=(
            Parameter(
                name="share",
                meaning="of the time that the guest may run",
                default=0.2,
                low=0.02,
                high=0.9,
                drawn=(0.1, 0.5),
            ),
        ),
    ),
    Kind(
        name="nmi",
        what="interrupts every CPU without a reason; the kernel is told not to panic of it",
        proof="the kernel's own count of NMIs grew",
        undo="the kernel's settings are as before",
        make=processor.Nmi,
        families=LINUX,
        masks=("nmi",),
    ),
    Kind(
        name="memory-squeeze",
        what="takes memory from the guest as pages that can be neither swapped nor reclaimed",
        proof="three quarters of what was to be taken are; pages the kernel looked through",
        undo="the pages are given back; what is available",
        make=memory.squeeze,
        families=BOTH,
        parameters=(
            Parameter(
                name="leave_mib",
                whole=True,
                meaning="what stays available",
                default=48.0,
                unit="MiB",
                low=8,
                high=1 << 20,
                drawn=(32, 96),
            ),
            Parameter(
                name="reclaim",
                meaning="whether a cache that needs more makes the kernel take memory back at once (Linux)",
                default=False,
            ),
        ),
    ),
    Kind(
        name="memory-balloon",
        what="takes memory from the guest by its balloon driver",
        proof="QEMU tells the balloon's size",
        undo="the balloon is told to give all back; its size",
        make=memory.Balloon,
        families=BOTH,
        needs="a balloon driver in the guest, and a machine that is not a clone (`cold_boot`)",
        parameters=(
            Parameter(
                name="share",
                meaning="of the guest's memory that stays",
                default=0.6,
                low=0.3,
                high=0.95,
            ),
        ),
    ),
    Kind(
        name="clock-forward",
        what="sets the guest's clock forward, once",
        proof="the guest's clock against the host's, before and after",
        undo="the clock is set back; the same comparison",
        make=clock.forward,
        families=BOTH,
        masks=("clock",),
        parameters=(
            Parameter(
                name="by_s",
                meaning="how far",
                default=3600.0,
                unit="s",
                low=30,
                high=3.2e9,
                drawn=(60, 86400),
            ),
        ),
    ),
    Kind(
        name="clock-back",
        what="sets the guest's clock back, once",
        proof="the guest's clock against the host's, before and after",
        undo="the clock is set forward again; the same comparison",
        make=clock.back,
        families=BOTH,
        masks=("clock",),
        parameters=(
            Parameter(
                name="by_s",
                meaning="how far",
                default=3600.0,
                unit="s",
                low=30,
                high=1.5e9,
                drawn=(60, 86400),
            ),
        ),
    ),
    Kind(
        name="tls-skew",
        what="sets the clock so far that a certificate that is good now is not",
        proof="the guest's clock against the host's, before and after",
        undo="the clock is set right; the same comparison",
        make=clock.tls_skew,
        families=BOTH,
        masks=("clock",),
        parameters=(
            Parameter(
                name="days",
                meaning="forward (expired) or, below 0, back (not valid yet)",
                default=400.0,
                unit="days",
                low=-10000,
                high=10000,
            ),
        ),
    ),
)
