"""May we ship? Verdicts and policy to one decision, one sentence and an exit code.

0 ship; 1 do not ship: there is evidence against the candidate, or it was never exercised; 4 no
decision: nothing was proven, the comparison is void, or the lab failed. Evidence against the
candidate (1) outweighs everything; 0 needs proof. Refuses to look at recordings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.model import (
    Arm,
    Cell,
    CellVerdict,
    Comparison,
    Finding,
    FindingKind,
    GateDecision,
    GatePolicy,
    Omitted,
    Outcome,
    Plan,
)
from lab.verdict import compared
from lab.verdict.known import titles

NOT_RUN = "not-run"
"""`Omitted.kind` of cells that were planned and then could not run: a stop, a broken image, a halted ring."""
LATE = frozenset(
    {
        FindingKind.BOOT_LOOP,
        FindingKind.RECOVERY_SCREEN,
        FindingKind.UNEXPECTED_REBOOT,
        FindingKind.UPDATE_REFUSED,
    }
)
"""What follows from a crash names a cell only where no crash does."""
SHIP, DO_NOT_SHIP, NO_DECISION = 0, 1, 4
"""`lab.errors.ExitCode`, which a pure room may not import."""


@dataclass(frozen=True, slots=True)
class _Objection:
    """Why not to ship, and how heavy it is."""

    exit_code: int
    sentence: str


def decide(
    verdicts: Sequence[CellVerdict],
    plan: Plan,
    policy: GatePolicy,
    comparisons: Sequence[Comparison] = (),
) -> GateDecision:
    """The decision over all cells of `plan`; one without a verdict never ran and proves nothing.

    :param comparisons: of the arms by numbers. They can only close the gate: no statistic excuses a failure.
    """
    board = _Board.of(verdicts, plan)
    objections = [
        *_against(board, policy),
        *(_Objection(DO_NOT_SHIP, sentence) for sentence in compared.regressions(comparisons)),
        *_unproven(board, policy),
        *_void(board, policy),
        *_same(board),
        *_skipped(board),
    ]
    waiting = compared.open_questions(comparisons)
    if waiting and policy.require_comparison:
        objections.append(_Objection(NO_DECISION, waiting))
    codes = {objection.exit_code for objection in objections}
    exit_code = DO_NOT_SHIP if DO_NOT_SHIP in codes else NO_DECISION if codes else SHIP
    ordered = sorted(objections, key=lambda objection: objection.exit_code != exit_code)
    told = [compared.answered(comparisons), "" if policy.require_comparison else waiting]
    remarks = [*_remarks(board, policy), *filter(None, told)]
    reasons = (*(objection.sentence for objection in ordered), *remarks)
    return GateDecision(
        ship=exit_code == SHIP,
        exit_code=exit_code,
        sentence=_sentence(board, exit_code, ordered),
        reasons=reasons,
    )


@dataclass(frozen=True, slots=True)
class _Board:
    """The verdicts by arm, and what has none."""

    candidate: tuple[CellVerdict, ...]
    baseline: tuple[CellVerdict, ...]
    never_ran: tuple[Cell, ...]
    plan: Plan

    @classmethod
    def of(cls, verdicts: Sequence[CellVerdict], plan: Plan) -> _Board:
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
    def subject(self) -> str:
        """`build 1.0 + content 291`: what the decision is about."""
        versions = sorted({str(cell.version) for cell in self.candidate_cells})
        return " and ".join(versions) or "the candidate"

    def images(self, verdicts: Iterable[CellVerdict]) -> int:
        return len({verdict.cell.image for verdict in verdicts})


def _with(verdicts: Iterable[CellVerdict], *outcomes: Outcome) -> list[CellVerdict]:
    return [verdict for verdict in verdicts if verdict.outcome in outcomes]


def _against(board: _Board, policy: GatePolicy) -> list[_Objection]:
    """Evidence against the candidate, the most widespread first."""
    objections = []
    failed = _with(board.candidate, Outcome.FAILED)
    for title, group in _by_title(failed):
        objections.append(_Objection(DO_NOT_SHIP, f"{title} on {_spread(board, group)}"))
    flaky = [
        verdict
        for verdict in _with(board.candidate, Outcome.FLAKY)
        if not policy.allow_flaky or any(finding.fatal for finding in verdict.findings)
    ]
    if flaky:
        shown = [verdict for verdict in flaky if _named(verdict) is not None]
        title = f"; {_title(shown[0])}" if shown else ""
        objections.append(_Objection(DO_NOT_SHIP, f"flaky: {_cells(flaky)}{title}"))
    idle = _with(board.candidate, Outcome.NOT_EXERCISED)
    if idle:
        objections.append(_Objection(DO_NOT_SHIP, f"never exercised: {_cells(idle)}"))
    return objections


def _unproven(board: _Board, policy: GatePolicy) -> list[_Objection]:
    """What keeps the candidate from being proven good."""
    objections = []
    open_cells = _with(board.candidate, Outcome.INCONCLUSIVE)
    waiting = [cell for cell in board.never_ran if cell.arm is Arm.CANDIDATE]
    lost = [item for item in board.plan.omitted if item.kind == NOT_RUN and item.arm is not Arm.BASELINE]
    if len(open_cells) + len(waiting) + len(lost) > policy.allow_inconclusive:
        if open_cells:
            first = open_cells[0].reasons[0] if open_cells[0].reasons else "no reason"
            objections.append(_Objection(NO_DECISION, f"inconclusive: {_cells(open_cells)}; {first}"))
        if waiting:
            objections.append(_Objection(NO_DECISION, f"never ran: {_names(cell.id for cell in waiting)}"))
        if lost:
            names = _names(item.id for item in lost)
            objections.append(_Objection(NO_DECISION, f"did not run: {names}; {lost[0].reason}"))
    passed = len(_with(board.candidate, Outcome.PASSED))
    wanted = max(1, policy.min_cells)
    if passed < wanted:
        objections.append(
            _Objection(NO_DECISION, f"{_count(passed, 'candidate cell')} passed (wanted at least {wanted})")
        )
    unrunnable = [item for item in board.plan.omitted if item.kind == "unrunnable"]
    if unrunnable and not policy.allow_unrunnable:
        objections.append(
            _Objection(NO_DECISION, f"cannot run here: {_names(item.id for item in unrunnable)}")
        )
    return objections


def _void(board: _Board, policy: GatePolicy) -> list[_Objection]:
    """Without a good baseline a pass of the candidate compares with nothing."""
    if not policy.require_baseline:
        return []
    objections = []
    good = {verdict.cell.twin_key for verdict in _with(board.baseline, Outcome.PASSED, Outcome.KNOWN_ISSUE)}
    bad = [verdict for verdict in board.baseline if verdict.cell.twin_key not in good]
    for title, group in _by_title(_with(bad, Outcome.FAILED)):
        objections.append(
            _Objection(
                NO_DECISION, f"the released agent fails: {title} on {_count(board.images(group), 'OS build')}"
            )
        )
    judged = {verdict.cell.twin_key for verdict in _with(bad, Outcome.FAILED)}
    skipped = {verdict.cell.twin_key for verdict in _with(board.candidate, Outcome.SKIPPED)}
    alone = [cell for cell in board.candidate_cells if cell.twin_key not in good | judged | skipped]
    if alone:
        names = _names(cell.id for cell in alone)
        objections.append(_Objection(NO_DECISION, f"no passed baseline to compare with: {names}"))
    return objections


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


def _same(board: _Board) -> list[_Objection]:
    """One of several versions may be out already; all of them are no candidate."""
    old = nothing_new(board.cells)
    versions = {cell.version for cell in board.candidate_cells}
    return [_Objection(NO_DECISION, words) for words in old] if len(old) == len(versions) else []


def _skipped(board: _Board) -> list[_Objection]:
    """Scenarios may skip themselves; not all of an OS build's, and not for the candidate alone."""
    objections = []
    skipped = _with(board.candidate, Outcome.SKIPPED)
    gone = {verdict.cell.id for verdict in skipped}
    idle = {verdict.cell.image for verdict in skipped}
    idle -= {cell.image for cell in board.candidate_cells if cell.id not in gone}
    if idle:
        objections.append(_Objection(NO_DECISION, f"every scenario was skipped on {_names(idle)}"))
    other = {verdict.cell.twin_key for verdict in _with(board.baseline, Outcome.PASSED)}
    alone = [verdict for verdict in skipped if verdict.cell.twin_key in other]
    if alone:
        words = f"skipped with the candidate alone, the released agent passed: {_cells(alone)}"
        objections.append(_Objection(NO_DECISION, words))
    return objections


