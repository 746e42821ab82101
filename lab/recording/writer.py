"""Writing a recording: one line per observation, whole or not at all. Refuses to interpret any of them.

Each line is one `write` on a descriptor opened with O_APPEND, so whatever kills the process
leaves complete lines and at most one torn one at the end. The kernel's page cache is the buffer: one of
our own would save 1 of 12 us per heartbeat and lose what is in it. Only at the end is the disk waited
for, so that after a power cut no recording claims to be complete and is not.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from lab import clock as clocks
from lab import codec, log
from lab.clock import Stopwatch
from lab.errors import InfraError
from lab.model import Observation
from lab.recording.layout import Layout, header_line, reopened_line, to_line
from lab.recording.seal import sealed


class Recorder:
    """The only writer of a recording's events.jsonl. Safe to use from many threads.

    Subscribers are called in the order of recording, one observation at a time, by whichever
    thread is recording; they must not block. An observation that a subscriber adds is delivered
    after the one it reacts to.

    A recording that lost an observation is never closed: what it does not show may have been in there.

    :param directory: made when missing. Recording into one that holds events continues it.
    :param clock: gives the time at which the recording is closed.
    :raise InfraError: the directory cannot be written.
    """

    def __init__(self, directory: Path, clock: Stopwatch) -> None:
        self.layout = Layout(directory)
        self._clock = clock
        self._lock = threading.RLock()
        self._subscribers: list[Callable[[Observation], None]] = []
        self._waiting: deque[Observation] = deque()
        self._delivering = False
        self._torn = False
        self._lost = 0
        self._fd: int | None = None
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self.layout.closed.unlink(missing_ok=True)
            self._fd = os.open(self.layout.events, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise InfraError(f"recording {str(directory)!r} cannot be opened: {error.strerror}") from error
        self._begin(self._fd)

    def add(self, observation: Observation) -> None:
        """Write one observation, then tell the subscribers. After `close` it is dropped, and logged.

        :raise InfraError: it could not be written (a full disk).
        """
        with self._lock:
            if self._fd is None:
                log.get("recording").info("observation after the end", type=type(observation).__name__)
                return
            self._write(to_line(observation))
            self._waiting.append(observation)
            self._deliver()

    def subscribe(self, subscriber: Callable[[Observation], None]) -> None:
        """Call `subscriber` with every observation from now on."""
        with self._lock:
            self._subscribers.append(subscriber)

    def close(self, *, scenario: str, detail: str = "") -> None:
        """End the recording and seal it: what has no closed.json was cut short. The first call counts.

        :param scenario: `completed`, `failed`, `stopped` or `error`.
        """
        with self._lock:
            if self._fd is None:
                return
            with contextlib.suppress(OSError):
                os.fdatasync(self._fd)  # some file systems cannot
            self._release()
            if self._lost:
                log.get("recording").warning("recording stays open", lost=self._lost)
                return
            facts: dict[str, object] = {
                "t_s": self._clock.t_s,
                "scenario": scenario,
                "detail": log.redact(detail),
            }
            layout = self.layout
            facts["sealed"] = sealed((layout.events, layout.serial, layout.attempt))
            codec.write(facts, layout.closed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Leaving by an exception closes as `error`; without `close` the recording stays incomplete."""
        if error is not None:
            self.close(scenario="error", detail=f"{type(error).__name__}: {error}")
        with self._lock:
            self._release()

    def _begin(self, fd: int) -> None:
        size = os.fstat(fd).st_size
        if size == 0:
            self._write(header_line(clocks.wall()))
            return
        self._torn = os.pread(fd, 1, size - 1) != b"\n"
        self._write(reopened_line(clocks.wall()))

    def _write(self, line: bytes) -> None:
        assert self._fd is not None
        left = memoryview(b"\n" + line if self._torn else line)
        self._torn = True
        try:
            while left:
                left = left[os.write(self._fd, left) :]
        except OSError as error:
            self._lost += 1
            raise InfraError(f"recording {str(self.layout.events)!r} stopped: {error.strerror}") from error
        self._torn = False

    def _deliver(self) -> None:
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._waiting:
                observation = self._waiting.popleft()
                for subscriber in tuple(self._subscribers):
                    subscriber(observation)
        finally:
            self._delivering = False

    def _release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
