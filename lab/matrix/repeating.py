"""Repetitions that depend on how the comparison of the arms goes: how many are planned, and for which cells.

Refuses to say when they are enough: that is known only while the run goes on (lab.running.repeating).
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.matrix.axes import Block
from lab.model import Arm, Cell, TestPlan

WHILE_OPEN = "while the comparison is open"
"""Why a spare cell is in the plan, beside its block's reason."""


def most_repetitions(compare: TestPlan, blocks: Sequence[Block]) -> int:
    """Repetitions of a cell in which its place comes to `compare.most` pairs; 0 when nothing is repeated.

    Each seed makes a pair in every repetition. One number for all blocks: ids must not depend on the block.
    """
    seeds = min((len(set(block.seeds)) for block in blocks), default=1)
    return -(-compare.most // max(1, seeds))


def paired(cells: Sequence[Cell]) -> list[Cell]:
    """The cells without spare ones that have no twin: these are run only to be compared."""
    arms: dict[object, set[Arm]] = {cell.twin_key: set() for cell in cells if cell.spare}
    if not arms:
        return list(cells)
    for cell in cells:
        if cell.twin_key in arms:
            arms[cell.twin_key].add(cell.arm)
    return [cell for cell in cells if not cell.spare or len(arms[cell.twin_key]) == len(Arm)]
