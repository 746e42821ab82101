"""Short ways to write down what a recording holds, for the tests of detect."""

from __future__ import annotations

from collections.abc import Iterator

from lab.model import (
    Expectation,
    Frame,
    Heartbeat,
    MachineEvent,
    MachineSample,
    Observation,
    Screen,
    ScreenKind,
    SerialChunk,
    VcpuSample,
)

BANNER = "[    0.000000] Linux version 6.1.0-25-amd64 (debian-kernel@lists.debian.org) #1 SMP\n"


class Tape:
    """Observations in order, with the console's offsets kept."""

    def __init__(self) -> None:
        self.observations: list[Observation] = []
        self._offset = 0

    def __iter__(self) -> Iterator[Observation]:
        return iter(self.observations)

    def serial(self, t_s: float, text: str | bytes) -> Tape:
        data = text.encode() if isinstance(text, str) else text
        self.observations.append(SerialChunk(t_s=t_s, start=self._offset, data=data))
        self._offset += len(data)
        return self

    def event(self, t_s: float, name: str, **details: object) -> Tape:
        self.observations.append(MachineEvent(t_s=t_s, name=name, details=details))
        return self

    def beat(
        self, t_s: float, boot_id: str | None = None, *, ok: bool = True, channel: str = "agent"
    ) -> Tape:
        self.observations.append(Heartbeat(t_s=t_s, channel=channel, ok=ok, boot_id=boot_id))
        return self

    def beats(self, start: int, stop: int, boot_id: str | None = None, *, ok: bool = True) -> Tape:
        for second in range(start, stop):
            self.beat(float(second), boot_id, ok=ok)
        return self

    def expect(
        self, t_s: float, what: str = "reboot", *, begin: bool = True, boots: int = 1, reason: str = ""
    ) -> Tape:
        self.observations.append(Expectation(t_s=t_s, what=what, begin=begin, boots=boots, reason=reason))
        return self

    def add(self, observation: Observation) -> Tape:
        self.observations.append(observation)
        return self


def screen(kind: ScreenKind, **told: object) -> Screen:
    return Screen(kind=kind, reason="for a test", **told)  # type: ignore[arg-type]


class Film:
    """Frames and what they show; `look` is what a classifier would say of them."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self._screens: dict[str, Screen] = {}

    def show(self, t_s: float, kind: ScreenKind, **told: object) -> Film:
        path = f"frames/{len(self._screens) + 1:06d}.png"
        self._screens[path] = screen(kind, **told)
        self.tape.add(Frame(t_s=t_s, path=path, sha256=path, width=640, height=480))
        return self

    def look(self, frame: Frame) -> Screen | None:
        return self._screens.get(frame.path)


def pulse(
    t_s: float,
    *,
    used: float | None = None,
    ip: int | None = None,
    halted: bool | None = None,
    state: str = "running",
    block: dict[str, int] | None = None,
    host: dict[str, float] | None = None,
) -> MachineSample:
    """A sample of a machine with one CPU that has run for `used` seconds."""
    vcpus = (VcpuSample(cpu=0, time_s=used, ip=ip, halted=halted),)
    return MachineSample(t_s=t_s, state=state, vcpus=vcpus, block=block or {}, host=host or {})
