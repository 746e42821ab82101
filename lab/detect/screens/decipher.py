"""Reading a console twice as well: equal cells are one letter, so all readings of a cell vote on it.

Text recognition errs here and there; where the letters of a page are equal to the pixel, what it made of
the other places decides. Refuses pages whose cells do not repeat.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from lab.detect.screens.cells import Cells

if TYPE_CHECKING:
    from lab.detect.screens.layout import Box

UNKNOWN = "\0"
"""A cell that nothing was read of: most often a blank into which a letter beside it reaches."""
ROUND = "OoQ0"
LETTERS = "GHIJKLMNPRSTUVWYZghijklmnprstuvwyz"
"""Without those that are hexadecimal digits too."""
LEAST_KNOWN = 0.95
"""Of a line's letters; with less, what was read stays."""


@dataclass(slots=True)
class Decipher:
    """Votes on what each cell is."""

    page: Cells
    votes: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def learn(self, text: str, row: int) -> bool:
        """One reading of a row. It counts if it has as many letters as the row has cells with ink."""
        letters = text.replace(" ", "")
        numbers = self._inked(row)
        if len(letters) != len(numbers):
            return False
        for number, letter in zip(numbers, letters, strict=True):
            self.votes[number][letter] += 1
        return True

    def align(self, text: str, row: int) -> None:
        """A reading that lost or gained letters: what stands between letters that are sure."""
        letters = text.replace(" ", "")
        numbers = self._inked(row)
        known = "".join(self._letter(number) for number in numbers)
        for _, start, end, first, last in SequenceMatcher(None, known, letters, autojunk=False).get_opcodes():
            if end - start == last - first:
                for number, letter in zip(numbers[start:end], letters[first:last], strict=True):
                    self.votes[number][letter] += 1

    def text(self, row: int) -> str:
        """The row as the votes have it, "" where too many cells got none."""
        inked = self._inked(row)
        if not inked or sum(1 for number in inked if number in self.votes) < LEAST_KNOWN * len(inked):
            return ""
        text = "".join(self._letter(number) for number in self.page.row(row))
        return " ".join(text.replace(UNKNOWN, " ").split())

    def tell_noughts(self) -> None:
        """A round letter that stands beside digits more often than beside letters is a nought."""
        flat = [int(number) for number in self.page.flat]
        for number in list(self.votes):
            if self._letter(number) not in ROUND:
                continue
            beside = Counter(
                flat[place + step]
                for place, cell in enumerate(flat)
                for step in (-1, 1)
                if cell == number and 0 <= place + step < len(flat)
            )
            digits = sum(count for other, count in beside.items() if self._letter(other) in "123456789xX")
            others = sum(count for other, count in beside.items() if self._letter(other) in LETTERS)
            if digits > others:
                self.votes[number]["0"] += sum(self.votes[number].values()) + 1

    def _inked(self, row: int) -> list[int]:
        return [number for number in self.page.row(row) if number]

    def _letter(self, number: int) -> str:
        if not number:
            return " "
        return self.votes[number].most_common(1)[0][0] if number in self.votes else UNKNOWN


def deciphered(page: Cells, lines: Sequence[tuple[str, Box]]) -> list[str]:
    """The lines of a console, each cell as most readings on the page have it."""
    votes = Decipher(page)
    rows = [page.row_at((box.top + box.bottom) / 2) for _, box in lines]
    unequal = [(text, row) for (text, _), row in zip(lines, rows, strict=True) if not votes.learn(text, row)]
    for text, row in unequal:
        votes.align(text, row)
    votes.tell_noughts()
    return [votes.text(row) or text for (text, _), row in zip(lines, rows, strict=True)]


def agreed(page: Cells, looks: Sequence[str], box: Box) -> list[str]:
    """Several readings of one line, and twice what they agree on."""
    votes = Decipher(page)
    row = page.row_at((box.top + box.bottom) / 2)
    for look in looks:
        votes.learn(look, row)
    common = votes.text(row)
    return [common, common, *looks] if common else list(looks)
