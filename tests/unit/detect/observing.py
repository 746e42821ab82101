"""Short ways to write down what a recording holds, for the tests of detect."""

from __future__ import annotations

from collections.abc import Iterator

from lab.model import Expectation, Heartbeat, MachineEvent, Observation, SerialChunk

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

    def expect(self, t_s: float, what: str = "reboot", *, begin: bool = True) -> Tape:
        self.observations.append(Expectation(t_s=t_s, what=what, begin=begin))
        return self

    def add(self, observation: Observation) -> Tape:
        self.observations.append(observation)
        return self
