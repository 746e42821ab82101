"""The heat map: OS builds × scenarios for every arm, each square the worst of its cells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from lab.model import AgentVersion, Arm, Outcome
from lab.report.cases import Case
from lab.report.shape import ArmFacts, HeatMap, Row, Scenario, Square, Version
from lab.report.wording import KIND_WORD, OUTCOME_WORD

ABSENT = Square(outcome="absent", label="", resets=0, cells=(), section="")
NOT_RUN_RANK = 2.5
"""A planned cell without a verdict is worse than a flaky one and better than one that proved nothing."""

ArmKey = tuple[Arm, AgentVersion]


def arms(cases: Sequence[Case]) -> tuple[ArmFacts, ...]:
    """The versions under test: the released one first, then the candidates in order of the plan."""
    found: dict[ArmKey, list[Case]] = defaultdict(list)
    for case in cases:
        found[case.cell.arm, case.cell.version].append(case)
    order = sorted(found, key=lambda key: key[0] is not Arm.BASELINE)
    return tuple(_arm(key, found[key]) for key in order)


def _arm(key: ArmKey, cases: list[Case]) -> ArmFacts:
    first = cases[0].cell
    outcomes = [case.outcome for case in cases]
    return ArmFacts(
        arm=key[0].value,
        agent=first.agent,
        version=version(first.version),
        installed=version(first.installed),
        cells=len(cases),
        outcomes={name: outcomes.count(name) for name in (*Outcome, "not-run") if name in outcomes},
    )


def version(one: AgentVersion) -> Version:
    return Version(build=one.build, content=one.content)


def build(
    cases: Sequence[Case],
    columns: Sequence[ArmFacts],
    sections: Mapping[str, str],
    scenarios: Mapping[str, Mapping[str, Any]],
) -> HeatMap:
    """:param sections: cell id -> id of the section that explains it."""
    names = list(dict.fromkeys(case.cell.scenario for case in cases))
    images = list(dict.fromkeys(case.cell.image for case in cases))
    rows = list(dict.fromkeys((case.cell.image, case.cell.profile) for case in cases))
    rows.sort(key=lambda row: images.index(row[0]))
    squares: dict[tuple[str, str, str, Version, str], list[Case]] = defaultdict(list)
    for case in cases:
        cell = case.cell
        squares[cell.image, cell.profile, cell.arm.value, version(cell.version), cell.scenario].append(case)
    return HeatMap(
        scenarios=tuple(_scenario(name, cases, scenarios.get(name, {})) for name in names),
        rows=tuple(
            Row(
                image=image,
                profile=profile,
                squares=tuple(
                    tuple(
                        _square(squares.get((image, profile, arm.arm, arm.version, name), []), sections)
                        for name in names
                    )
                    for arm in columns
                ),
            )
            for image, profile in rows
        ),
        profiles=len({profile for _, profile in rows}),
    )


def _scenario(name: str, cases: Sequence[Case], told: Mapping[str, Any]) -> Scenario:
    level = next(case.cell.level for case in cases if case.cell.scenario == name)
    return Scenario(name=name, summary=str(told.get("summary") or ""), level=str(told.get("level") or level))


def _square(cases: Sequence[Case], sections: Mapping[str, str]) -> Square:
    if not cases:
        return ABSENT
    worst = min(cases, key=_rank)
    label = OUTCOME_WORD[worst.outcome]
    if worst.outcome == Outcome.FAILED and worst.main:
        label = KIND_WORD[worst.main.kind]
    return Square(
        outcome=worst.outcome,
        label=label,
        resets=max((case.verdict.unexpected_resets for case in cases if case.verdict), default=0),
        cells=tuple(case.cell.id for case in cases),
        section=sections.get(worst.cell.id, ""),
    )


def _rank(case: Case) -> float:
    return case.verdict.outcome.rank if case.verdict else NOT_RUN_RANK
