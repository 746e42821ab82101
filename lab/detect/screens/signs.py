"""What a sign is, and how it is recognised in text that was read badly.

A sign is a phrase that one kind of screen shows and others do not, with a weight: signs of one kind add up,
and 1.0 decides. Text is compared without case, accents, spaces and the letters that recognition confuses.
Refuses to know any phrase itself; the tables are `signs_windows`, `signs_linux` and `signs_firmware`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lab.model import ScreenKind

ALIKE = str.maketrans(
    {"0": "o", "1": "l", "i": "l", "|": "l", "!": "l", "5": "s", "8": "b", "$": "s", "q": "g"}
)
"""Letters and digits that recognition confuses, folded to one of them."""
CYRILLIC = str.maketrans(
    "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "a6brdex3uuknmhonpctyoxuywwblb3oa",
)
"""What recognition trained on English makes of Russian letters: it sees the nearest Latin shapes."""
WIDE = str.maketrans({"щ": "llj", "ю": "to"})
"""What it makes of wide ones as often, in larger type."""
DECIDED = 1.0


PROMPT_SCORE = 88.0
"""One wrong letter in ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A phrase in all its spellings and languages."""

    id: str
    kind: ScreenKind
    texts: tuple[str, ...]
    source: str
    weight: float = DECIDED
    prompt: bool = False
    """A line begins with it, signs of punctuation included."""

    @property
    def example(self) -> str:
        return self.texts[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A sign that was found, and how well (0-100)."""

    sign: Sign
    text: str
    score: float
    line: int
    """Index of the line that holds it or its beginning; the last one where there are several."""


def folded(text: str) -> str:
    """Only what survives bad recognition: lower-case letters and digits, look-alikes merged."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(CYRILLIC))
    return "".join(letter for letter in plain if letter.isalnum() and letter.isascii()).translate(ALIKE)


@lru_cache(maxsize=4096)
def _folded_phrases(text: str) -> tuple[str, ...]:
    """What a phrase looks like, in one way or, with wide letters, in two."""
    return tuple(dict.fromkeys((folded(text), folded(text.lower().translate(WIDE)))))


def least_score(length: int) -> float:
    """How exact a phrase of this folded length must be: short ones leave no room for error."""
    if length < 8:
        return 99.0
    if length < 12:
        return 92.0
    if length < 18:
        return 88.0
    if length < 30:
        return 84.0
    return 80.0 if length < 45 else 74.0


def _spelled(sign: Sign) -> list[tuple[str, str]]:
    """Each text of a sign with each way in which it can be read."""
    return [(text, phrase) for text in sign.texts for phrase in _folded_phrases(text)]


def find(lines: Sequence[str], signs: Iterable[Sign]) -> list[Seen]:
    """Every sign that the text shows, at most once each. A phrase may be broken over lines."""
    parts = [folded(line) for line in lines]
    joined = "".join(parts)
    found = []
    for sign in signs:
        seen = _prompt(sign, lines) if sign.prompt else _best(sign, parts, joined)
        if seen is not None:
            found.append(seen)
    return found


def _best(sign: Sign, parts: list[str], joined: str) -> Seen | None:
    from rapidfuzz import fuzz

    for text, phrase in _spelled(sign):
        least = least_score(len(phrase))
        if len(joined) < len(phrase) * 0.8:
            continue
        place = joined.rfind(phrase)
        if place >= 0:
            return Seen(sign=sign, text=text, score=100.0, line=_line_of(parts, place))
        if least >= 99.0:
            continue
        match = fuzz.partial_ratio_alignment(phrase, joined, score_cutoff=least)
        if match is not None and len(joined) >= len(phrase):
            return Seen(sign=sign, text=text, score=match.score, line=_line_of(parts, match.dest_start))
    return None


def _prompt(sign: Sign, lines: Sequence[str]) -> Seen | None:
    from rapidfuzz import fuzz

    for number in range(len(lines) - 1, -1, -1):
        for text in sign.texts:
            begin = lines[number].lower().replace(" ", "")[: len(text.replace(" ", ""))]
            score = fuzz.ratio(begin, text.lower().replace(" ", ""))
            if score >= PROMPT_SCORE:
                return Seen(sign=sign, text=text, score=score, line=number)
    return None


def _line_of(parts: list[str], place: int) -> int:
    for number, part in enumerate(parts):
        if place < len(part):
            return number
        place -= len(part)
    return max(0, len(parts) - 1)


def weigh(seen: Iterable[Seen]) -> dict[ScreenKind, float]:
    """Sum of the weights by kind."""
    weights: dict[ScreenKind, float] = {}
    for one in seen:
        weights[one.sign.kind] = weights.get(one.sign.kind, 0.0) + one.sign.weight
    return weights
