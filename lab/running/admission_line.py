"""The cells of a run that wait, in the order of the plan: one queue per kind, so that a kind that has to
wait for its image or its template holds up no other. Refuses to know why anything waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence

from lab.model import Cell, CellId

Kind = tuple[str, str, str, str, bool, int, int]
"""Host, image, profile, scenario, from power-off, vCPUs, MiB: such cells become ready together."""


class Line:
    """Who is next.

    :param cells: in the order in which they are to begin.
    :param places: cell to host; "" where a scheduler elsewhere places it.
    """

    def __init__(self, cells: Sequence[Cell], places: Mapping[CellId, str]) -> None:
        self._queues: dict[Kind, deque[tuple[int, Cell]]] = {}
        for rank, cell in enumerate(cells):
            host = places.get(cell.id, "")
            self._queues.setdefault(_kind(cell, host), deque()).append((rank, cell))

    def add(self, cells: Sequence[Cell], ranks: Mapping[CellId, int], places: Mapping[CellId, str]) -> None:
        """Further cells, each at its rank."""
        for cell in cells:
            queue = self._queues.setdefault(_kind(cell, places.get(cell.id, "")), deque())
            queue.append((ranks[cell.id], cell))
            self._queues[_kind(cell, places.get(cell.id, ""))] = deque(
                sorted(queue, key=lambda item: item[0])
            )

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def hosts(self) -> set[str]:
        """Those for which something waits."""
        return {kind[0] for kind in self._queues}

    def heads(self, host: str) -> Iterator[tuple[int, Cell]]:
        """The first cell of each kind with its rank, first things first."""
        yield from sorted(
            (queue[0] for kind, queue in self._queues.items() if kind[0] == host), key=lambda head: head[0]
        )

    def take(self, cell: Cell, host: str) -> None:
        """The head of its kind leaves the line."""
        kind = _kind(cell, host)
        queue = self._queues[kind]
        assert queue[0][1] is cell
        queue.popleft()
        if not queue:
            del self._queues[kind]

    def drop(self, unwanted: Callable[[Cell], bool] = lambda _cell: True) -> list[Cell]:
        """Take out every cell that will not run, in order."""
        gone: list[tuple[int, Cell]] = []
        for kind, queue in list(self._queues.items()):
            left = deque(item for item in queue if not unwanted(item[1]))
            if len(left) == len(queue):
                continue
            gone += [item for item in queue if unwanted(item[1])]
            if left:
                self._queues[kind] = left
            else:
                del self._queues[kind]
        return [cell for _, cell in sorted(gone, key=lambda item: item[0])]


def _kind(cell: Cell, host: str) -> Kind:
    cold = bool(cell.cold)
    return (host, cell.image, cell.profile, cell.scenario, cold, cell.vcpus, cell.memory_mib)
