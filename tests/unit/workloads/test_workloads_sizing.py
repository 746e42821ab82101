"""What an intensity comes to on guests of different sizes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.errors import InputError
from lab.workloads.sizing import MOST, GuestSize, check, parse


def size(**changes: int) -> GuestSize:
    return GuestSize(
        **{"vcpus": 2, "memory_mib": 1024, "available_mib": 800, "disk_free_mib": 4000, **changes}
    )


def test_a_guest_says_its_size_and_what_it_lacks() -> None:
    found, missing = parse("4\n2038972 1512344\n8123456\nstress-ng\n")
    assert found == GuestSize(vcpus=4, memory_mib=1991, available_mib=1476, disk_free_mib=7933)
    assert missing == ["stress-ng"]


def test_full_intensity_is_one_worker_per_cpu_at_work_all_the_time() -> None:
    assert (size().workers(1.0), size().duty(1.0)) == (2, 1.0)


@settings(max_examples=60)
@given(st.integers(1, 64), st.floats(0.01, MOST))
def test_workers_and_their_share_of_time_make_the_intensity(vcpus: int, intensity: float) -> None:
    guest = size(vcpus=vcpus)
    assert 0 < guest.duty(intensity) <= 1
    assert guest.workers(intensity) * guest.duty(intensity) == pytest.approx(vcpus * intensity)


def test_memory_leaves_a_reserve_at_full_and_none_above() -> None:
    assert size().memory_target_mib(1.0) == 752
    assert size().memory_target_mib(1.5) > 800


def test_a_large_file_is_bounded_by_disk_and_memory() -> None:
    assert size().file_target_mib(1.0) == 500
    assert size(disk_free_mib=100_000).file_target_mib(1.0) == 2048
    assert size(disk_free_mib=0).file_target_mib(1.0) == 4


@pytest.mark.parametrize("wrong", [0, -1, MOST + 0.1, float("nan")])
def test_an_intensity_out_of_range_is_refused_with_the_range(wrong: float) -> None:
    with pytest.raises(InputError, match="wanted above 0 and at most 4"):
        check(wrong)
