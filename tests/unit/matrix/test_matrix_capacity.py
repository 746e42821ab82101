"""How many guests a host is planned for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.matrix.capacity import LOADS, HostFacts

HOST = HostFacts(name="here", vcpus=8, memory_mib=10**6, accelerator="kvm")


def test_an_accelerated_host_carries_more_than_an_emulating_one() -> None:
    emulating = replace(HOST, accelerator="tcg")
    for name in ("first_vcpus", "most_vcpus", "starts", "most_slots"):
        assert getattr(HOST, name) > getattr(emulating, name) >= 8


@pytest.mark.parametrize("accelerator", [*LOADS, "none", ""])
def test_every_host_has_room_for_one(accelerator: str) -> None:
    least = HostFacts(name="h", vcpus=1, memory_mib=0, accelerator=accelerator)
    assert least.first_vcpus >= 1
    assert least.starts >= 1
    assert least.slots_for(5000, vcpus=4) == 1


def test_the_user_lowers_the_number_and_cannot_raise_it() -> None:
    assert replace(HOST, slots=3).most_slots == replace(HOST, slots=3).slots_for(100) == 3
    assert replace(HOST, slots=10**4).most_slots == HOST.most_vcpus
    assert replace(HOST, slots=10**4).slots_for(100) == HOST.first_vcpus
