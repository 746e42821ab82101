"""What the comparisons of the arms mean for the gate, in sentences. Refuses to compare, and to decide."""

from __future__ import annotations

from collections.abc import Sequence

from lab.model import Compared, Comparison

EVERYWHERE = "*"


def regressions(comparisons: Sequence[Comparison]) -> list[str]:
    """One sentence for each figure (of a scenario) that is shown to be worse, the surest first."""
    grouped: dict[tuple[str, str, str, str], list[Comparison]] = {}
    for one in comparisons:
        if one.verdict is Compared.REGRESSION:
            grouped.setdefault((one.kind, one.name, one.scenario, one.version), []).append(one)
    return [_sentence(group) for group in grouped.values()]


def _sentence(group: Sequence[Comparison]) -> str:
    """The comparison over all OS builds speaks for the others, else the surest of them."""
    first = min(group, key=lambda one: (one.image != EVERYWHERE, one.p_adjusted))
    single = [one for one in group if one.image != EVERYWHERE]
    told = f"worse than the released agent in {first.place}: {first.sentence}"
    others = len(single) - (first in single)
    if not others:
        return told
    return f"{told}; so in {others} more {'place' if others == 1 else 'places'}"


def open_questions(comparisons: Sequence[Comparison]) -> str:
    """What was compared and has no answer, with what would give one; "" when everything has."""
    waiting = [one for one in comparisons if one.verdict is Compared.NOT_ENOUGH]
    if not waiting:
        return ""
    names = list(dict.fromkeys(one.name for one in waiting))
    listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    wanted = sorted(one.more for one in waiting if one.more is not None)
    if not wanted:
        mend = "and no number of runs would decide while the arms look like this"
    elif wanted[0] == wanted[-1]:
        mend = f"about {_pairs(wanted[0])} would decide"
    else:
        mend = f"{_pairs(wanted[0])} would decide the first, {wanted[-1]} the last"
    return (
        f"not enough runs for {_count(len(waiting), 'comparison')} of {len(comparisons)} ({listed}): {mend}"
    )


def answered(comparisons: Sequence[Comparison]) -> str:
    """What was shown to be no worse; "" when nothing was."""
    good = [one for one in comparisons if one.verdict is Compared.NO_WORSE]
    if not good:
        return ""
    return f"no worse within the margins: {_count(len(good), 'comparison')} of {len(comparisons)}"


def _pairs(number: int) -> str:
    return f"{number} more pair{'s' if number != 1 else ''} of runs"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
