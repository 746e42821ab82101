"""Time as the lab needs it: monotonic for durations, UTC text for people. Nothing else reads clocks."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime


def wall() -> str:
    """Now, UTC, ISO 8601 with milliseconds."""
    return datetime.now(tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def monotonic() -> float:
    """Seconds on a clock that only goes forward."""
    return time.monotonic()


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Seconds since it was made; the `t_s` of every observation of one attempt."""

    origin: float = field(default_factory=time.monotonic)

    @property
    def t_s(self) -> float:
        return time.monotonic() - self.origin


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time that a wait must not pass."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds)

    @property
    def left_s(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self.at
