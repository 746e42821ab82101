"""Spare repetitions in the plan: how many, in which order, for whom, and what they cost."""

from __future__ import annotations

from test_matrix_plan import build, ids

from lab.config import Include, Override
from lab.model import Arm, Plan, TestPlan

MOST = TestPlan(sequential=True, most=3)


def spare(made: Plan) -> list[str]:
    return [cell.id for cell in made.cells if cell.spare]


def test_places_get_up_to_most_pairs_and_spare_ones_come_round_by_round_after_the_others():
    made = build(compare=MOST)
    first, spares = made.cells[:4], made.cells[4:]
    assert {(cell.image, cell.repetition, cell.spare) for cell in first} == {
        ("tiny", 1, False),
        ("debian-12", 1, False),
    }
    assert [cell.id for cell in spares if cell.image == "tiny"] == [
        "tiny_bios_content-update_baseline_r2",
        "tiny_bios_content-update_candidate_r2",
        "tiny_bios_content-update_candidate_r3",
        "tiny_bios_content-update_baseline_r3",
    ]
    rounds = [(cell.image, cell.repetition) for cell in spares if cell.arm is Arm.CANDIDATE]
    assert rounds == [("tiny", 2), ("debian-12", 2), ("tiny", 3), ("debian-12", 3)]


def test_repetitions_of_the_matrix_are_run_in_any_case():
    assert {name[-3:] for name in spare(build(compare=MOST, repetitions=2))} == {"_r3"}
    assert spare(build(compare=MOST, repetitions=3)) == []
    assert len(ids(build(compare=MOST, repetitions=4))) == 16


def test_an_override_says_exactly_how_often():
    made = build(compare=MOST, overrides=(Override(select="tiny*", repetitions=1),))
    assert {cell.image for cell in made.cells if cell.spare} == {"debian-12"}
    assert "tiny_bios_content-update_candidate" in ids(made)


def test_without_most_nothing_is_spare():
    assert spare(build()) == []
    assert spare(build(repetitions=5)) == []


def test_seeds_share_the_pairs_of_a_place():
    made = build(compare=TestPlan(sequential=True, most=4), seeds=(1, 2), images=("tiny",))
    assert {(cell.seed, cell.repetition) for cell in made.cells} == {(1, 1), (1, 2), (2, 1), (2, 2)}


def test_a_cell_without_the_other_arm_is_not_repeated():
    made = build("tiny*candidate*", compare=MOST)
    assert ids(made) == ["tiny_bios_content-update_candidate_r1"]


def test_a_cell_that_an_include_wants_in_one_arm_again_is_there_once():
    include = Include(image=("tiny",), arm=(Arm.CANDIDATE,), reason="again")
    made = build(compare=MOST, include=(include,))
    assert sorted(ids(made)) == sorted(ids(build(compare=MOST)))


def test_the_bill_names_the_least_and_the_most():
    made, plain = build(compare=MOST).bill, build().bill
    assert made is not None
    assert plain is not None
    assert (made.least_cells, made.cells) == (4, 12)
    assert made.least_guest_seconds == plain.guest_seconds < made.guest_seconds
    assert made.least_wall_seconds == plain.wall_seconds < made.wall_seconds
    assert (plain.least_cells, plain.least_wall_seconds) == (0, 0.0)
