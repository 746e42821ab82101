"""May we ship? Verdicts and policy to one decision, one sentence and an exit code.

0 ship; 1 do not ship: there is evidence against the candidate, or it was never exercised; 4 no
decision: nothing was proven, the comparison is void, or the lab failed. Evidence against the
candidate (1) outweighs everything; 0 needs proof. Refuses to look at recordings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.model import Arm, CellVerdict, Comparison, GateDecision, GatePolicy, Outcome, Plan
from lab.verdict import compared
from lab.verdict.board import (
    Board,
    by_title,
    cells_of,
    count,
    having,
    named,
    names_of,
    nothing_new,
    spread,
    title_of,
)
from lab.verdict.remarks import remarks

NOT_RUN = "not-run"
"""`Omitted.kind` of cells that were planned and then could not run: a stop, a broken image, a halted ring."""
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
    board = Board.of(verdicts, plan)
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
    beside = [*remarks(board, policy), *filter(None, told)]
    reasons = (*(objection.sentence for objection in ordered), *beside)
    return GateDecision(
        ship=exit_code == SHIP,
        exit_code=exit_code,
        sentence=_sentence(board, exit_code, ordered),
        reasons=reasons,
    )


def _against(board: Board, policy: GatePolicy) -> list[_Objection]:
    """Evidence against the candidate, the most widespread first."""
    objections = []
    failed = having(board.candidate, Outcome.FAILED)
    for title, group in by_title(failed):
        objections.append(_Objection(DO_NOT_SHIP, f"{title} on {spread(board, group)}"))
    flaky = [
        verdict
        for verdict in having(board.candidate, Outcome.FLAKY)
        if not policy.allow_flaky or any(finding.fatal for finding in verdict.findings)
    ]
    if flaky:
        shown = [verdict for verdict in flaky if named(verdict) is not None]
        title = f"; {title_of(shown[0])}" if shown else ""
        objections.append(_Objection(DO_NOT_SHIP, f"flaky: {cells_of(flaky)}{title}"))
    idle = having(board.candidate, Outcome.NOT_EXERCISED)
    if idle:
        objections.append(_Objection(DO_NOT_SHIP, f"never exercised: {cells_of(idle)}"))
    return objections


def _unproven(board: Board, policy: GatePolicy) -> list[_Objection]:
    """What keeps the candidate from being proven good."""
    objections = []
    open_cells = having(board.candidate, Outcome.INCONCLUSIVE)
    waiting = [cell for cell in board.never_ran if cell.arm is Arm.CANDIDATE]
    lost = [item for item in board.plan.omitted if item.kind == NOT_RUN and item.arm is not Arm.BASELINE]
    if len(open_cells) + len(waiting) + len(lost) > policy.allow_inconclusive:
        if open_cells:
            first = open_cells[0].reasons[0] if open_cells[0].reasons else "no reason"
            objections.append(_Objection(NO_DECISION, f"inconclusive: {cells_of(open_cells)}; {first}"))
        if waiting:
            objections.append(_Objection(NO_DECISION, f"never ran: {names_of(cell.id for cell in waiting)}"))
        if lost:
            names = names_of(item.id for item in lost)
            objections.append(_Objection(NO_DECISION, f"did not run: {names}; {lost[0].reason}"))
    passed = len(having(board.candidate, Outcome.PASSED))
    wanted = max(1, policy.min_cells)
    if passed < wanted:
        objections.append(
            _Objection(NO_DECISION, f"{count(passed, 'candidate cell')} passed (wanted at least {wanted})")
        )
    unrunnable = [item for item in board.plan.omitted if item.kind == "unrunnable"]
    if unrunnable and not policy.allow_unrunnable:
        objections.append(
            _Objection(NO_DECISION, f"cannot run here: {names_of(item.id for item in unrunnable)}")
        )
    return objections


def _void(board: Board, policy: GatePolicy) -> list[_Objection]:
    """Without a good baseline a pass of the candidate compares with nothing."""
    if not policy.require_baseline:
        return []
    objections = []
    good = {verdict.cell.twin_key for verdict in having(board.baseline, Outcome.PASSED, Outcome.KNOWN_ISSUE)}
    bad = [verdict for verdict in board.baseline if verdict.cell.twin_key not in good]
    for title, group in by_title(having(bad, Outcome.FAILED)):
        objections.append(
            _Objection(
                NO_DECISION, f"the released agent fails: {title} on {count(board.images(group), 'OS build')}"
            )
        )
    judged = {verdict.cell.twin_key for verdict in having(bad, Outcome.FAILED)}
    skipped = {verdict.cell.twin_key for verdict in having(board.candidate, Outcome.SKIPPED)}
    alone = [cell for cell in board.candidate_cells if cell.twin_key not in good | judged | skipped]
    if alone:
        names = names_of(cell.id for cell in alone)
        objections.append(_Objection(NO_DECISION, f"no passed baseline to compare with: {names}"))
    return objections


def _same(board: Board) -> list[_Objection]:
    """One of several versions may be out already; all of them are no candidate."""
    old = nothing_new(board.cells)
    return [_Objection(NO_DECISION, words) for words in old] if len(old) == len(board.versions) else []


def _skipped(board: Board) -> list[_Objection]:
    """Scenarios may skip themselves; not all of an OS build's, and not for the candidate alone."""
    objections = []
    skipped = having(board.candidate, Outcome.SKIPPED)
    gone = {verdict.cell.id for verdict in skipped}
    idle = {verdict.cell.image for verdict in skipped}
    idle -= {cell.image for cell in board.candidate_cells if cell.id not in gone}
    if idle:
        objections.append(_Objection(NO_DECISION, f"every scenario was skipped on {names_of(idle)}"))
    other = {verdict.cell.twin_key for verdict in having(board.baseline, Outcome.PASSED)}
    alone = [verdict for verdict in skipped if verdict.cell.twin_key in other]
    if alone:
        words = f"skipped with the candidate alone, the released agent passed: {cells_of(alone)}"
        objections.append(_Objection(NO_DECISION, words))
    return objections


def _sentence(board: Board, exit_code: int, ordered: Sequence[_Objection]) -> str:
    if exit_code == SHIP:
        passed = having(board.candidate, Outcome.PASSED)
        return (
            f"Ship {board.subject}: {len(passed)} of {count(len(board.candidate_cells), 'candidate cell')} "
            f"passed on {count(board.images(passed), 'OS build')}; {_baseline(board)}"
        )
    word = "Do not ship" if exit_code == DO_NOT_SHIP else "No decision on"
    more = sum(objection.exit_code == exit_code for objection in ordered) - 1
    tail = f"; {count(more, 'more reason')}" if more > 0 else ""
    return f"{word} {board.subject}: {ordered[0].sentence}{tail}; {_baseline(board)}"


def _baseline(board: Board) -> str:
    if not board.baseline:
        return "the released agent did not run"
    good = having(board.baseline, Outcome.PASSED)
    if len(good) == len(board.baseline) and not any(cell.arm is Arm.BASELINE for cell in board.never_ran):
        return "the released agent is green"
    failed = having(board.baseline, Outcome.FAILED)
    if failed:
        return f"the released agent fails on {count(board.images(failed), 'OS build')} too"
    return f"the released agent passed {len(good)} of {count(len(board.baseline), 'cell')}"
