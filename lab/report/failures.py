"""Failures grouped by signature: the same bug on many cells is one failure with one exhibit."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lab.model import AgentVersion, Arm, Blame, FindingKind, Outcome, Signature
from lab.report import exhibit, faults
from lab.report.cases import FAILURES, Case
from lab.report.shape_failures import Failure
from lab.report.wording import KIND_MEANING, count, same_words

NO_FINDING = "scenario-failed"
"""Kind of a failure that no detector found: the scenario's own assertions did."""
LONGEST_TITLE = 300


def group(cases: Iterable[Case]) -> list[list[Case]]:
    """Cases with a bug, grouped so that those that share a title, also through a third, are together."""
    groups: list[tuple[set[str], list[Case]]] = []
    for case in cases:
        if case.outcome not in FAILURES:
            continue
        titles = _titles(case)
        apart = [one for one in groups if one[0].isdisjoint(titles)]
        joined = [one for one in groups if not one[0].isdisjoint(titles)]
        members = [member for _, some in joined for member in some]
        groups = [*apart, (titles.union(*(some for some, _ in joined)), [*members, case])]
    return [members for _, members in groups]


def _titles(case: Case) -> set[str]:
    if case.main is None:
        return {same_words(case.signature.title)}
    return {case.signature.title, *case.signature.alt_titles}


def build(
    cases: Sequence[Case], shares: Mapping[str, float], run_id: str, run_dir: Path | None
) -> tuple[Failure, ...]:
    """The failures, worst first: outcome, then the candidate's own, then share of the fleet."""
    made = [_failure(members, cases, shares, run_id, run_dir) for members in group(cases)]
    made.sort(
        key=lambda one: (
            Outcome(one.outcome).rank,
            one.blame != Blame.CANDIDATE,
            one.kind == FindingKind.UPDATE_REFUSED,
            -one.share,
            -len(one.cells),
        )
    )
    return tuple(replace(failure, id=f"f{number}") for number, failure in enumerate(made, start=1))


def _failure(
    members: list[Case],
    every: Sequence[Case],
    shares: Mapping[str, float],
    run_id: str,
    run_dir: Path | None,
) -> Failure:
    titles = Signature(
        title=members[0].signature.title, alt_titles=tuple(set().union(*map(_titles, members)))
    )
    shown = exhibit.choose(pair for case in members if (pair := case.shows(titles)) is not None)
    best = next((case for case in members if shown and case.cell.id == shown[0].cell.id), members[0])
    main = shown[1] if shown else best.main
    kind = main.kind.value if main else NO_FINDING
    loops = [case.verdict.unexpected_resets for case in members if case.verdict]
    looped = sum(1 for case in members if _loops(case))
    title = best.signature.title[:LONGEST_TITLE]
    return Failure(
        id="",
        title=title,
        alt_titles=tuple(sorted({*titles.alt_titles, titles.title} - {title})) if main else (),
        kind=kind,
        outcome=Outcome.worst(Outcome(case.outcome) for case in members).value,
        blame=_blame(members),
        module=main.module if main else "",
        function=main.function if main else "",
        meaning=_meaning(main.detail if main else "", kind, looped, len(members), max(loops, default=0)),
        fault=faults.note(main),
        diagnosis=main.diagnosis.value if main and main.diagnosis else "",
        since=_since(members, every),
        also=_unique(
            one.title
            for case in members
            for one in (case.verdict.findings if case.verdict else ())
            if not one.signature.same_bug(titles)
        ),
        corrupted=main.corrupted if main else "",
        reasons=_unique(reason for case in members for reason in case.reasons)[:6],
        share=sum(shares.get(image, 0.0) for image in _hit(members)),
        images=_unique(case.cell.image for case in members),
        scenarios=_unique(case.cell.scenario for case in members),
        arms=_unique(case.cell.arm.value for case in members),
        cells=tuple(case.cell.id for case in members),
        resets=max(loops, default=0),
        boots=max((case.verdict.boots for case in members if case.verdict), default=0),
        looped_cells=looped,
        repro=f"lab repro {shlex.quote(run_id)} {shlex.quote(best.cell.id)}",
        exhibit=exhibit.build(*shown, run_dir) if shown else None,
    )


def _hit(members: list[Case]) -> tuple[str, ...]:
    """OS builds on which a candidate cell ended as badly as any of the members."""
    worst = Outcome.worst(Outcome(case.outcome) for case in members)
    return _unique(
        case.cell.image for case in members if case.cell.arm is Arm.CANDIDATE and case.outcome == worst
    )


def _loops(case: Case) -> bool:
    return case.verdict is not None and any(
        finding.kind is FindingKind.BOOT_LOOP for finding in case.verdict.findings
    )


def _blame(members: Iterable[Case]) -> str:
    """Who must act: the candidate when any cell says so, else what most cells say."""
    blamed = [case.verdict.blame for case in members if case.verdict]
    if Blame.CANDIDATE in blamed:
        return Blame.CANDIDATE.value
    return max(blamed, key=blamed.count, default=Blame.UNKNOWN).value


def _meaning(detail: str, kind: str, looped: int, cells: int, resets: int) -> str:
    sentences = [detail.strip().rstrip("."), KIND_MEANING.get(kind, "").rstrip(".")]
    if looped:
        where = "on every cell" if looped == cells > 1 else f"on {looped} of {count(cells, 'cell')}"
        sentences.append(f"It comes back at every boot: a boot loop {where}, up to {count(resets, 'reset')}")
    said = [sentence for sentence in sentences if sentence]
    return " ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in said)


def _since(members: list[Case], every: Sequence[Case]) -> str:
    """What the released version did on the same cells."""
    failing = [case for case in members if case.cell.arm is Arm.CANDIDATE]
    if not failing:
        return "Only the released version was seen to fail in this way."
    twins = {case.cell.twin_key: case for case in every if case.cell.arm is Arm.BASELINE}
    compared = [(case, twins[case.cell.twin_key]) for case in failing if case.cell.twin_key in twins]
    passed = [pair for pair in compared if pair[1].outcome == Outcome.PASSED]
    same = [pair for pair in compared if pair[1] in members]
    if same:
        where = f"{len(same)} of {count(len(failing), 'cell')}"
        return f"Not new: the released version fails in the same way on {where}."
    if not passed:
        return "The released version has no pass on these cells to compare with."
    changed, old = _changed(passed[0][0].cell.version, passed[0][1].cell.version)
    where = "the same cell" if len(failing) == 1 else f"{len(passed)} of the same {len(failing)} cells"
    if len(passed) == len(failing) > 1:
        where = f"all {len(failing)} of the same cells"
    return f"New with {changed}: the released {old} passed on {where}."


def _changed(new: AgentVersion, old: AgentVersion) -> tuple[str, str]:
    """The axes that differ between the arms, new and old."""
    pairs = [
        (f"{axis} {getattr(new, axis)}", f"{axis} {getattr(old, axis)}")
        for axis in ("build", "content")
        if getattr(new, axis) != getattr(old, axis)
    ]
    if not pairs:
        return "nothing that differs in version", str(old)
    return " + ".join(one for one, _ in pairs), " + ".join(other for _, other in pairs)


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
