"""Evidence from real guests: one that is idle, one that spins, one that fell silent, one that crashed."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from temporary_lab import TemporaryLab

from lab.clock import Deadline, Stopwatch
from lab.errors import LabError
from lab.guest.agent_channel import AgentChannel
from lab.guest.dialect import POSIX
from lab.guest.guest import Guest
from lab.images.built import BuiltImage
from lab.machine.machine import Machine, Order
from lab.model import (
    AgentVersion,
    Arm,
    Capture,
    Cell,
    CellId,
    EvidencePolicy,
    Finding,
    FindingKind,
    Heartbeat,
    MachineEvent,
    MachineSample,
    Observation,
    Profile,
    ScenarioInfo,
    Signature,
    Timeouts,
)
from lab.recording.reader import read
from lab.recording.writer import Recorder
from lab.running import asking
from lab.running.evidence import Case
from lab.running.order import CellOrder, HostChoice
from lab.running.sensing import Sensing, attach
from lab.waiting import wait_for

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]

SLOW = Timeouts().scaled(4.0)
BANNER = "Linux version 6.1"
PANIC = Finding(kind=FindingKind.PANIC, signature=Signature(title="kernel panic"), fatal=True, t_s=1.0)


@dataclass
class Scene:
    """A guest that is recorded and watched by every sensor."""

    machine: Machine
    guest: Guest
    sensing: Sensing
    recording: Path
    clock: Stopwatch
    seen: list[Observation] = field(default_factory=list)

    def captures(self, what: str) -> list[Capture]:
        return [one for one in self.seen if isinstance(one, Capture) and one.what == what]

    def bursts(self, since_s: float) -> list[MachineSample]:
        """Samples with registers."""
        samples = [one for one in self.seen if isinstance(one, MachineSample) and one.t_s >= since_s]
        return [one for one in samples if one.vcpus and one.vcpus[0].ip is not None]

    def burst(self) -> list[MachineSample]:
        since = self.clock.t_s
        self.sensing.evidence.burst()
        return self.bursts(since)

    def await_event(self, name: str, *, count: int = 1) -> None:
        def look() -> bool:
            return sum(isinstance(one, MachineEvent) and one.name == name for one in self.seen) >= count

        wait_for(look, what=name, timeout_s=60)


@contextlib.contextmanager
def scene(
    lab: TemporaryLab, image: BuiltImage, name: str, policy: EvidencePolicy, *, vcpus: int = 1
) -> Iterator[Scene]:
    order = order_in(lab, image, name, policy, vcpus)
    order.recording.mkdir(parents=True)
    clock = Stopwatch()
    recorder = Recorder(order.recording, clock)
    machine = Machine(
        Order(
            image=image,
            profile=order.profile,
            uri="embed",
            accelerator="tcg",
            run="r",
            cell=name,
            attempt=1,
            recording=order.recording,
            lifetime_s=600.0,
            dump_disk_mib=policy.dump_disk_mib,
        ),
        lab.places,
    )
    seen: list[Observation] = []
    recorder.subscribe(seen.append)
    with contextlib.ExitStack() as stack:
        stack.callback(recorder.close, scenario="completed")
        machine.create(
            lambda event, details: recorder.add(MachineEvent(t_s=clock.t_s, name=event, details=details))
        )
        stack.callback(machine.close)
        channel = AgentChannel(machine.agent_command())
        sensing = attach(
            stack, order, machine, channel, recorder, clock,
            deadline=Deadline.after(300), shutdown_seen=lambda: True, dialect=POSIX,
        )  # fmt: skip
        machine.resume()
        guest = Guest([channel], recorder.add, clock, SLOW)
        guest.wait_ready()
        yield Scene(machine, guest, sensing, order.recording, clock, seen)


def order_in(
    lab: TemporaryLab, image: BuiltImage, name: str, policy: EvidencePolicy, vcpus: int
) -> CellOrder:
    version = AgentVersion(build="1.0", content="289")
    cell = Cell(
        id=CellId(name), image=image.name, profile="small", scenario="s", arm=Arm.CANDIDATE,
        agent="demo-sensor",
        version=version, installed=version,
    )  # fmt: skip
    return CellOrder(
        run="r",
        cell=cell,
        attempt=1,
        recording=lab.root / "reports" / name / "cells" / name / "a1",
        root=lab.root,
        places=lab.places,
        image=image,
        profile=Profile(name="small", memory_mib=256, vcpus=vcpus),
        scenario=ScenarioInfo(name="s", path="s.py", function="test_s"),
        host=HostChoice(name="here", uri="embed", accelerator="tcg", factor=1.0),
        evidence=policy,
    )


def is_whole(recording: Path, capture: Capture) -> bool:
    data = (recording / capture.path).read_bytes()
    return (len(data), hashlib.sha256(data).hexdigest()) == (capture.bytes, capture.sha256)


def quiet(act: Callable[[], object]) -> None:
    """Something after which the guest does not answer."""
    with contextlib.suppress(LabError):
        act()


def test_an_idle_a_spinning_and_a_silent_guest_are_told_apart_and_asked(
    lab: TemporaryLab, image: BuiltImage
) -> None:
    with scene(lab, image, "silent", EvidencePolicy(), vcpus=2) as on:
        wait_for(lambda: _halted(on.burst()), what="an idle guest", timeout_s=60)
        on.guest.run(
            "sh -c 'while :; do :; done' >/dev/null 2>&1 & sh -c 'while :; do :; done' >/dev/null 2>&1 &"
        )
        busy = on.burst()
        assert not _halted(busy)
        assert {cpu.where for one in busy for cpu in one.vcpus} <= {"user", "kernel"}
        assert all(one.block["rd_bytes"] > 0 and one.block["in_flight"] >= 0 for one in busy)
        assert busy[-1].host["cpus"] >= 1
        on.guest.run("killall sh; true")
        _falls_silent(on)
        _is_asked(on)


def _halted(samples: list[MachineSample]) -> bool:
    """Whether the CPUs waited for interrupts most of the time."""
    states = [cpu.halted for one in samples for cpu in one.vcpus]
    return sum(state is True for state in states) > len(states) / 2


def _falls_silent(on: Scene) -> None:
    """The guest agent is stopped; a lost heartbeat brings a burst without anybody asking for it."""
    since = on.clock.t_s
    quiet(lambda: on.guest.run("kill -STOP $(pidof qemu-ga)", timeout_s=3))
    wait_for(lambda: on.sensing.suspicion.unanswered, what="a lost heartbeat", timeout_s=30)
    wait_for(lambda: len(on.bursts(since)) >= 5, what="a burst", timeout_s=30)
    assert not all(one.ok for one in on.seen if isinstance(one, Heartbeat) and one.t_s > since)


def _is_asked(on: Scene) -> None:
    on.sensing.evidence.take(Case.of(None, completed=False, panicked=False, unanswered=True))
    announced, answered = on.captures("sysrq")
    assert "the lab's doing" in announced.detail
    assert (answered.ok, answered.path) == (True, "serial.log"), answered
    assert announced.t_s < answered.t_s
    console = (on.recording / "serial.log").read_text(errors="replace")
    for words in ("Show backtrace of all active CPUs", "Show Blocked State", "Show Memory"):
        assert words in console
    registers, dump, log = on.captures("registers") + on.captures("memory-dump") + on.captures("kernel-log")
    for capture in (registers, dump, log):
        assert capture.ok, capture
        assert is_whole(on.recording, capture)
    assert "RIP=" in (on.recording / "registers.txt").read_text()
    kernel_log = (on.recording / "kernel.log").read_text()
    assert BANNER in kernel_log.splitlines()[0]
    assert "Show Memory" in kernel_log, "what the lab asked for is in the dump too"
    assert on.machine.domain.state() == "running"
    assert not list(on.recording.glob("*.part"))


def test_a_guest_that_hears_no_key_is_interrupted_and_says_where_it_was(
    lab: TemporaryLab, image: BuiltImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "SYSRQ_KEYS", "")
    with scene(lab, image, "deaf", EvidencePolicy()) as on:
        on.sensing.evidence.take(Case(failed=True, silent=True))
        announced, answered = on.captures("nmi")
        assert "the lab's doing" in announced.detail
        assert answered.ok, answered
        on.await_event("panicked")
        (log,) = on.captures("kernel-log")
        assert log.ok, log
        text = (on.recording / "kernel.log").read_text()
        assert "Kernel panic - not syncing: NMI: Not continuing" in text
        assert "Call Trace:" in text


def test_a_crashed_guest_is_dumped_before_it_reboots_and_is_heard_again_afterwards(
    lab: TemporaryLab, image: BuiltImage
) -> None:
    with scene(lab, image, "crashed", EvidencePolicy(most=1)) as on:
        # in the background: a command that waits for its answer waits as long as this kernel, which reboots
        on.guest.run("(sleep 0.3; echo c > /proc/sysrq-trigger) </dev/null >/dev/null 2>&1 &", check=True)
        on.await_event("panicked")
        assert on.sensing.suspicion.panicked
        on.sensing.evidence.take(Case.of(PANIC, completed=False, panicked=True, unanswered=False))
        assert not on.sensing.suspicion.moved_on, "the dump came before the reboot"
        assert not on.captures("sysrq"), "a guest that told its panic is not asked"
        (dump,), (log,) = on.captures("memory-dump"), on.captures("kernel-log")
        assert is_whole(on.recording, dump)
        assert is_whole(on.recording, log)
        text = (on.recording / "kernel.log").read_text()
        assert "Kernel panic - not syncing: sysrq triggered crash" in text
        on.await_event("reset")
        wait_for(lambda: _pings(on), what="the guest after its reboot", timeout_s=120, ignore=(LabError,))
    found = read(on.recording)
    assert not found.problems
    assert [one for one in found.observations if isinstance(one, Capture)] == [
        one for one in on.seen if isinstance(one, Capture)
    ]


def _pings(on: Scene) -> bool:
    on.guest.channels[0].ping(5.0)
    return True


def test_a_guest_is_let_finish_the_dump_on_its_own_disk(lab: TemporaryLab, image: BuiltImage) -> None:
    policy = EvidencePolicy(dump_disk_mib=64, most=0)
    with scene(lab, image, "dumps", policy) as on:
        # four pieces, a second apart, in a file that begins at 4 MiB and has a mark as Windows' dumps have
        pieces = (
            "printf PAGEDU64; for n in 1 2 3 4; do dd if=/dev/zero bs=1M count=2 | tr '\\0' D; sleep 1; done"
        )
        write = "dd of=/dev/vdb bs=1M seek=4 iflag=fullblock oflag=direct"
        on.guest.run(f"({pieces}) 2>/dev/null | {write} 2>/dev/null &")
        on.sensing.evidence.take(Case(failed=True, silent=False))
        (dump,) = on.captures("guest-dump")
        assert dump.ok, dump
        assert is_whole(on.recording, dump)
        data = (on.recording / dump.path).read_bytes()
        assert data.startswith(b"PAGEDU64" + b"D" * (8 << 20))
        assert len(data) == 60 << 20
        assert "until its disks rested; its dump is at byte 4194304" in dump.detail
        assert "evidence.most" in on.captures("memory-dump")[0].detail
