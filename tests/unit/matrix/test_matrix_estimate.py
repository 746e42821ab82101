"""The bill: guest time, wall time, memory, builds."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lab.matrix import estimate
from lab.matrix.capacity import CLONE_SHARE, GUEST_OVERHEAD_MIB, HostFacts
from lab.model import AgentVersion, Arm, Cell, CellId, ImageInfo, Level

VERSION = AgentVersion(build="1.0", content="290")
IMAGES = {"a": ImageInfo(name="a", kind="tiny", built=True), "b": ImageInfo(name="b", kind="debian")}
HOST = HostFacts(name="here", vcpus=2, memory_mib=4000)


def cell(
    image: str = "a",
    *,
    ring: int = 0,
    memory_mib: int = 512,
    level: Level = Level.FEATURE,
    cold: str = "the first",
    vcpus: int = 1,
) -> Cell:
    return Cell(
        id=CellId(f"{image}_{ring}"),
        image=image,
        profile="p",
        scenario="s",
        arm=Arm.CANDIDATE,
        agent="demo-sensor",
        version=VERSION,
        installed=VERSION,
        ring=ring,
        memory_mib=memory_mib,
        level=level,
        cold=cold,
        vcpus=vcpus,
    )


def each_takes(seconds: float) -> dict[str, float]:
    return {"s": seconds}


def test_without_history_time_goes_by_level_and_factor() -> None:
    quick = estimate.cell_seconds(cell(level=Level.MODULE), factor=1.0, history={})
    slow = estimate.cell_seconds(cell(level=Level.PRODUCTION), factor=1.0, history={})
    assert quick < slow
    assert estimate.cell_seconds(cell(level=Level.MODULE), factor=3.0, history={}) == 3 * quick


def test_counting_boot_loops_is_estimated_for_candidates_only() -> None:
    candidate = replace(cell(), count_loops=True)
    baseline = replace(candidate, arm=Arm.BASELINE)
    plain = estimate.cell_seconds(cell(), factor=1.0, history={})
    assert estimate.cell_seconds(candidate, factor=1.0, history={}) == plain + estimate.LOOP_S
    assert estimate.cell_seconds(baseline, factor=1.0, history={}) == plain


def test_the_most_telling_history_wins_and_is_not_scaled() -> None:
    history = {"s": 10.0, "a/s": 20.0, "a/s/candidate": 30.0}
    assert estimate.cell_seconds(cell(), factor=9.0, history=history) == 30.0
    del history["a/s/candidate"]
    assert estimate.cell_seconds(cell(), factor=9.0, history=history) == 20.0
    assert estimate.cell_seconds(cell("b"), factor=9.0, history=history) == 10.0


def test_a_soak_is_billed_for_as_long_as_it_was_told_to_run_and_never_by_a_run_that_was_told_otherwise() -> (
    None
):
    plain = estimate.cell_seconds(cell(), factor=2.0, history={})
    soak = estimate.cell_seconds(cell(), factor=2.0, history=each_takes(10), long_s={"s": 86400.0})
    assert soak == plain + 86400.0
    day = estimate.bill([cell()] * 2, IMAGES, [HOST], each_takes(10), {"s": 86400.0})
    assert day.guest_seconds > 2 * 86400
    assert 86400 < day.wall_seconds < 2 * 86400
    assert estimate.bill([cell()], IMAGES, [HOST], each_takes(10), {"other": 60.0}).guest_seconds == 10


def test_slots_run_at_once() -> None:
    bill = estimate.bill([cell()] * 4, IMAGES, [HOST], each_takes(100))
    assert (bill.slots, bill.guest_seconds, bill.wall_seconds) == (2, 400, 200)
    assert (bill.cells, bill.vcpus) == (4, 2)
    assert bill.peak_memory_mib == 2 * (512 + GUEST_OVERHEAD_MIB)


def test_memory_limits_slots() -> None:
    small = HostFacts(name="small", vcpus=8, memory_mib=1500, slots=8)
    bill = estimate.bill([cell()] * 4, IMAGES, [small], each_takes(10))
    assert bill.slots == 2


def test_clones_are_expected_to_take_less_than_guests_from_power_off() -> None:
    small = HostFacts(name="small", vcpus=8, memory_mib=1500)
    clones = estimate.bill([cell(cold="")] * 4, IMAGES, [small], each_takes(10))
    assert clones.slots == 3
    assert clones.peak_memory_mib == 3 * round(512 * CLONE_SHARE + GUEST_OVERHEAD_MIB)


def test_guests_with_more_processors_are_fewer_at_a_time() -> None:
    large = HostFacts(name="large", vcpus=8, memory_mib=10**6)
    assert estimate.bill([cell(vcpus=4)] * 9, IMAGES, [large], {}).slots == 2


def test_the_bill_says_what_it_may_come_to_and_how_many_start_at_a_time() -> None:
    bill = estimate.bill([cell()], IMAGES, [HOST, HOST], {})
    assert (bill.most_slots, bill.starts) == (2 * HOST.most_slots, 2 * HOST.starts)


def test_hosts_add_their_slots_and_none_means_one() -> None:
    assert estimate.bill([cell()], IMAGES, [HOST, HOST], {}).slots == 4
    assert estimate.bill([cell()], IMAGES, [], {}).slots == 1


def test_a_ring_waits_for_the_one_before() -> None:
    cells = [cell(ring=0), cell(ring=1), cell(ring=1)]
    assert estimate.bill(cells, IMAGES, [HOST], each_takes(100)).wall_seconds == 200
    assert estimate.bill([cell()] * 3, IMAGES, [HOST], each_takes(100)).wall_seconds == 200
    assert estimate.bill(cells[:2], IMAGES, [HOST], each_takes(100)).wall_seconds == 200


def test_cells_wait_for_their_image_and_builds_are_named() -> None:
    bill = estimate.bill([cell("a"), cell("b")], IMAGES, [HOST], each_takes(10))
    assert bill.builds == ("b",)
    assert bill.wall_seconds == estimate.BUILD_S + 10
    assert bill.guest_seconds == 20


def test_an_empty_plan_costs_nothing() -> None:
    bill = estimate.bill([], IMAGES, [HOST], {})
    assert (bill.cells, bill.guest_seconds, bill.wall_seconds, bill.builds) == (0, 0, 0, ())
    assert (bill.peak_memory_mib, bill.vcpus) == (0, 0)


@given(
    st.lists(st.builds(cell, st.just("a"), ring=st.just(0)), max_size=12),
    st.integers(1, 5),
    st.floats(1, 100),
)
def test_wall_time_lies_between_perfect_sharing_and_one_after_the_other(
    cells: list[Cell], slots: int, seconds: float
) -> None:
    host = HostFacts(name="h", vcpus=slots, memory_mib=10**6)
    bill = estimate.bill(cells, IMAGES, [host], each_takes(seconds))
    assert bill.guest_seconds / slots <= bill.wall_seconds + 1e-6
    assert bill.wall_seconds <= bill.guest_seconds + 1e-6
