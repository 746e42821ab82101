"""What share of the fleet a candidate would have hit: OS builds weighted by the census."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from lab.model import Arm, Omitted, Outcome
from lab.report.cases import Case
from lab.report.shape import Fleet, FleetImage
from lab.report.shape_failures import Failure

STATES = ("affected", "unproven", "untested", "proven")
"""Worst first."""

PROVEN = frozenset({Outcome.PASSED, Outcome.KNOWN_ISSUE})


def shares(
    cases: Sequence[Case], omitted: Sequence[Omitted], census: Mapping[str, float]
) -> dict[str, float]:
    """Share of the fleet of every OS build that the plan knows, in order of the plan; they add up to 1.

    The weight of an OS build is the census's (names may be patterns), else the largest weight of one of
    its cells: a cell stands for its image, so more scenarios do not make an image more common.
    """
    weights: dict[str, float] = {}
    for case in cases:
        weights[case.cell.image] = max(weights.get(case.cell.image, 0.0), case.cell.weight)
    for item in omitted:
        if item.image and item.kind == "unrunnable":
            weights.setdefault(item.image, 0.0 if census else 1.0)
    counted = {image: max(0.0, _counted(image, weight, census)) for image, weight in weights.items()}
    total = sum(counted.values())
    return {image: weight / total if total > 0 else 0.0 for image, weight in counted.items()}


def _counted(image: str, weight: float, census: Mapping[str, float]) -> float:
    return next((value for pattern, value in census.items() if fnmatchcase(image, pattern)), weight)


def build(cases: Sequence[Case], share: Mapping[str, float], failures: Sequence[Failure]) -> Fleet:
    """The fleet by what the candidate did to it; the released version's own failures do not count."""
    outcomes: dict[str, list[str]] = {image: [] for image in share}
    for case in cases:
        if case.cell.arm is Arm.CANDIDATE:
            outcomes[case.cell.image].append(case.outcome)
    images = tuple(
        FleetImage(
            image=image,
            share=share[image],
            state=_state(outcomes[image]),
            failures=tuple(one.id for one in failures if image in one.images and "candidate" in one.arms),
        )
        for image in share
    )
    totals = {state: sum(image.share for image in images if image.state == state) for state in STATES}
    failed = [one for one in failures if one.outcome == Outcome.FAILED and "candidate" in one.arms]
    return Fleet(
        **totals,
        refused_only=bool(failed) and all(one.kind == "update-refused" for one in failed),
        equal_weights=len({round(value, 9) for value in share.values()}) <= 1,
        images=tuple(sorted(images, key=lambda image: (STATES.index(image.state), -image.share))),
    )


def _state(outcomes: Sequence[str]) -> str:
    if not outcomes or set(outcomes) == {"not-run"}:
        return "untested"
    if Outcome.FAILED in outcomes:
        return "affected"
    return "proven" if PROVEN.issuperset(outcomes) else "unproven"
