"""Who is next: the order of the plan, kind by kind."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from running_factories import cell

from lab.model import Cell, CellId
from lab.running.admission_line import Line


def several(*kinds: int) -> list[Cell]:
    """Cells of the numbered kinds (images)."""
    return [
        replace(cell(), id=CellId(f"c{number}"), image=f"image{kind}") for number, kind in enumerate(kinds)
    ]


def test_the_head_of_each_kind_is_offered_first_things_first() -> None:
    cells = several(1, 1, 0, 1, 0)
    line = Line(cells, {})
    assert [(rank, one.id) for rank, one in line.heads("")] == [(0, "c0"), (2, "c2")]
    line.take(cells[0], "")
    assert [one.id for _, one in line.heads("")] == ["c1", "c2"]
    assert len(line) == 4


def test_hosts_have_lines_of_their_own() -> None:
    cells = several(0, 0)
    line = Line(cells, {cells[0].id: "a", cells[1].id: "b"})
    assert line.hosts() == {"a", "b"}
    assert [one.id for _, one in line.heads("b")] == ["c1"]
    line.take(cells[1], "b")
    assert (line.hosts(), list(line.heads("b"))) == ({"a"}, [])


def test_cells_that_start_in_another_way_are_another_kind() -> None:
    """They wait for a template, or do not."""
    cells = [replace(cell(), id=CellId("cold"), cold="first"), replace(cell(), id=CellId("clone"))]
    assert len(list(Line(cells, {}).heads(""))) == 2


def test_what_will_not_run_leaves_in_order() -> None:
    line = Line(several(0, 1, 0, 1), {})
    assert [one.id for one in line.drop(lambda one: one.image == "image1")] == ["c1", "c3"]
    assert [one.id for one in line.drop()] == ["c0", "c2"]
    assert (len(line), line.hosts()) == (0, set())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=30), st.randoms())
def test_every_cell_is_taken_once_and_each_kind_in_order(kinds: list[int], random: object) -> None:
    cells = several(*kinds)
    line, taken = Line(cells, {}), []
    while len(line):
        heads = list(line.heads(""))
        rank, one = random.choice(heads)  # type: ignore[attr-defined]
        line.take(one, "")
        taken.append(rank)
    assert sorted(taken) == list(range(len(kinds)))
    for kind in set(kinds):
        ranks = [rank for rank in taken if kinds[rank] == kind]
        assert ranks == sorted(ranks)