def _sentence(board: _Board, exit_code: int, ordered: Sequence[_Objection]) -> str:
    if exit_code == SHIP:
        passed = _with(board.candidate, Outcome.PASSED)
        return (
            f"Ship {board.subject}: {len(passed)} of {_count(len(board.candidate_cells), 'candidate cell')} "
            f"passed on {_count(board.images(passed), 'OS build')}; {_baseline(board)}"
        )
    word = "Do not ship" if exit_code == DO_NOT_SHIP else "No decision on"
    more = sum(objection.exit_code == exit_code for objection in ordered) - 1
    tail = f"; {_count(more, 'more reason')}" if more > 0 else ""
    return f"{word} {board.subject}: {ordered[0].sentence}{tail}; {_baseline(board)}"


def _baseline(board: _Board) -> str:
    if not board.baseline:
        return "the released agent did not run"
    good = _with(board.baseline, Outcome.PASSED)
    if len(good) == len(board.baseline) and not any(cell.arm is Arm.BASELINE for cell in board.never_ran):
        return "the released agent is green"
    failed = _with(board.baseline, Outcome.FAILED)
    if failed:
        return f"the released agent fails on {_count(board.images(failed), 'OS build')} too"
    return f"the released agent passed {len(good)} of {_count(len(board.baseline), 'cell')}"


