"""What a build says while it runs: one line per stage, with the time since the build began."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lab.clock import Stopwatch

Say = Callable[[str], None]


def silent(_line: str) -> None:
    """For callers that do not want to hear."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The stages of one build, told to `say` as `debian-12: packing the disk (41 s)`."""

    name: str
    say: Say = silent
    watch: Stopwatch = field(default_factory=Stopwatch)

    def stage(self, text: str) -> None:
        self.say(f"{self.name}: {text} ({self.watch.t_s:.0f} s)")
