"""The life of a sensor: a thread that is started, told to stop, and waited for."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from lab import log

JOIN_S = 5.0


class SensorThread:
    """Calls `step` every `interval_s` until stopped. A step that raises is logged and tried again.

    A step may change `interval_s`.

    One broken screenshot must not end the watching of a guest, so `step`'s own errors are caught
    here and only here.
    """

    def __init__(self, name: str, interval_s: float) -> None:
        self.name = name
        self.interval_s = interval_s
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sensor-{name}", daemon=True)

    def step(self) -> None:
        """Look once."""
        raise AssertionError(f"sensor {self.name!r} defines no step")

    def last_step(self) -> None:
        """Look a last time after the loop; what came in between must not be lost."""

    def wake(self) -> None:
        """Look now instead of at the end of the interval; from any thread, returns at once."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            self._guarded()
            self._wake.wait(self.interval_s)

    def _guarded(self) -> None:
        try:
            self.step()
        except Exception as error:  # noqa: BLE001 - best-effort evidence: see the class
            log.get("sensors").info("sensor step failed", sensor=self.name, error=str(error))

    def stop(self) -> None:
        """End the thread; observations up to now are recorded."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)
        self.last_step()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
