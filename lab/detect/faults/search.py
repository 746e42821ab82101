"""Finding a fault by what a person or a screen reader has: a code however spelled, a damaged name, words.

Names are compared in a form in which look-alikes are one letter (O and 0, I and l and 1, S and 5)
and separators do not exist, since both are what a screen at low resolution loses. Refuses to
guess from healthy text: stop names are capitals, so only capitals are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lab.detect.faults.fault import Fault, FaultClass

LOOK_ALIKE = str.maketrans(
    {"0": "O", "Q": "O", "1": "I", "L": "I", "|": "I", "!": "I", "5": "S", "8": "B", "$": "S"}
)
OUTSIDE = re.compile(r"[^A-Z0-9]+")
TOKEN = re.compile(r"\S+")
EDGES = ".,;:()[]{}<>\"'*-=`~“”‘’«»·•。，：（）"
LETTER = re.compile(r"[A-Za-z0-9_|!$]")
CAPITAL = re.compile(r"[A-Z0-9_|!$]")
MAYBE_CAPITAL = frozenset("liosz")
"""Small letters that a reader makes of a capital or a digit."""
HEX_TOKEN = re.compile(r"(?:0x[0-9A-F]{1,16}|(?=[A-F]*\d)[0-9A-F]{8,16})$", re.IGNORECASE)
"""A number, not a word; shorter ones may be a damaged `OF` or `ACCESS`."""
LONGEST_RUN = 14
"""Words of capitals looked at together; the longest name has nine."""
SHORT, MIDDLE = 10, 16
"""Letters: a short name must be nearly right, a long one may lose every eighth letter."""
PREFIX = 14
"""Letters of a name that ends at the edge of the picture and is still told from all others."""
PREFIX_SCORE = 90.0
SURE = 100.0
LEAST = 57.5
"""Below this a fault has little in common with the words searched for."""

CODE = re.compile(
    r"(?:\b|(?<=[^0-9A-Za-z]))(?:[0oOQ][xX×])[ ]?(?P<hex>[0-9A-Fa-fOoQIl]{1,16})(?:`(?P<low>[0-9a-fA-F]{8}))?"
)
HARD_ERROR = re.compile(r"\bSTOP: ?(?P<hex>[cC][0-9A-Fa-fOoQ]{7})\b")
"""`STOP: c000021a {Fatal System Error}`: a status without 0x."""
BARE = re.compile(
    r"(?:stop|bug ?check|error|code|status|fault)?[ :#=]*(?P<bare>-?[0-9A-Fa-f]{1,10})h?\s*$", re.IGNORECASE
)


def canonical(text: str) -> str:
    """Capitals without separators, look-alikes made one: equal for a name and its damaged picture."""
    return OUTSIDE.sub("", text.upper().translate(LOOK_ALIKE))


def strictness(length: int) -> float:
    """The least similarity (0 to 100) that names of this many letters must have."""
    if length < SHORT:
        return 95.0
    return 88.0 if length < MIDDLE else 84.0


@dataclass(slots=True)
class NameIndex:
    """Canonical names of some faults, ready to be compared."""

    names: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> NameIndex:
        index = cls()
        for fault in faults:
            for name in fault.names:
                index.names.append(canonical(name))
                index.faults.append(fault)
        return index

    def closest(self, letters: str) -> tuple[Fault, float] | None:
        """The fault whose name is nearest to canonical `letters`, or None when none is near enough."""
        from rapidfuzz import fuzz, process

        if len(letters) < 6:
            return None
        least = strictness(len(letters))
        best = process.extractOne(letters, self.names, scorer=fuzz.ratio, score_cutoff=least)
        if best is not None and best[1] >= strictness(len(best[0])):
            return self.faults[best[2]], float(best[1])
        return None

    def begun(self, letters: str) -> tuple[Fault, float] | None:
        """The only fault whose name begins like this: the picture ended before the name did."""
        from rapidfuzz import fuzz

        size = len(letters)
        if size < PREFIX:
            return None
        found: dict[int, tuple[Fault, float]] = {}
        for name, fault in zip(self.names, self.faults, strict=True):
            score = fuzz.ratio(letters, name[:size], score_cutoff=PREFIX_SCORE) if len(name) > size else 0.0
            if score > 0.0:
                found[id(fault)] = (fault, float(score))
        return next(iter(found.values())) if len(found) == 1 else None


def capitals(text: str) -> Iterator[list[str]]:
    """Runs of words in capitals, as stop names are written."""
    run: list[str] = []
    for match in TOKEN.finditer(text):
        word = match[0].strip(EDGES)
        if word and is_capital(word):
            run.append(word)
        elif word and run:
            yield run
            run = []
        if match[0][-1] in ":：" and run:  # `STOP CODE: NAME`
            yield run
            run = []
    if run:
        yield run


def is_capital(word: str) -> bool:
    """Whether a word is written in capitals as far as a reader can tell."""
    if HEX_TOKEN.match(word):
        return False
    letters = LETTER.findall(word)
    if len(letters) * 5 < len(word) * 4:
        return False
    sure = sum(1 for char in letters if CAPITAL.match(char))
    maybe = sum(1 for char in letters if char in MAYBE_CAPITAL)
    return sure > 0 and (sure + maybe) * 10 >= len(letters) * 8 and sure * 2 >= len(letters)


def closest_in(index: NameIndex, text: str) -> tuple[Fault, float] | None:
    """The fault that a line of read text names, with a score from 0 to 100; None for anything else.

    What explains more letters wins: a damaged long name may hold a short one unharmed.
    """
    best: tuple[Fault, float] | None = None
    most = 0.0
    for run in capitals(text):
        whole = canonical("".join(run[:LONGEST_RUN]))
        for letters in (whole, *spans(run)):
            found = index.closest(letters)
            if found is None and letters is whole:
                found = index.begun(letters)
            explained = found[1] * min(len(letters), len(canonical(found[0].name))) if found else 0.0
            if explained > most:
                best, most = found, explained
            if found is not None and found[1] == SURE and letters is whole:
                break
    return best


def spans(run: list[str]) -> Iterator[str]:
    """Parts of a run that may be the name: labels in capitals stand beside it."""
    run = run[:LONGEST_RUN]
    count = len(run)
    for length in range(count - 1, 0, -1):
        for start in range(count - length + 1):
            letters = canonical("".join(run[start : start + length]))
            if len(letters) >= SHORT:
                yield letters


def spelled_code(text: str) -> int | None:
    """The first code written as `0x...` (or as a hard error's `STOP: c...`) in a text, as read from a screen
    (O for 0) or a log."""
    hard = HARD_ERROR.search(text)
    match = hard or CODE.search(text)
    if match is None:
        return None
    digits = match["hex"].translate(str.maketrans("OoQIl", "00011"))
    if match.groupdict().get("low"):  # 64-bit values as debuggers write them: 00000000`0000007e
        digits += match["low"]
    return int(digits, 16) & 0xFFFFFFFF


def bare_codes(text: str) -> Iterator[tuple[int, float]]:
    """Codes that a text without `0x` may mean, with a score: hexadecimal first, then decimal."""
    match = BARE.match(text.strip())
    if match is None:
        return
    bare = match["bare"]
    if not bare.startswith("-") and len(bare) <= 8:
        yield int(bare, 16), 100.0
    if bare.lstrip("-").isdigit() and -(1 << 31) <= int(bare) < 1 << 32:
        yield int(bare) & 0xFFFFFFFF, 95.0


def by_words(faults: Sequence[Fault], text: str, limit: int) -> list[tuple[Fault, float]]:
    """Faults by the words of their names and meanings, best first; no score is above 99."""
    from rapidfuzz import fuzz, process, utils

    clean = utils.default_process
    score: dict[int, float] = {}
    names = {
        (number, place): name.replace("_", " ")
        for number, fault in enumerate(faults)
        for place, name in enumerate(fault.names)
    }
    _take(score, process.extract(text, names, scorer=fuzz.WRatio, processor=clean, limit=60), 0.9)
    _take(score, process.extract(text, names, scorer=fuzz.token_sort_ratio, processor=clean, limit=60), 0.99)
    _take(score, [(text, 90.0, (number, 0)) for number in _begun_by(faults, text)])
    meanings = {(number, 0): fault.meaning for number, fault in enumerate(faults) if fault.meaning}
    found = process.extract(text, meanings, scorer=fuzz.token_set_ratio, processor=clean, limit=20)
    _take(score, found, 0.75)
    order = sorted(score, key=lambda number: (-score[number], rank(faults[number]), len(faults[number].name)))
    return [(faults[number], round(score[number], 1)) for number in order[:limit] if score[number] >= LEAST]


def _begun_by(faults: Sequence[Fault], text: str) -> list[int]:
    """The faults of which a name begins with these words."""
    begin = plain(text)
    return [
        number
        for number, fault in enumerate(faults)
        if begin and any(plain(name).startswith(begin) for name in fault.names)
    ]


def rank(fault: Fault) -> int:
    """Order of faults that fit equally well: crashes before what is none."""
    return fault.fault_class in (FaultClass.LIVE_DUMP, FaultClass.MESSAGE)


def _take(
    named: dict[int, float],
    found: Sequence[tuple[str, float, tuple[int, int]]],
    weight: float = 1.0,
) -> None:
    for _text, score, (number, _place) in found:
        named[number] = max(named.get(number, 0.0), score * weight)


def exact_names(faults: Sequence[Fault]) -> Mapping[str, Fault]:
    """Faults by every spelling of their names, case and separators aside; stops win over the rest."""
    found: dict[str, Fault] = {}
    for fault in sorted(faults, key=lambda fault: not fault.is_crash):
        for name in fault.names:
            found.setdefault(plain(name), fault)
    return found


def plain(name: str) -> str:
    """A name without case and separators."""
    return re.sub(r"[\W_]+", "", name).lower()