def _remarks(board: _Board, policy: GatePolicy) -> list[str]:
    """What did not close the gate but must be read."""
    remarks = []
    for known in _with(board.candidate, Outcome.KNOWN_ISSUE):
        remarks.append(f"known issue tolerated: {known.cell.id}: {_title(known)}")
    flaky = _with(board.candidate, Outcome.FLAKY) if policy.allow_flaky else []
    if flaky:
        remarks.append(f"allow_flaky is on: {_cells(flaky)}")
    unproven = [verdict.cell.id for verdict in _with(board.candidate, Outcome.INCONCLUSIVE)]
    unproven += [cell.id for cell in board.never_ran if cell.arm is Arm.CANDIDATE]
    if 0 < len(unproven) <= policy.allow_inconclusive:
        remarks.append(f"allow_inconclusive is {policy.allow_inconclusive}: {_names(unproven)}")
    for kind, why in (("unrunnable", "that cannot run here"), ("unselected", "that the selection left out")):
        left = [item for item in board.plan.omitted if item.kind == kind]
        if left:
            remarks.append(f"not tested: {_count(len(left), 'cell')} {why}{_whole_images(board, left)}")
    new = _only_here(board)
    if new:
        remarks.append(f"seen with the candidate alone, though not fatal: {_names(new)}")
    if not _same(board):
        remarks += nothing_new(board.cells)
    dropped = _whole_images(board, [item for item in board.plan.omitted if item.kind == "excluded"])
    return [*remarks, f"not tested, by a rule of lab.yaml{dropped}"] if dropped else remarks


def _only_here(board: _Board) -> set[str]:
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


def _whole_images(board: _Board, left: Sequence[Omitted]) -> str:
    """OS builds of which nothing was to run at all."""
    planned = {cell.image for cell in board.candidate_cells}
    images = {item.image for item in left if item.image} - planned
    return f"; nothing at all of {_names(images)}" if images else ""


def _by_title(verdicts: Iterable[CellVerdict]) -> list[tuple[str, list[CellVerdict]]]:
    """Grouped by the bug that names them, the most widespread first."""
    groups: dict[str, list[CellVerdict]] = {}
    for verdict in verdicts:
        groups.setdefault(_title(verdict), []).append(verdict)
    return sorted(
        groups.items(), key=lambda item: (-len({v.cell.image for v in item[1]}), -len(item[1]), item[0])
    )


def _title(verdict: CellVerdict) -> str:
    """The bug, with its module; the assertion where there is none."""
    finding = _named(verdict)
    if finding is None:
        return verdict.reasons[0] if verdict.reasons else "no reason given"
    return f"{finding.title} ({finding.module})" if finding.module else finding.title


def _named(verdict: CellVerdict) -> Finding | None:
    """The finding that names the cell, if one failed it."""
    failing = (item for item in verdict.findings if item.fatal or item.kind is FindingKind.UPDATE_REFUSED)
    return min(failing, key=_weight, default=None)


def _weight(finding: Finding) -> tuple[int, float]:
    """A crash names the bug better than the boot loop or the reset that it caused."""
    late = finding.kind in LATE
    return (int(late), finding.t_s)


def _spread(board: _Board, group: Sequence[CellVerdict]) -> str:
    of = len({cell.image for cell in board.candidate_cells})
    return f"{board.images(group)} of {_count(of, 'OS build')}"


def _cells(verdicts: Sequence[CellVerdict]) -> str:
    return _names(verdict.cell.id for verdict in verdicts)


def _names(ids: Iterable[str], most: int = 3) -> str:
    """At most three names; the report has the rest."""
    names = sorted(ids)
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
