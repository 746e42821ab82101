"""What did not close the gate and must be read beside its decision. Refuses to decide."""

from __future__ import annotations

from collections.abc import Sequence

from lab.model import Arm, GatePolicy, Omitted, Outcome
from lab.verdict.board import Board, cells_of, count, having, names_of, nothing_new, title_of
from lab.verdict.known import titles


def remarks(board: Board, policy: GatePolicy) -> list[str]:
    """What did not close the gate but must be read."""
    told = []
    for known in having(board.candidate, Outcome.KNOWN_ISSUE):
        told.append(f"known issue tolerated: {known.cell.id}: {title_of(known)}")
    flaky = having(board.candidate, Outcome.FLAKY) if policy.allow_flaky else []
    if flaky:
        told.append(f"allow_flaky is on: {cells_of(flaky)}")
    unproven = [verdict.cell.id for verdict in having(board.candidate, Outcome.INCONCLUSIVE)]
    unproven += [cell.id for cell in board.never_ran if cell.arm is Arm.CANDIDATE]
    if 0 < len(unproven) <= policy.allow_inconclusive:
        told.append(f"allow_inconclusive is {policy.allow_inconclusive}: {names_of(unproven)}")
    for kind, why in (("unrunnable", "that cannot run here"), ("unselected", "that the selection left out")):
        left = [item for item in board.plan.omitted if item.kind == kind]
        if left:
            told.append(f"not tested: {count(len(left), 'cell')} {why}{_whole_images(board, left)}")
    new = _only_here(board)
    if new:
        told.append(f"seen with the candidate alone, though not fatal: {names_of(new)}")
    old = nothing_new(board.cells)
    told += old if len(old) < len(board.versions) else []
    dropped = _whole_images(board, [item for item in board.plan.omitted if item.kind == "excluded"])
    return [*told, f"not tested, by a rule of lab.yaml{dropped}"] if dropped else told


def _only_here(board: Board) -> set[str]:
    """Titles of what no released agent showed, where one ran: a kernel's warning can be the next crash."""
    known = {title for verdict in board.baseline for found in verdict.findings for title in titles(found)}
    places = {verdict.cell.twin_key for verdict in board.baseline}
    return {
        found.title
        for verdict in board.candidate
        if verdict.cell.twin_key in places
        for found in verdict.findings
        if not (found.fatal or found.suppressed) and titles(found).isdisjoint(known)
    }


def _whole_images(board: Board, left: Sequence[Omitted]) -> str:
    """OS builds of which nothing was to run at all."""
    planned = {cell.image for cell in board.candidate_cells}
    images = {item.image for item in left if item.image} - planned
    return f"; nothing at all of {names_of(images)}" if images else ""
