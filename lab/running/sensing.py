"""Everything that watches one machine, attached before its first instruction and ended in order.

Owns which sensors there are and what makes them look closer. Refuses to start or end the machine.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from lab.clock import Deadline, Stopwatch
from lab.guest.channel import Channel
from lab.guest.dialect import Dialect
from lab.machine.machine import Machine, is_remote
from lab.machine.witness import MachineWitness
from lab.model import Observation, Step
from lab.recording.writer import Recorder
from lab.running.captures import Captures
from lab.running.evidence import Evidence, evidence_of
from lab.running.order import CellOrder
from lab.running.suspicion import Suspicion
from lab.sensors import heartbeat as heartbeats
from lab.sensors import pressure
from lab.sensors import pulse as pulses
from lab.sensors import screen as screens
from lab.sensors.heartbeat import HeartbeatSensor
from lab.sensors.hypervisor import LifeSensor
from lab.sensors.pulse import PulseSensor
from lab.sensors.screen import ScreenSensor
from lab.sensors.serial import SerialSensor

PING_S = 2.0
UNHURRIED, WARPED = 5.0, 15.0
"""How much rarer a soak's guest is looked at while nothing is suspected: days of recording stay small, and a
clock that runs ahead is not held up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensing:
    """What the end of an attempt needs of its sensors."""

    suspicion: Suspicion
    evidence: Evidence


def attach(
    stack: contextlib.ExitStack,
    order: CellOrder,
    machine: Machine,
    first: Channel | None,
    recorder: Recorder,
    clock: Stopwatch,
    *,
    deadline: Deadline,
    shutdown_seen: Callable[[], bool],
    dialect: Dialect,
) -> Sensing:
    """Start the sensors of a machine; `stack` ends them.

    :param first: the most trusted channel, which gets the heartbeats; None for a guest without any.
    :param deadline: when the attempt's process is ended.
    """
    record, boot_s = recorder.add, order.timeouts.boot_s
    witness = MachineWitness(machine)
    host = None if is_remote(order.host.uri) else pressure.read
    pace = WARPED if order.profile.time_warp else UNHURRIED if order.scenario.soak else 1.0
    pulse = PulseSensor(witness.vitals, record, clock, host=host, interval_s=pace * pulses.INTERVAL_S)
    screen = ScreenSensor(
        machine.screenshot, order.recording, record, clock, interval_s=pace * screens.INTERVAL_S
    )
    suspicion = Suspicion(boot_s, pulse=pulse.suspect, screen=screen.suspect)
    recorder.subscribe(suspicion.observe)
    evidence = evidence_of(
        order,
        witness,
        Captures(order.recording, record, clock),
        deadline=deadline,
        burst=pulse.burst,
        moved_on=lambda: suspicion.moved_on,
    )
    enter = stack.enter_context
    enter(SerialSensor(machine.serial_log, record, clock))
    enter(screen)
    enter(pulse)
    if first is not None:
        beat_s = pace * heartbeats.INTERVAL_S
        heart = enter(
            HeartbeatSensor(first, record, clock, timeout_s=PING_S, interval_s=beat_s, dialect=dialect)
        )
        recorder.subscribe(lambda seen: heart.wake() if _is_first_answer(seen) else None)
    enter(LifeSensor(lambda: machine.present, shutdown_seen, record, clock))
    return Sensing(suspicion=suspicion, evidence=evidence)


def _is_first_answer(seen: Observation) -> bool:
    """A clone can be done before the next heartbeat is due."""
    return isinstance(seen, Step) and seen.name == "booted"
