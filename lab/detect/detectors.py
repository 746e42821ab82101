"""All detectors over one stream of observations: for the live watcher, and for a recording afterwards.

The same code serves both, so what stops a guest is what judges it. Refuses to stop anything.
"""

from __future__ import annotations

from collections.abc import Iterable

from lab.detect.agent import Agent
from lab.detect.boots import BootLog, Boots
from lab.detect.fuse import Fused, Key, Sighting, fuse
from lab.detect.lines import Block, LineStream
from lab.detect.linux.console import Console
from lab.detect.machine_events import MachineEvents
from lab.detect.silence import Silence
from lab.model import DetectSettings, Finding, Observation, SerialChunk


class Detectors:
    """Feed it the observations of one attempt in the order of recording. Not thread-safe.

    `feed` and `finish` return what is new; text that arrives later can refine it (the event says
    "kernel panic", the console then says where), so the truth is always `findings`.
    """

    def __init__(self, settings: DetectSettings) -> None:
        self._settings = settings
        self._stream = LineStream()
        self._console = Console()
        self._boots = Boots()
        self._machine = MachineEvents()
        self._silence = Silence(settings)
        self._agent = Agent()
        self._fused: tuple[Fused, ...] = ()
        self._state: object = None
        self._told: set[Key] = set()
        self._told_fatal: set[Key] = set()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One finding per real event, by time."""
        return tuple(event.finding for event in self._fused)

    @property
    def boots(self) -> BootLog:
        """The boots seen so far."""
        return self._boots.log

    def feed(self, observation: Observation) -> list[Finding]:
        """Take one observation; the findings that it brought, or made fatal."""
        if isinstance(observation, SerialChunk):
            self._read(self._stream.feed(observation))
        self._boots.feed(observation)
        self._machine.feed(observation)
        self._agent.feed(observation)
        self._silence.feed(observation, self._boots)
        return self._news()

    def finish(self, t_s: float) -> list[Finding]:
        """Nothing more comes: settle what is half read. `t_s`: when the recording ends."""
        self._read(self._stream.finish())
        self._console.finish()
        self._silence.finish(t_s)
        self._state = None
        return self._news()

    def _read(self, block: Block | None) -> None:
        if block is not None:
            self._boots.read(block)
            self._console.feed(block)

    def _news(self) -> list[Finding]:
        state = (
            self._console.version,
            self._boots.log,
            len(self._machine.findings),
            tuple(self._silence.findings),
            len(self._agent.findings),
        )
        if state == self._state:
            return []
        self._state = state
        self._fused = fuse(self._sightings(), self._boots.log, self._settings.loop_resets)
        return [event.finding for event in self._fused if self._untold(event)]

    def _untold(self, event: Fused) -> bool:
        new = event.keys.isdisjoint(self._told)
        if event.finding.fatal:
            new = new or event.keys.isdisjoint(self._told_fatal)
            self._told_fatal |= event.keys
        self._told |= event.keys
        return new

    def _sightings(self) -> list[Sighting]:
        ready = (
            (("console", number), report.finding())
            for number, report in enumerate(self._console.reports)
            if report.ready
        )
        found = [Sighting(key, finding) for key, finding in ready]
        for name, findings in (
            ("machine", self._machine.findings),
            ("silence", self._silence.findings),
            ("agent", self._agent.findings),
        ):
            found += [Sighting((name, number), finding) for number, finding in enumerate(findings)]
        return found


def detect(observations: Iterable[Observation], settings: DetectSettings) -> tuple[Finding, ...]:
    """The findings of a whole recording, by time."""
    detectors, last = Detectors(settings), 0.0
    for observation in observations:
        detectors.feed(observation)
        last = max(last, observation.t_s)
    detectors.finish(last)
    return detectors.findings
