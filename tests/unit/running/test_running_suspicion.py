"""Sensors are asked to look closer when a guest stops answering, and not while it boots as usual."""

from __future__ import annotations

import pytest

from lab.model import Expectation, Heartbeat, MachineEvent, Observation
from lab.running.suspicion import Suspicion


class Watched:
    def __init__(self) -> None:
        self.pulses = self.screens = 0
        self.suspicion = Suspicion(100.0, pulse=self._pulse, screen=self._screen)

    def _pulse(self) -> None:
        self.pulses += 1

    def _screen(self) -> None:
        self.screens += 1

    def see(self, *observations: Observation) -> None:
        for observation in observations:
            self.suspicion.observe(observation)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def beat(t_s: float, *, ok: bool) -> Heartbeat:
    return Heartbeat(t_s=t_s, channel="agent", ok=ok)


def event(name: str, t_s: float = 50.0) -> MachineEvent:
    return MachineEvent(t_s=t_s, name=name)


def test_a_lost_heartbeat_brings_samples_and_frames(watched: Watched) -> None:
    watched.see(beat(10.0, ok=True))
    assert (watched.pulses, watched.suspicion.unanswered) == (0, False)
    watched.see(beat(12.0, ok=False))
    assert (watched.pulses, watched.screens, watched.suspicion.unanswered) == (1, 1, True)
    watched.see(beat(14.0, ok=True))
    assert not watched.suspicion.unanswered


def test_a_guest_that_boots_is_given_half_of_its_time(watched: Watched) -> None:
    watched.see(beat(2.0, ok=False), beat(49.0, ok=False))
    assert watched.pulses == 0
    watched.see(beat(51.0, ok=False))
    assert watched.pulses == 1


def test_a_reset_gives_it_that_time_again(watched: Watched) -> None:
    watched.see(beat(10.0, ok=True), event("reset", 60.0), beat(70.0, ok=False))
    assert watched.pulses == 0
    watched.see(beat(111.0, ok=False))
    assert watched.pulses == 1


def test_silence_that_was_declared_is_not_suspicious(watched: Watched) -> None:
    watched.see(beat(10.0, ok=True), Expectation(t_s=11.0, what="reboot", begin=True), beat(12.0, ok=False))
    assert watched.pulses == 0
    watched.see(Expectation(t_s=13.0, what="reboot", begin=False), beat(14.0, ok=False))
    assert watched.pulses == 1


@pytest.mark.parametrize("name", ["watchdog", "io-error"])
def test_trouble_told_by_the_hypervisor_is_looked_at(watched: Watched, name: str) -> None:
    watched.see(event(name))
    assert (watched.pulses, watched.screens) == (1, 1)


def test_a_panic_is_remembered_until_the_guest_goes_on(watched: Watched) -> None:
    watched.see(event("panicked"))
    assert (watched.suspicion.panicked, watched.suspicion.moved_on, watched.screens) == (True, False, 1)
    watched.see(event("stopped"), event("resumed"))
    assert watched.suspicion.panicked, "a dump stops and resumes it"
    watched.see(event("reset"))
    assert (watched.suspicion.panicked, watched.suspicion.moved_on) == (False, True)
    watched.see(event("panicked"))
    assert (watched.suspicion.panicked, watched.suspicion.moved_on) == (True, False)


def test_a_reset_without_a_panic_is_no_way_out_of_one(watched: Watched) -> None:
    watched.see(event("reset"))
    assert not watched.suspicion.moved_on
    watched.see(event("shutdown"))
    assert watched.suspicion.moved_on
