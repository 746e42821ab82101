"""Every bench there is: its name, what it answers, and how long it may take."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.core.figures import Figure
from benchmarks.core.settings import Settings

Run = Callable[[Settings], Iterable[Figure]]
MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One bench: the module `benchmarks.MODULE` with a function `run`."""

    module: str
    about: str
    most_min: float
    """Deadline in minutes under emulation on two cores."""
    quick_min: float = 4.0
    guests: bool = True
    """Whether it boots any."""

    def load(self) -> Run:
        found: Run = importlib.import_module(f"benchmarks.{self.module}").run
        return found

    def deadline(self, *, quick: bool) -> float:
        """Seconds."""
        return (self.quick_min if quick else self.most_min) * MINUTE


def _entry(module: str, about: str, most_min: float, *, guests: bool = True, quick_min: float = 4.0) -> Entry:
    return Entry(module=module, about=about, most_min=most_min, guests=guests, quick_min=quick_min)


BENCHES: dict[str, Entry] = {
    "clone": _entry("cloning", "clone against cold boot, to the first command, each built image", 60),
    "memory": _entry("sharing", "private and shared memory of N clones against N cold guests", 20),
    "cell": _entry("overhead", "a lab cell that runs `true` against a bare QEMU script, and its phases", 30),
    "first-guest": _entry("starting", "from `lab run` to the first running guest", 20),
    "watching": _entry("watching", "host CPU of an idle watched guest against an unwatched one", 20),
    "endurance": _entry("endurance", "200 clones in a row without a failure", 30),
    "matrix": _entry(
        "matrices", "the default matrix with and without clones, same verdicts", 90, quick_min=8
    ),
    "peers": _entry(
        "comparing", "boot, one command, tear down: the lab, autopkgtest-virt-qemu, labgrid", 45, quick_min=8
    ),
    "plan": _entry("planning", "`lab plan` of 100,000 cells; the orchestrator's memory", 15, guests=False),
    "orchestrator": _entry(
        "orchestrating", "peak memory of `lab run` at 10, 100 and 1,000 planned cells", 20
    ),
    "report": _entry("reporting", "judging and reporting 2,000 cells", 20),
    "latency": _entry("latency", "from the trigger of a crash to the finding, per channel", 40),
    "serial-scan": _entry("serial_scan", "MB/s at which serial text is read", 15, guests=False),
    "frames": _entry("classify_frames", "milliseconds to classify a frame", 15, guests=False),
    "screens": _entry("rendered_screens", "how well rendered stop screens are read", 60, guests=False),
}
