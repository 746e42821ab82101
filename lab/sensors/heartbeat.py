"""Heartbeats: is there an answer over a channel, how late, and from which boot of the guest?

The boot id (lab.guest.dialect says what it is in a family) is read again after every gap, so that a reboot
too quick for other signs is still seen.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.clock import Stopwatch
from lab.errors import LabError
from lab.guest.channel import Channel
from lab.guest.dialect import POSIX, Dialect
from lab.model import Heartbeat, Observation
from lab.sensors.thread import SensorThread

INTERVAL_S = 2.0


class HeartbeatSensor(SensorThread):
    """Pings one channel.

    :param timeout_s: a ping without an answer for so long counts as missed.
    """

    def __init__(
        self,
        channel: Channel,
        record: Callable[[Observation], None],
        clock: Stopwatch,
        *,
        timeout_s: float,
        interval_s: float = INTERVAL_S,
        dialect: Dialect = POSIX,
    ) -> None:
        super().__init__(f"heartbeat-{channel.name}", interval_s=interval_s)
        self._channel = channel
        self._dialect = dialect
        self._record = record
        self._clock = clock
        self._timeout_s = timeout_s
        self._answered = False
        self._due = False

    def wake(self) -> None:
        """Look now: the guest has just answered. If it ends before that, it is asked a last time."""
        self._due = True
        super().wake()

    def last_step(self) -> None:
        if self._due:
            self._guarded()

    def step(self) -> None:
        self._due = False
        began = self._clock.t_s
        try:
            self._channel.ping(self._timeout_s)
            boot_id = None if self._answered else self._boot_id()
        except LabError as error:
            self._answered = False
            self._record(
                Heartbeat(t_s=self._clock.t_s, channel=self._channel.name, ok=False, error=str(error)[:200])
            )
            return
        self._answered = True
        now = self._clock.t_s
        self._record(
            Heartbeat(t_s=now, channel=self._channel.name, ok=True, latency_s=now - began, boot_id=boot_id)
        )

    def _boot_id(self) -> str:
        return self._dialect.boot_id(self._channel, self._timeout_s)
