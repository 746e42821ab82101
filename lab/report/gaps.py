"""What was not tested or not proven, and why: nothing is left out silently."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from lab.model import Blame, Omitted
from lab.report import console
from lab.report.cases import FAILURES, Case, lab_hint
from lab.report.shape_failures import Excerpt, Gap
from lab.report.wording import GAP_WORDS, same_words

Key = tuple[str, str]


def build(cases: Sequence[Case], omitted: Sequence[Omitted], run_dir: Path | None) -> tuple[Gap, ...]:
    """Cells without proof and cells left out, those with the same kind and reason together."""
    vain: dict[Key, list[Case]] = defaultdict(list)
    for case in cases:
        if case.outcome not in (*FAILURES, "passed"):
            vain[case.outcome, same_words("; ".join(case.reasons[:1]))].append(case)
    left: dict[Key, list[Omitted]] = defaultdict(list)
    for item in omitted:
        left[item.kind, item.reason].append(item)
    ids = iter(range(1, len(vain) + len(left) + 1))
    order = list(GAP_WORDS)
    made = [_of_cases(f"n{next(ids)}", members, run_dir) for _, members in sorted(vain.items(), key=_order)]
    made += [_of_omitted(f"n{next(ids)}", members) for members in left.values()]
    return tuple(sorted(made, key=lambda gap: order.index(gap.kind) if gap.kind in order else len(order)))


def _order(item: tuple[Key, list[Case]]) -> int:
    return list(GAP_WORDS).index(item[0][0])


def _of_cases(gap_id: str, cases: Sequence[Case], run_dir: Path | None) -> Gap:
    first = cases[0]
    return Gap(
        id=gap_id,
        kind=first.outcome,
        reason=first.reasons[0] if first.reasons else "no reason was given",
        more=first.reasons[1:],
        hint=next((hint for case in cases for one in case.attempts if (hint := lab_hint(one))), ""),
        blame=first.verdict.blame.value if first.verdict else Blame.LAB.value,
        images=tuple(dict.fromkeys(case.cell.image for case in cases)),
        scenarios=tuple(dict.fromkeys(case.cell.scenario for case in cases)),
        cells=tuple(case.cell.id for case in cases),
        excerpt=_last_words(cases, run_dir),
    )


def _last_words(cases: Sequence[Case], run_dir: Path | None) -> Excerpt | None:
    for case in cases:
        for record in reversed(case.attempts):
            serial = console.Console(run_dir / record.path if run_dir else None, record.observations)
            said = console.last_words(serial, f"{record.path}/{console.SERIAL}", serial.size)
            if said:
                return said
    return None


def _of_omitted(gap_id: str, items: Sequence[Omitted]) -> Gap:
    return Gap(
        id=gap_id,
        kind=items[0].kind,
        reason=items[0].reason,
        more=(),
        hint=next((item.hint for item in items if item.hint), ""),
        blame=Blame.NOBODY.value,
        images=tuple(dict.fromkeys(item.image for item in items if item.image)),
        scenarios=tuple(dict.fromkeys(item.scenario for item in items if item.scenario)),
        cells=tuple(item.id for item in items),
        excerpt=None,
    )
