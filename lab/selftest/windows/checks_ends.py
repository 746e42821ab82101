"""The checks that end what the guest is doing: checkpoint, a stop with its screen, event and dump,
offline repair.

They build on one another: what the stop left is read by the checks behind it. The stop is one that needs
no program of others: a non-maskable interrupt, which Windows answers with 0x80 (NMI_HARDWARE_FAILURE).
"""

from __future__ import annotations

import contextlib

from lab.detect.dumps import DumpError, read_dump
from lab.detect.windows import eventlog
from lab.errors import ChannelError, MachineError
from lab.machine.witness import MachineWitness
from lab.model import Finding, FindingKind
from lab.offline.disk import Disk
from lab.offline.repair import Offline
from lab.running.dumping import dump_start
from lab.selftest.windows.bench import Bench
from lab.selftest.windows.checks import DAY_S, Absent, Differs, want
from lab.waiting import WaitTimeout, wait_for

NMI = 0x80
CRASH_KEY = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\CrashControl"
MARK, MARK_AWAY = "C:\\ProgramData\\lab-offline.txt", "lab-offline.bad"
STOP_S = 60.0
DUMP_S = 300.0
HEAD = 1 << 20
ASK_SHARE = 1 / 6
"""Of a command's time: what a guest was asked just before it went away is never answered."""


def checkpoint(bench: Bench) -> str:
    """The guest goes back, its clock does not, and a boot stays one boot."""
    guest, path = bench.guest, "C:\\ProgramData\\lab-checkpoint.txt"
    guest.put(b"before", path)
    boot = guest.boot_id()
    try:
        name = guest.checkpoint()
    except MachineError as error:
        raise Absent(f"no checkpoints of this machine: {error.message}") from error
    guest.put(b"after", path)
    guest.restore(name)
    found = guest.get(path)
    want(found == b"before", f"the file holds {found!r} after the restore (wanted b'before')")
    want(guest.boot_id() == boot, "the boot is another one after the restore")
    return "a file, the boot and the clock are as they must be"


def stop(bench: Bench) -> str:
    """A non-maskable interrupt: a stop that is found, with its code."""
    value = ["reg.exe", "add", CRASH_KEY, "/v", "NMICrashDump", "/t", "REG_DWORD", "/d", "1", "/f"]
    bench.guest.run(value, check=True)
    bench.stopped_boot = bench.guest.boot_id()
    bench.stopped_s = bench.clock.t_s
    MachineWitness(bench.machine).nmi()
    found = bench.found(_stopped, "a bugcheck", STOP_S * bench.order.host.factor)
    want(found.code in (None, NMI), f"stop code 0x{found.code or 0:X} (wanted 0x{NMI:X})")
    return f"{found.title}, seen by {', '.join(found.channels)}"


def screen(bench: Bench) -> str:
    """The stop screen was read, with its code."""
    _provoked(bench)
    found = bench.found(_on_screen, "a stop screen", STOP_S * bench.order.host.factor)
    seen = [one for one in found.timeline if one.channel == "screen"]
    return f"{found.title} on the screen" + (f" after {seen[0].t_s - bench.stopped_s:.1f} s" if seen else "")


def panic_device(bench: Bench) -> str:
    """GUEST_PANICKED, with the Hyper-V crash registers where the accelerator has them."""
    _provoked(bench)
    look, limit_s = lambda: bench.event("panicked", bench.stopped_s), STOP_S * bench.order.host.factor
    try:
        event = wait_for(look, what="GUEST_PANICKED", timeout_s=limit_s)
    except WaitTimeout as late:
        raise Differs(f"{late} (wanted from the Hyper-V or the pvpanic device)") from late
    told = {key: value for key, value in event.details.items() if key.startswith("arg")}
    if not told:
        want(bench.order.host.accelerator != "kvm" or bench.image.stand_in, "no Hyper-V arguments under KVM")
        return "GUEST_PANICKED of the ISA device; Hyper-V's registers are not there under emulation"
    first = told.get("arg1", 0)
    want(int(str(first), 0) == NMI, f"the first Hyper-V argument is {first} (wanted 0x{NMI:X})")
    return f"GUEST_PANICKED with {told}"


def dump(bench: Bench) -> str:
    """The dump is on the dump disk, whole, with the stop's code; read without the guest."""
    _provoked(bench)
    disk = bench.machine.dump_disk
    assert disk is not None

    def whole() -> int | None:
        return dump_start(disk)

    start = wait_for(whole, what="a dump on the dump disk", timeout_s=DUMP_S * bench.order.host.factor)
    with disk.open("rb") as stream:
        stream.seek(start)
        head = stream.read(HEAD)
    try:
        found = read_dump(head)
    except DumpError as error:
        raise Differs(f"what is at byte {start} of the dump disk is no dump: {error}") from error
    want(found.code == NMI, f"its stop code is 0x{found.code or 0:X} (wanted 0x{NMI:X})")
    return f"at byte {start} of the dump disk, stop 0x{NMI:X}"


def back(bench: Bench) -> str:
    """The guest restarts by itself, counts one boot, and has written down why."""
    _provoked(bench)
    left, ask_s = bench.stopped_boot, ASK_SHARE * bench.timeouts.command_s

    def again() -> str | None:
        for channel in bench.ways.values():
            with contextlib.suppress(ChannelError):
                found = bench.dialect.boot_id(channel, ask_s)
                return None if found == left else found
        return None

    now = wait_for(again, what="the boot after the stop", timeout_s=bench.timeouts.reboot_s)
    log = eventlog.read(bench.guest.crash_log(DAY_S) or b"")
    codes = [one.code for one in eventlog.crashes(log, bench.clock.t_s)]
    want(NMI in codes, f"its event log tells of {codes or 'no stop'} (wanted 0x{NMI:X})")
    return f"boot {left} became {now}; event log: 0x{NMI:X}"


def offline(bench: Bench) -> str:
    """A file is renamed on the disk of the guest that is off, and the guest finds it so."""
    guest = bench.guest
    guest.put(b"to be renamed", MARK)
    guest.declare_reboot("selftest: off")
    bench.machine.cut_power()
    rescue = Offline(
        bench.order.places, accelerator=bench.order.host.accelerator, factor=bench.order.host.factor
    )
    rescue.rename(Disk(bench.machine.overlay, "qcow2"), MARK, MARK_AWAY)
    bench.machine.power_on()
    guest.wait_rebooted()
    folder = MARK.rpartition("\\")[0]
    content = guest.get(f"{folder}\\{MARK_AWAY}")
    want(content == b"to be renamed", f"the renamed file holds {content!r}")
    return "renamed while it was off; it booted and has it under the new name"


def _stopped(finding: Finding) -> bool:
    return finding.kind is FindingKind.BUGCHECK


def _on_screen(finding: Finding) -> bool:
    return _stopped(finding) and (
        "screen" in finding.channels or any(one.channel == "screen" for one in finding.timeline)
    )


def _provoked(bench: Bench) -> None:
    """:raise WaitTimeout: the stop was not provoked, so nothing of it can be looked for."""
    if not bench.stopped_s:
        raise WaitTimeout("a stop that was provoked", 0.0, "")
