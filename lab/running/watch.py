"""The live watcher: the very detectors that judge later, only to stop a scenario early.

A fatal finding interrupts the main thread by a signal, whatever it waits for, and raises
`ScenarioStopped` there. It is a BaseException so that no `except Exception` in a scenario can
hold it up.

Pictures are read on a thread of their own, outside of every lock, so that a second of reading text
delays no other channel; the detectors get the frame when its answer is ready.
"""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from lab import log
from lab.clock import Stopwatch
from lab.detect import Detectors
from lab.model import (
    DetectSettings,
    Finding,
    FindingKind,
    Frame,
    Heartbeat,
    MachineEvent,
    Observation,
    Screen,
    Step,
)

INTERRUPT = signal.SIGUSR1
"""Python runs its handler in the main thread between two byte codes and after interrupted waits."""

MOST_WAITING = 4
"""Frames that wait to be read; an older one is left for the judgement afterwards, which reads them all."""
CLOSE_S = 5.0


class ScenarioStopped(BaseException):
    """The watcher ended the scenario: a finding was made, not an error."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Cancelled(ScenarioStopped):
    """The orchestrator wants an end; says nothing about the guest."""


class Watch:
    """Feeds observations to the detectors and remembers what they found so far.

    :param look: says what a frame shows, and remembers it; called on the watch's own thread.
    """

    def __init__(
        self,
        settings: DetectSettings,
        clock: Stopwatch,
        *,
        look: Callable[[Frame], Screen | None] | None = None,
    ) -> None:
        self._settings, self._look = settings, look
        self._detectors = Detectors(settings, look=look)
        self._lock = threading.Lock()
        self._stopping = threading.Lock()
        self._clock = clock
        self._armed = False
        self._arming = False
        """Whether a scenario runs, armed or interrupted already."""
        self._stop_reason = ""
        self._silent = False
        self._frames = _Frames(look, self._take) if look is not None else None
        self._record: Callable[[Observation], None] = lambda _observation: None
        self.changed = threading.Event()
        """Set whenever something new was found."""

    def tell(self, record: Callable[[Observation], None]) -> None:
        """Record each finding when it is first made, as a step `finding`: what latency is measured by."""
        self._record = record

    def observe(self, observation: Observation) -> None:
        """A subscriber of the recorder."""
        if isinstance(observation, MachineEvent) and observation.name == "process-gone":
            self.stop("QEMU ended by itself")
        if isinstance(observation, Heartbeat):
            self._silent = not observation.ok
        if isinstance(observation, Frame) and self._frames is not None:
            self._frames.put(observation)
            return
        self._take(observation)

    def close(self) -> None:
        """No frame is looked at any more."""
        if self._frames is not None:
            self._frames.close()

    def _take(self, observation: Observation) -> None:
        with self._lock:
            new = self._detectors.feed(observation)
        for finding in new:
            detail = {"title": finding.title, "fatal": finding.fatal, "channels": list(finding.channels)}
            self._record(
                Step(t_s=self._clock.t_s, name="finding", phase="note", outcome=finding.kind, detail=detail)
            )
        if not new:
            return
        self.changed.set()
        for finding in new:
            if finding.fatal:
                self.stop(finding.title)

    @property
    def findings(self) -> list[Finding]:
        """Everything found up to now."""
        with self._lock:
            return list(self._detectors.findings)

    @property
    def fatal(self) -> Finding | None:
        """The first fatal finding, or None."""
        return next((finding for finding in self.findings if finding.fatal), None)

    @property
    def silent(self) -> bool:
        """No heartbeat since the last that failed."""
        return self._silent

    def loop_proven(self) -> bool:
        return any(finding.kind is FindingKind.BOOT_LOOP for finding in self.findings)

    def stop(self, reason: str) -> None:
        """End the scenario now, from any thread."""
        with self._stopping:
            if self._stop_reason:
                return
            self._stop_reason = reason
            if self._armed:
                signal.pthread_kill(threading.main_thread().ident or 0, INTERRUPT)

    def afresh(self) -> None:
        """The guest was put back to before what was found: look with new eyes, and stop for what is new.

        What was found stays in the recording, which is judged as a whole.
        """
        with self._lock:
            self._detectors = Detectors(self._settings, look=self._look)
        with self._stopping:
            self._stop_reason = ""
            self._armed = self._arming

    @contextmanager
    def armed(self) -> Iterator[None]:
        """While inside, a fatal finding raises `ScenarioStopped` in the main thread."""
        previous = signal.signal(INTERRUPT, self._interrupt)
        self._armed = self._arming = True
        try:
            if self._stop_reason:
                raise ScenarioStopped(self._stop_reason)
            yield
        finally:
            self._armed = self._arming = False
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

    def await_fatal(self, seconds: float) -> Finding | None:
        """The first fatal finding, waiting for one for at most so long."""
        end = self._clock.t_s + seconds
        while self.fatal is None and self._clock.t_s < end:
            self.changed.clear()
            self.changed.wait(min(0.2, max(0.01, end - self._clock.t_s)))
        return self.fatal

    def await_word(self, seconds: float) -> Finding | None:
        """The first fatal finding, waiting for one while the guest is silent, for at most so long.

        A guest that hangs says so late: a lockup after 25 s, nothing at all after the heartbeat's limit.
        """
        end = self._clock.t_s + seconds
        while self.fatal is None and self._silent and self._clock.t_s < end:
            self.await_fatal(min(1.0, max(0.01, end - self._clock.t_s)))
        return self.fatal

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


class _Frames:
    """Frames that wait to be looked at; the newest are kept when looking does not keep up."""

    def __init__(self, look: Callable[[Frame], Screen | None], done: Callable[[Observation], None]) -> None:
        self._look = look
        self._done = done
        self._waiting: deque[Frame] = deque(maxlen=MOST_WAITING)
        self._ready = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def put(self, frame: Frame) -> None:
        self._waiting.append(frame)
        self._ready.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="screen-reader", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._closed = True
        self._ready.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while not self._closed:
            self._ready.wait()
            self._ready.clear()
            while self._waiting and not self._closed:
                frame = self._waiting.popleft()
                try:
                    self._look(frame)
                except Exception as error:  # noqa: BLE001 - one strange picture must not end the watching
                    log.get("running").warning("frame could not be read", frame=frame.path, error=str(error))
                    continue
                self._done(frame)
