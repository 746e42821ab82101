"""All hosts' books for one run, and the figures they are kept by. Where a scheduler elsewhere places the
cells there is no book here: its workers' resources are the admission.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from lab.matrix.capacity import HostFacts
from lab.running.admission import Admission
from lab.running.admission_demand import Claim
from lab.running.admission_pace import EVERY_S, Pressure
from lab.sensors import pressure as sensor

ELSEWHERE = ""
"""The host of cells that a scheduler elsewhere places."""


def read_pressure() -> Pressure:
    """This machine's figures, from /proc."""
    found = sensor.read()
    return Pressure(
        cpu=found.get("stall_share"),
        memory=found.get("memory_stall_share"),
        memory_available_mib=found.get("memory_available_mib"),
    )


class Desk:
    """Asks the book of the host that a cell runs on.

    :param read: the figures of this machine; only hosts that are this machine are judged by them.
    """

    def __init__(
        self, hosts: Sequence[HostFacts], *, read: Callable[[], Pressure] = read_pressure
    ) -> None:  # fmt: skip
        self._books = {host.name: Admission(host) for host in hosts}
        self._read = read
        self._due = 0.0
        self._where: dict[str, str] = {}

    def refuses(self, host: str, claim: Claim) -> str:
        """What a guest has to wait for on the host; "" when it may begin."""
        book = self._books.get(host)
        return book.refuses(claim) if book is not None else ""

    def take(self, host: str, name: str, claim: Claim) -> None:
        if host in self._books:
            self._where[name] = host
            self._books[host].take(name, claim)

    def answered(self, name: str) -> None:
        """A guest's start is over."""
        if name in self._where:
            self._books[self._where[name]].answered(name)

    def release(self, name: str) -> None:
        host = self._where.pop(name, None)
        if host is not None:
            self._books[host].release(name)

    @property
    def until_due_s(self) -> float | None:
        """How long until the figures are to be read again; None: they never are."""
        return max(0.0, self._due - time.monotonic()) if self._books else None

    def look(self) -> Iterator[tuple[str, str]]:
        """Read the figures when it is time; (host, what has changed) for each host that adapts."""
        if self.until_due_s != 0:
            return
        self._due = time.monotonic() + EVERY_S
        now = self._read()
        for name, book in self._books.items():
            changed = book.adapt(now if book.facts.local else Pressure())
            if changed:
                yield name, changed

    def facts_of_run(self) -> list[Mapping[str, object]]:
        """For run.json."""
        return [book.facts_of_run() for book in self._books.values()]
