"""Pairs of both arms, one after the other in each place, until their comparison is decided.

A place is an image on a profile in a scenario. What is planned in any case begins at once; a spare pair
begins when all before it have ended and what they recorded, read back from disk in a thread, decides nothing.
Refuses to run cells, and to drop a pair for any other reason than an answer: where looking fails, it repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from lab import log
from lab.clock import wall
from lab.model import Arm, Cell, CellId, CellVerdict, GatePolicy, Omitted, Outcome, Plan
from lab.running.rundir import RunDirectory

Place = tuple[str, str, str]
"""Image, profile, scenario."""
Enough = Callable[[Sequence[Cell]], str]
"""Cells of a place that have ended -> why no more of them are needed, "" while they are."""
DECIDED = "decided"
"""`Omitted.kind` of repetitions that were not needed any more."""


def place_of(cell: Cell) -> Place:
    return (cell.image, cell.profile, cell.scenario)


@dataclass(slots=True)
class _Place:
    begun: list[Cell] = field(default_factory=list)
    running: set[CellId] = field(default_factory=set)
    rounds: list[list[Cell]] = field(default_factory=list)
    """Spare pairs that wait, in order."""


class Repeating:
    """The spare pairs of the cells that run together, and who may begin.

    :param enough: asked in a thread of its own, one place at a time; None: nothing ends early.
    :param looked: is told (place, why no more are needed or "") from that thread.
    """

    def __init__(self, enough: Enough | None, looked: Callable[[Place, str], None]) -> None:
        self._enough = enough
        self._looked = looked
        self._places: dict[Place, _Place] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="comparing")

    def begin(self, cells: Sequence[Cell]) -> list[Cell]:
        """Those of the cells that begin at once: all but the spare ones, of which the first where all are."""
        first: set[CellId] = set()
        for cell in cells:
            place = self._places.setdefault(place_of(cell), _Place())
            if not cell.spare:
                place.begun.append(cell)
                place.running.add(cell.id)
                first.add(cell.id)
            elif place.rounds and place.rounds[-1][0].twin_key == cell.twin_key:
                place.rounds[-1].append(cell)
            else:
                place.rounds.append([cell])
        for key, place in self._places.items():
            if not place.running:
                first |= {cell.id for cell in self.next_round(key)}
        return [cell for cell in cells if cell.id in first]

    def ended(self, cell: Cell) -> None:
        """A cell has its result, or will have none."""
        key = place_of(cell)
        place = self._places[key]
        place.running.discard(cell.id)
        if place.rounds and not place.running:
            self._thread.submit(self._look, key, tuple(place.begun))

    def _look(self, key: Place, begun: Sequence[Cell]) -> None:
        reason = ""
        try:
            reason = self._enough(begun) if self._enough is not None else ""
        except Exception as error:  # noqa: BLE001 - whatever cannot be compared is repeated, and the run goes on
            log.get("running").error("place could not be compared", place=" ".join(key), exc_info=error)
        self._looked(key, reason)

    def next_round(self, key: Place) -> list[Cell]:
        """The cells of the place's next pair, which begin now; none when it was dropped meanwhile."""
        place = self._places.get(key)
        if place is None or not place.rounds:
            return []
        cells = place.rounds.pop(0)
        place.begun += cells
        place.running = {cell.id for cell in cells}
        return cells

    def drop(self, unwanted: Callable[[Cell], bool] = lambda _cell: True) -> list[Cell]:
        """Take out waiting cells that will not run."""
        gone: list[Cell] = []
        for place in self._places.values():
            gone += [cell for cells in place.rounds for cell in cells if unwanted(cell)]
            kept = [[cell for cell in cells if not unwanted(cell)] for cells in place.rounds]
            place.rounds = [cells for cells in kept if cells]
        return gone

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def not_needed(cell: Cell, reason: str) -> Omitted:
    """How a spare cell is listed that an answer came before."""
    return Omitted(
        id=cell.id, kind=DECIDED, reason=reason, image=cell.image, scenario=cell.scenario, arm=cell.arm
    )


class Looking:
    """What the recordings of a run say about a place, after each of its pairs."""

    def __init__(self, directory: RunDirectory, plan: Plan) -> None:
        self._directory = directory
        self._policy = directory.policy()
        self._plan = directory.comparing()
        self._places = _compared_places(plan.cells)

    def enough(self, cells: Sequence[Cell]) -> str:
        """Why no more pairs are needed after these cells of one place; "" while the comparison is open.

        Reads their recordings. The released agent's failures never end it, nor do the lab's.
        """
        from lab.verdict.compare import decided
        from lab.verdict.compare.deciding import family_of
        from lab.verdict.compare.reading import figure_names, results
        from lab.verdict.judge import judge

        attempts = [
            self._directory.attempt(cell, path)
            for cell in cells
            for path in self._directory.recordings(cell.id)
        ]
        verdicts = judge(attempts, self._policy, today=wall()[:10])
        pairs = len({cell.twin_key for cell in cells})
        if against := _against(verdicts, self._policy):
            return f"enough after {_pairs(pairs)}: {against}"
        places = results(verdicts, attempts)
        plan = replace(self._plan, family=family_of(self._places, len(figure_names(places))))
        decisions = [decided(place, plan) for place in places]
        if not decisions or not all(decision.stop for decision in decisions):
            return ""
        return f"enough after {_pairs(pairs)}: {'; '.join(decision.reason for decision in decisions)}"


def _against(verdicts: Iterable[CellVerdict], policy: GatePolicy) -> str:
    """What closes the gate whatever else is measured; "" for a candidate that may still be shipped."""
    closing = {Outcome.FAILED, *(() if policy.allow_flaky else (Outcome.FLAKY,))}
    for verdict in verdicts:
        if verdict.cell.arm is not Arm.CANDIDATE or verdict.outcome not in closing:
            continue
        fatal = next((one.title for one in verdict.findings if one.fatal), "")
        return f"the candidate failed: {fatal or next(iter(verdict.reasons), 'no reason given')}"
    return ""


def _compared_places(cells: Iterable[Cell]) -> int:
    """Places of the run as comparisons count them: a version of the candidate is one of its own."""
    return len({(*place_of(cell), cell.version) for cell in cells if cell.arm is Arm.CANDIDATE})


def _pairs(number: int) -> str:
    return "1 pair" if number == 1 else f"{number} pairs"
