"""Letters voted on by all readings of equal cells."""

from __future__ import annotations

import random

import numpy as np

from lab.detect.screens.cells import Cells
from lab.detect.screens.decipher import agreed, deciphered
from lab.detect.screens.layout import Box

PAGE = [
    "[    4.272109]  do_syscall_64+0x5d/0xb0",
    "[    4.272202]  ? page_add_new_anon_rmap+0x6c/0x120",
    "[    4.272688]  ? exit_to_user_mode_prepare+0x44/0x240",
    "[    4.273099] RIP: 0033:0x461189 and 0x7781 0x2038",
    "[    4.274008] RSP: 002b:00007ffe45aca948 EFLAGS: 00000202",
    "[    4.276115] ---[ end Kernel panic - not syncing: Attempted to kill init! ]---",
]
COLUMNS = 80


def page() -> Cells:
    flat = np.array(
        [0 if letter == " " else ord(letter) for line in PAGE for letter in line.ljust(COLUMNS)], np.int32
    )
    return Cells(flat=flat, columns=COLUMNS, height=16, above=0, since=np.zeros(len(flat), np.int32))


def box(row: int) -> Box:
    return Box(left=0, top=row * 16 + 2, right=640, bottom=row * 16 + 14)


def misread(line: str, chance: random.Random, share: float) -> str:
    """Some letters wrong, as many as before."""
    return "".join(
        chance.choice("OB5iZ") if letter.isalnum() and chance.random() < share else letter for letter in line
    )


def test_a_letter_that_is_mostly_read_right_is_right_everywhere() -> None:
    chance = random.Random(7)
    read = [(misread(line, chance, 0.15), box(row)) for row, line in enumerate(PAGE)]
    wrong = sum(
        a != b for (text, _), line in zip(read, PAGE, strict=True) for a, b in zip(text, line, strict=True)
    )
    told = deciphered(page(), read)
    left = sum(
        a != b
        for text, line in zip(told, PAGE, strict=True)
        for a, b in zip(text.replace(" ", ""), line.replace(" ", ""), strict=True)
    )
    assert wrong > 15
    assert left <= wrong // 4


def test_noughts_are_told_from_letters_by_their_company() -> None:
    read = [(line.replace("0", "O"), box(row)) for row, line in enumerate(PAGE)]
    assert deciphered(page(), read) == [" ".join(line.split()) for line in PAGE]


def test_a_reading_that_lost_a_letter_is_completed() -> None:
    read = [(line, box(row)) for row, line in enumerate(PAGE)]
    read[5] = (read[5][0].replace("panic", "pnic"), box(5))
    assert deciphered(page(), read)[5] == PAGE[5].replace("[    4", "[ 4")


def test_looks_at_one_line_agree() -> None:
    looks = [
        "[ 4.273099] RIP: 0O33:Ox461189 and 0x7781 0x2038",
        "[ 4.273099] RIP: 0033:0x461189 and 0x7781 0x2038",
    ]
    assert agreed(page(), [looks[1], *looks], box(3))[0] == looks[1]
    assert agreed(page(), ["too short"], box(3)) == ["too short"]


def test_lines_outside_the_grid_stay_as_they_were_read() -> None:
    assert deciphered(page(), [("something else", box(40))]) == ["something else"]
