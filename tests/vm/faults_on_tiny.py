"""A tiny guest that faults are put on, with detectors on what is recorded and a program as its agent."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporary_lab import TemporaryLab, tiny

from lab.clock import Stopwatch
from lab.detect import detected
from lab.faults import Faults
from lab.faults.subject import Subject
from lab.guest.guest import Guest
from lab.machine.machine import Machine, Order
from lab.model import (
    DetectSettings,
    Family,
    FaultMark,
    FaultPhase,
    Finding,
    MachineEvent,
    Observation,
    Profile,
    Timeouts,
)
from lab.running.reach import reach
from lab.sensors.hypervisor import EventSink
from lab.sensors.serial import SerialSensor
from lab.templates import Template

AGENT_DIR = "/opt/lab-agent"
START = f"{AGENT_DIR}/sleep 86400 >/dev/null 2>&1 </dev/null &"
INSTALL = (
    f"mkdir -p {AGENT_DIR} && cp /bin/busybox {AGENT_DIR}/sleep && "
    f"head -c 9000 /dev/urandom >{AGENT_DIR}/data && sync"
)


class Sleeper:
    """An agent that does nothing but run."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def start(self) -> None:
        self._guest.run(START, check=True)


@dataclass
class FaultyGuest:
    """What a test of faults works with."""

    machine: Machine
    guest: Guest
    faults: Faults
    subject: Subject
    seen: list[Observation] = field(default_factory=list)

    def marks(self, fault: str) -> dict[FaultPhase, str]:
        """Phase to evidence of the last injection of a fault."""
        own = [item for item in self.seen if isinstance(item, FaultMark) and item.fault == fault]
        return {mark.phase: mark.evidence for mark in own if mark.id == own[-1].id}

    def findings(self) -> tuple[Finding, ...]:
        """What the detectors make of everything up to now."""
        return detected(list(self.seen), DetectSettings()).findings


@contextlib.contextmanager
def faulty_guest(
    lab: TemporaryLab, recording: Path, *, template: Template | None = None
) -> Iterator[FaultyGuest]:
    """A guest that has booted, with the sleeper running in it."""
    recording.mkdir(parents=True)
    order = Order(
        image=tiny(),
        profile=Profile(name="small", memory_mib=256),
        uri="embed",
        accelerator="tcg",
        run="faults",
        cell="tiny",
        attempt=1,
        recording=recording,
        lifetime_s=280,
        template=template,
    )
    machine, clock, timeouts = Machine(order, lab.places), Stopwatch(), Timeouts().scaled(3)
    seen: list[Observation] = []
    subject: Any = None

    def record(observation: Observation) -> None:
        seen.append(observation)
        if subject is not None:
            subject.seen.observe(observation)

    machine.create(EventSink(record, clock))
    try:
        guest = Guest(reach(machine, timeouts).channels, record, clock, timeouts, rewinder=machine)
        agent: Any = Sleeper(guest)
        subject = Subject(
            guest=guest,
            machine=machine,
            agent=agent,
            agent_dir=AGENT_DIR,
            family=Family.LINUX,
            record=record,
            clock=clock,
            timeouts=timeouts,
            seed=7,
        )
        record(MachineEvent(t_s=clock.t_s, name="started"))
        machine.resume()
        guest.wait_ready()
        guest.run(INSTALL, check=True)
        agent.start()
        with SerialSensor(machine.serial_log, record, clock):
            yield FaultyGuest(
                machine=machine, guest=guest, faults=Faults(subject), subject=subject, seen=seen
            )
        guest.close()
    finally:
        machine.close()
