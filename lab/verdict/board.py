"""All verdicts of a run by arm, what has none, and how both are put into words. Refuses to decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.model import AgentVersion, Arm, Cell, CellVerdict, Finding, FindingKind, Outcome, Plan

LATE = frozenset(
    {
        FindingKind.BOOT_LOOP,
        FindingKind.RECOVERY_SCREEN,
        FindingKind.UNEXPECTED_REBOOT,
        FindingKind.UPDATE_REFUSED,
    }
)
"""What follows from a crash names a cell only where no crash does."""


@dataclass(frozen=True, slots=True)
class Board:
    """The verdicts by arm, and what has none."""

    candidate: tuple[CellVerdict, ...]
    baseline: tuple[CellVerdict, ...]
    never_ran: tuple[Cell, ...]
    plan: Plan

    @classmethod
    def of(cls, verdicts: Sequence[CellVerdict], plan: Plan) -> Board:
        known = sorted(verdicts, key=lambda verdict: verdict.cell.id)
        judged = {verdict.cell.id for verdict in known}
        return cls(
            candidate=tuple(verdict for verdict in known if verdict.cell.arm is Arm.CANDIDATE),
            baseline=tuple(verdict for verdict in known if verdict.cell.arm is Arm.BASELINE),
            never_ran=tuple(
                sorted((cell for cell in plan.cells if cell.id not in judged), key=lambda cell: cell.id)
            ),
            plan=plan,
        )

    @property
    def candidate_cells(self) -> list[Cell]:
        """Judged or not."""
        waiting = [cell for cell in self.never_ran if cell.arm is Arm.CANDIDATE]
        return [*(verdict.cell for verdict in self.candidate), *waiting]

    @property
    def cells(self) -> list[Cell]:
        """Of both arms, judged or not."""
        return [*(verdict.cell for verdict in (*self.candidate, *self.baseline)), *self.never_ran]

    @property
    def versions(self) -> set[AgentVersion]:
        """What the candidates are."""
        return {cell.version for cell in self.candidate_cells}

    @property
    def subject(self) -> str:
        """`build 1.0 + content 291`: what the decision is about."""
        return " and ".join(sorted(map(str, self.versions))) or "the candidate"

    def images(self, verdicts: Iterable[CellVerdict]) -> int:
        return len({verdict.cell.image for verdict in verdicts})


def having(verdicts: Iterable[CellVerdict], *outcomes: Outcome) -> list[CellVerdict]:
    return [verdict for verdict in verdicts if verdict.outcome in outcomes]


def by_title(verdicts: Iterable[CellVerdict]) -> list[tuple[str, list[CellVerdict]]]:
    """Grouped by the bug that names them, the most widespread first."""
    groups: dict[str, list[CellVerdict]] = {}
    for verdict in verdicts:
        groups.setdefault(title_of(verdict), []).append(verdict)
    return sorted(
        groups.items(), key=lambda item: (-len({v.cell.image for v in item[1]}), -len(item[1]), item[0])
    )


def title_of(verdict: CellVerdict) -> str:
    """The bug, with its module; the assertion where there is none."""
    finding = named(verdict)
    if finding is None:
        return verdict.reasons[0] if verdict.reasons else "no reason given"
    return f"{finding.title} ({finding.module})" if finding.module else finding.title


def named(verdict: CellVerdict) -> Finding | None:
    """The finding that names the cell, if one failed it."""
    failing = (item for item in verdict.findings if item.fatal or item.kind is FindingKind.UPDATE_REFUSED)
    return min(failing, key=_weight, default=None)


def _weight(finding: Finding) -> tuple[int, float]:
    """A crash names the bug better than the boot loop or the reset that it caused."""
    late = finding.kind in LATE
    return (int(late), finding.t_s)


def spread(board: Board, group: Sequence[CellVerdict]) -> str:
    of = len({cell.image for cell in board.candidate_cells})
    return f"{board.images(group)} of {count(of, 'OS build')}"


def cells_of(verdicts: Sequence[CellVerdict]) -> str:
    return names_of(verdict.cell.id for verdict in verdicts)


def names_of(ids: Iterable[str], most: int = 3) -> str:
    """At most three names; the report has the rest."""
    names = sorted(ids)
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def nothing_new(cells: Iterable[Cell]) -> list[str]:
    """Why candidate versions among these cells put nothing to the test, one sentence each: they are out
    already, as the released agent or as what guests had before.
    """
    listed = list(cells)
    candidates = [cell for cell in listed if cell.arm is Arm.CANDIDATE]
    released = {cell.version for cell in listed if cell.arm is Arm.BASELINE}
    installed = {cell.installed for cell in candidates}
    told = []
    for version in sorted({cell.version for cell in candidates}, key=str):
        if version in released:
            told.append(f"the candidate is the released agent: both arms have {version}")
        elif version in installed:
            told.append(
                f"the candidate is what guests had before: they are updated from {version} to {version}"
            )
    return told
