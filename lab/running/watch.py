"""The live watcher: the very detectors that judge later, only to stop a scenario early.

A fatal finding interrupts the main thread by a signal, whatever it waits for, and raises
`ScenarioStopped` there. It is a BaseException so that no `except Exception` in a scenario can
hold it up.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lab.clock import Stopwatch
from lab.detect import Detectors
from lab.model import DetectSettings, Finding, FindingKind, MachineEvent, Observation

INTERRUPT = signal.SIGUSR1
"""Python runs its handler in the main thread between two byte codes and after interrupted waits."""


class ScenarioStopped(BaseException):
    """The watcher ended the scenario: a finding was made, not an error."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Cancelled(ScenarioStopped):
    """The orchestrator wants an end; says nothing about the guest."""


class Watch:
    """Feeds observations to the detectors and remembers what they found so far."""

    def __init__(self, settings: DetectSettings, clock: Stopwatch) -> None:
        self._detectors = Detectors(settings)
        self._clock = clock
        self._armed = False
        self._stop_reason = ""
        self.changed = threading.Event()
        """Set whenever something new was found."""

    def observe(self, observation: Observation) -> None:
        """A subscriber of the recorder."""
        if isinstance(observation, MachineEvent) and observation.name == "process-gone":
            self.stop("QEMU ended by itself")
        new = self._detectors.feed(observation)
        if not new:
            return
        self.changed.set()
        for finding in new:
            if finding.fatal:
                self.stop(finding.title)

    @property
    def findings(self) -> list[Finding]:
        """Everything found up to now."""
        return list(self._detectors.findings)

    @property
    def fatal(self) -> Finding | None:
        """The first fatal finding, or None."""
        return next((finding for finding in self.findings if finding.fatal), None)

    def loop_proven(self) -> bool:
        return any(finding.kind is FindingKind.BOOT_LOOP for finding in self.findings)

    def stop(self, reason: str) -> None:
        """End the scenario now, from any thread."""
        if self._stop_reason:
            return
        self._stop_reason = reason
        if self._armed:
            signal.pthread_kill(threading.main_thread().ident or 0, INTERRUPT)

    @contextmanager
    def armed(self) -> Iterator[None]:
        """While inside, a fatal finding raises `ScenarioStopped` in the main thread."""
        previous = signal.signal(INTERRUPT, self._interrupt)
        self._armed = True
        try:
            if self._stop_reason:
                raise ScenarioStopped(self._stop_reason)
            yield
        finally:
            self._armed = False
            signal.signal(INTERRUPT, previous)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._armed:
            self._armed = False
            raise ScenarioStopped(self._stop_reason)

    def disarm(self) -> None:
        """From here on findings are only recorded (the scenario is over)."""
        self._armed = False

    def quiet(self, seconds: float) -> None:
        """Let the guest run for so long; a fatal finding ends this, and the scenario, at once."""
        threading.Event().wait(seconds)

    def linger(self, *, linger_s: float, loop_s: float, count_loops: bool) -> None:
        """After a fatal finding: let the evidence complete.

        With `count_loops`, wait until a boot loop is proven or `loop_s` has passed; the machine
        is left to reboot by itself meanwhile.
        """
        self.disarm()
        end = self._clock.t_s + (loop_s if count_loops else linger_s)
        while self._clock.t_s < end:
            if count_loops and self.loop_proven():
                return
            self.changed.clear()
            self.changed.wait(min(1.0, max(0.05, end - self._clock.t_s)))
