"""Every image boots from power-off at least once per arm; the rest may be clones; twins start alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.matrix.starts import ASKED, FIRST, OFF, with_starts
from lab.model import AgentVersion, Arm, Cell, CellId, ScenarioInfo

SCENARIOS = {
    name: ScenarioInfo(name=name, path=f"{name}.py", function=f"test_{name}", cold_boot=name == "boots")
    for name in ("install", "update", "roll-back", "boots")
}


def cell(image: str, scenario: str, arm: Arm) -> Cell:
    version = AgentVersion(build="1", content="2")
    identity = CellId(f"{image}_{scenario}_{arm}")
    return Cell(
        id=identity, image=image, profile="p", scenario=scenario, arm=arm, agent="a",
        version=version, installed=version,
    )  # fmt: skip


def cells(*scenarios: str, images: tuple[str, ...] = ("one",)) -> list[Cell]:
    return [
        cell(image, scenario, arm)
        for image in images
        for scenario in scenarios
        for arm in (Arm.CANDIDATE, Arm.BASELINE)
    ]


def cold(marked: list[Cell]) -> dict[str, str]:
    return {one.id: one.cold for one in marked if one.cold}


def test_the_first_scenario_of_each_image_boots_cold_in_both_arms() -> None:
    marked = with_starts(cells("install", "update", images=("one", "two")), SCENARIOS)
    assert cold(marked) == {
        "one_install_candidate": FIRST,
        "one_install_baseline": FIRST,
        "two_install_candidate": FIRST,
        "two_install_baseline": FIRST,
    }


def test_a_scenario_that_asks_for_it_boots_cold_and_counts() -> None:
    marked = with_starts(cells("install", "boots"), SCENARIOS)
    assert cold(marked) == {"one_boots_candidate": ASKED, "one_boots_baseline": ASKED}


def test_a_scenario_that_both_arms_have_goes_first() -> None:
    planned = [cell("one", "install", Arm.CANDIDATE), *cells("update")]
    assert set(cold(with_starts(planned, SCENARIOS))) == {"one_update_candidate", "one_update_baseline"}


def test_a_single_cell_boots_cold() -> None:
    assert cold(with_starts([cell("one", "install", Arm.CANDIDATE)], SCENARIOS)) == {
        "one_install_candidate": FIRST
    }


def test_with_clones_off_every_cell_boots_cold() -> None:
    assert set(cold(with_starts(cells("install", "update"), SCENARIOS, clones=False)).values()) == {OFF}


PLANS = st.lists(
    st.tuples(
        st.sampled_from(["one", "two"]), st.sampled_from(sorted(SCENARIOS)), st.sampled_from(list(Arm))
    ),
    unique=True,
)


@given(PLANS)
def test_every_image_has_a_cold_cell_in_every_arm_and_cells_keep_their_order(
    squares: list[tuple[str, str, Arm]],
) -> None:
    planned = [cell(*square) for square in squares]
    marked = with_starts(planned, SCENARIOS)
    assert [one.id for one in marked] == [one.id for one in planned]
    assert {(one.image, one.arm) for one in marked} == {(one.image, one.arm) for one in marked if one.cold}
