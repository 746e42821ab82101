"""Which host runs which cell."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lab.matrix.capacity import GUEST_OVERHEAD_MIB, HostFacts
from lab.model import AgentVersion, Arm, Cell, CellId, Firmware, Profile
from lab.running.placing import demand, place

VERSION = AgentVersion(build="1.0", content="290")
PROFILES = {"bios": Profile(name="bios"), "uefi": Profile(name="uefi", firmware=Firmware.UEFI)}


def cell(number: int, arm: Arm, profile: str = "bios", memory_mib: int = 512) -> Cell:
    return Cell(
        id=CellId(f"image-{number}_{profile}_update_{arm}"),
        image=f"image-{number}",
        profile=profile,
        scenario="update",
        arm=arm,
        agent="demo",
        version=VERSION,
        installed=VERSION,
        memory_mib=memory_mib,
    )


def pairs(count: int, profile: str = "bios") -> list[Cell]:
    return [cell(number, arm, profile) for number in range(count) for arm in Arm]


SMALL = HostFacts(name="small", vcpus=2, memory_mib=4096, slots=2)
LARGE = HostFacts(name="large", vcpus=8, memory_mib=65536, slots=8)


@given(count=st.integers(1, 40))
def test_both_arms_of_a_comparison_share_a_host(count: int) -> None:
    placed = place(pairs(count), PROFILES, [SMALL, LARGE])
    for number in range(count):
        assert len({placed[cell(number, arm).id] for arm in Arm}) == 1


def test_work_is_spread_by_guest_slots() -> None:
    placed = place(pairs(100), PROFILES, [SMALL, LARGE])
    assert Counter(placed.values()) == {"large": 160, "small": 40}


def test_a_cell_goes_where_it_fits() -> None:
    bare = HostFacts(name="bare", vcpus=64, memory_mib=65536, slots=64, uefi=False)
    assert set(place(pairs(9, "uefi"), PROFILES, [bare, SMALL]).values()) == {"small"}
    big = [cell(1, Arm.CANDIDATE, memory_mib=8192)]
    assert set(place(big, PROFILES, [SMALL, LARGE]).values()) == {"large"}


def test_a_cell_asks_a_worker_elsewhere_for_all_of_its_memory() -> None:
    asked = demand(cell(1, Arm.BASELINE, memory_mib=512))
    assert asked == {"vcpus": 1.0, "mem_mib": 512.0 + GUEST_OVERHEAD_MIB, "slots": 1.0}
