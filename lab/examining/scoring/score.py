"""Judgements summed up: the figures by which detectors are compared. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lab.examining.scoring.labels import CorpusSet
from lab.examining.scoring.measure import Judged

SLOWEST = 5


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `cases`."""

    hits: int
    cases: int

    @property
    def value(self) -> float | None:
        """0 to 1; None of nothing."""
        return self.hits / self.cases if self.cases else None

    def __str__(self) -> str:
        return f"{self.hits}/{self.cases} ({100 * self.hits / self.cases:.1f} %)" if self.cases else "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one set of a corpus went."""

    corpus_set: CorpusSet
    cases: int
    shares: Mapping[str, Share] = field(default_factory=dict)
    """By name: recall, precision, false alarms, verdict, exact title, same bug, class, fatal, code."""
    confusion: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(label, found) to number of cases."""
    wrong: tuple[Judged, ...] = ()
    slowest: tuple[Judged, ...] = ()
    seconds: float = 0.0


def score(judged: Iterable[Judged]) -> tuple[Score, ...]:
    """One score per set, in the order console, serial, screens, screens changed, dumps."""
    by_set: dict[tuple[CorpusSet, bool], list[Judged]] = {}
    for one in judged:
        by_set.setdefault((one.case.corpus_set, bool(one.case.variant)), []).append(one)
    order = list(CorpusSet)
    return tuple(
        _score(kind, by_set[kind, changed])
        for kind, changed in sorted(by_set, key=lambda key: (order.index(key[0]), key[1]))
    )


def _score(kind: CorpusSet, judged: Sequence[Judged]) -> Score:
    found = [one for one in judged if one.seen]
    alarms = [one for one in judged if one.false_alarm]
    shares = {
        "recall": _share(one.seen for one in judged),
        "precision": Share(len(found), len(found) + len(alarms)),
        "false alarms": _share(one.false_alarm for one in judged),
        "verdict": _share(one.right for one in judged),
        "exact title": _share(one.exact for one in judged),
        "same bug": _share(one.same_bug for one in judged),
        "class": _share(one.class_right for one in judged),
        "fatal": _share(one.fatal_right for one in judged),
        "code": _share(one.code_right for one in judged),
    }
    return Score(
        corpus_set=kind,
        cases=len(judged),
        shares={name: share for name, share in shares.items() if share.cases},
        confusion=dict(Counter((one.truth, one.found) for one in judged)),
        wrong=tuple(one for one in judged if is_wrong(one)),
        slowest=tuple(sorted(judged, key=lambda one: -one.seconds)[:SLOWEST]),
        seconds=sum(one.seconds for one in judged),
    )


def _share(values: Iterable[bool | None]) -> Share:
    known = [value for value in values if value is not None]
    return Share(sum(known), len(known))


def is_wrong(one: Judged) -> bool:
    """Whether anything about it is not as the label says."""
    told = (one.seen, one.same_bug, one.class_right, one.fatal_right, one.right, one.code_right)
    return bool(one.false_alarm) or False in told
