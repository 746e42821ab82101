"""Which cells start from power-off and which may start as a clone. Pure.

A clone starts after the boot, so a run of clones alone would never see a fault of booting. Twins start
alike: a difference between the arms must come from the agent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lab.model import Cell, ScenarioInfo

ASKED = "the scenario asks for it"
FIRST = "the first of its image and arm: clones do not show faults of booting"
OFF = "clones are off in lab.yaml"


def with_starts(
    cells: Sequence[Cell], scenarios: Mapping[str, ScenarioInfo], *, clones: bool = True
) -> list[Cell]:
    """The cells, those that must boot from power-off marked with the reason.

    These are the cells of scenarios that ask for it, and for each image at least one cell per arm:
    the first one that both arms have.
    """
    if not clones:
        return [replace(cell, cold=OFF) for cell in cells]
    marked = {cell.id: ASKED for cell in cells if scenarios[cell.scenario].cold_boot}
    by_image: dict[str, list[Cell]] = {}
    for cell in cells:
        by_image.setdefault(cell.image, []).append(cell)
    for own in by_image.values():
        missing = {cell.arm for cell in own} - {cell.arm for cell in own if cell.id in marked}
        for twins in _by_fitness(own, scenarios):
            first = [cell for cell in twins if cell.arm in missing]
            marked |= {cell.id: FIRST for cell in first}
            missing -= {cell.arm for cell in first}
    return [replace(cell, cold=marked[cell.id]) if cell.id in marked else cell for cell in cells]


def _by_fitness(cells: Sequence[Cell], scenarios: Mapping[str, ScenarioInfo]) -> list[list[Cell]]:
    """The cells by twins, best fit for a cold boot first: there in every arm, and nothing to gain from a
    guest that comes with the agent."""
    by_key: dict[object, list[Cell]] = {}
    for cell in cells:
        by_key.setdefault(cell.twin_key, []).append(cell)
    arms = len({cell.arm for cell in cells})

    def rank(twins: Sequence[Cell]) -> tuple[bool, bool]:
        incomplete = len({cell.arm for cell in twins}) < arms
        return incomplete, bool(scenarios[twins[0].scenario].starts_with)

    return sorted(by_key.values(), key=rank)
