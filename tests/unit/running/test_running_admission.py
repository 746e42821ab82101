"""Which guest may begin now: processors, memory, starts, and guests that want to be alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.matrix.capacity import HostFacts
from lab.running.admission import Admission
from lab.running.admission_demand import Claim
from lab.running.admission_pace import Pressure

HOST = HostFacts(name="here", vcpus=4, memory_mib=4000, accelerator="tcg", why=("4 processors", "4000 MiB"))
CLONE = Claim(memory_mib=300, vcpus=1, shared="t1", shared_mib=500)
COLD = Claim(memory_mib=800, vcpus=1)


def book(*claims: Claim, started: bool = True, **host: Any) -> Admission:
    made = Admission(replace(HOST, **host))
    for number, claim in enumerate(claims):
        made.take(f"g{number}", claim)
        if started:
            made.answered(f"g{number}")
    return made


def test_a_template_is_counted_once_however_many_clones_there_are() -> None:
    one = book(CLONE, CLONE, replace(CLONE, shared="t2", shared_mib=200), COLD)
    assert one.memory_mib == 3 * 300 + 500 + 200 + 800
    for name in ("g0", "g1"):
        one.release(name)
    assert one.memory_mib == 300 + 200 + 800


def test_memory_is_what_clones_take_for_themselves_and_not_what_guests_have() -> None:
    """Five guests of 1 GiB on 4000 MiB: 500 + 5 x 300."""
    one = book(*[CLONE] * 4, vcpus=64)
    assert one.refuses(CLONE) == ""
    assert one.refuses(replace(COLD, memory_mib=2400)) == "2400 MiB of memory are needed, 2300 are left"


def test_the_first_clone_of_a_template_needs_room_for_both() -> None:
    one = book(CLONE, memory_mib=1500, vcpus=64)
    assert one.refuses(replace(CLONE, shared="t2")) == "800 MiB of memory are needed, 700 are left"
    assert one.refuses(CLONE) == ""


def test_processors_are_shared_out_by_virtual_ones() -> None:
    one = book(COLD, COLD, COLD, memory_mib=99999)
    assert one.refuses(COLD) == ""
    assert one.refuses(replace(COLD, vcpus=2)) == "3 of 4 vCPUs at a time are in use"


def test_no_more_guests_start_at_a_time_than_the_host_carries() -> None:
    one = book(*[COLD] * 2, started=False, vcpus=2, accelerator="kvm", memory_mib=99999)
    assert (one.facts.starts, one.starting) == (4, 2)
    assert book(*[COLD] * 2, started=False, vcpus=2, memory_mib=99999).facts.starts == 2
    emulated = book(*[COLD] * 4, started=False, vcpus=4, memory_mib=99999)
    emulated.pace.vcpus = 8
    assert emulated.refuses(COLD) == "4 guests are starting"
    emulated.answered("g2")
    assert emulated.refuses(COLD) == ""


def test_the_user_can_only_lower_the_number() -> None:
    assert book(COLD, slots=1).refuses(COLD) == "lab.yaml allows 1 guests at a time"
    crowd = book(*[COLD] * 4, slots=99, memory_mib=99999)
    assert crowd.refuses(COLD) == "4 of 4 vCPUs at a time are in use"


class TestAGuestThatMeasuresLatency:
    ALONE = replace(COLD, alone=True)

    def test_waits_until_its_processors_are_free(self) -> None:
        crowd = book(*[COLD] * 4, memory_mib=99999)
        crowd.pace.vcpus = 8
        assert crowd.refuses(COLD) == ""
        said = "this guest measures latency, and 4 of 4 processors are in use"
        assert crowd.refuses(self.ALONE) == said
        crowd.release("g0")
        assert crowd.refuses(self.ALONE) == ""

    def test_shares_them_with_nobody_afterwards(self) -> None:
        one = book(self.ALONE, COLD, COLD, COLD, memory_mib=99999)
        one.pace.vcpus = 8
        assert one.refuses(COLD) == "a guest measures latency, and 4 of 4 processors are in use"

    def test_has_no_storm_of_starts_beside_it(self) -> None:
        one = book(self.ALONE, memory_mib=99999)
        assert one.refuses(COLD) == ""
        one.take("next", COLD)
        assert one.refuses(COLD) == "1 guests are starting"


def test_what_the_host_says_counts_beside_the_book() -> None:
    one = book(CLONE, COLD, vcpus=64)
    one.adapt(Pressure(cpu=0.1, memory_available_mib=1000))
    assert one.refuses(COLD) == "800 MiB of memory are needed, the host has 500"
    one.take("young", replace(COLD, memory_mib=400))
    assert one.refuses(replace(CLONE, memory_mib=200)) == "200 MiB of memory are needed, the host has 100"
    one.answered("young")
    assert one.refuses(replace(CLONE, memory_mib=200)) == ""


def test_a_host_that_runs_out_of_memory_gets_no_more_guests() -> None:
    one = book(CLONE, vcpus=64)
    one.adapt(Pressure(cpu=0.0, memory=0.3, memory_available_mib=3000))
    assert one.refuses(CLONE) == "tasks waited for memory 30% of the time"
    one.adapt(Pressure(cpu=0.0, memory=0.0, memory_available_mib=300))
    assert one.refuses(CLONE) == "300 MiB of memory are available"
    one.adapt(Pressure(cpu=0.0, memory=0.0, memory_available_mib=3000))
    assert one.refuses(CLONE) == ""


def test_how_often_and_what_for_guests_waited_is_counted_once_per_wait() -> None:
    one = book(*[COLD] * 4, memory_mib=99999)
    for _ in range(5):
        one.refuses(COLD)
    one.release("g0")
    assert one.refuses(COLD) == ""
    one.take("g0", COLD)
    one.answered("g0")
    one.refuses(COLD)
    assert one.facts_of_run()["waited_for"] == {"processors": 2}
    assert one.facts_of_run()["guests_most"] == 4


claims = st.builds(
    Claim,
    memory_mib=st.integers(1, 9000),
    vcpus=st.integers(1, 12),
    shared=st.sampled_from(["", "t1", "t2"]),
    shared_mib=st.just(400),
    alone=st.booleans(),
)
pressures = st.builds(
    Pressure,
    cpu=st.none() | st.floats(0, 1),
    memory=st.none() | st.floats(0, 1),
    memory_available_mib=st.none() | st.floats(0, 9000),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(claims, min_size=1, max_size=12), st.lists(pressures, max_size=5), st.randoms())
def test_whatever_comes_every_guest_gets_its_turn(
    waiting: list[Claim], figures: list[Pressure], random: Any
) -> None:
    """Ended guests make room, and where nothing runs the next one begins, whatever the host says."""
    one = Admission(HOST)
    running: list[str] = []
    for number, claim in enumerate(waiting):
        while one.refuses(claim):
            assert running, "a refusal while nothing runs is for ever"
            one.release(running.pop(random.randrange(len(running))))
            if figures:
                one.adapt(random.choice(figures))
        one.take(str(number), claim)
        running.append(str(number))
        if random.random() < 0.5:
            one.answered(str(number))


@settings(max_examples=60, deadline=None)
@given(st.lists(claims, min_size=1, max_size=20), st.randoms())
def test_the_book_is_never_overdrawn(waiting: list[Claim], random: Any) -> None:
    one = Admission(HOST)
    for number, claim in enumerate(waiting):
        if one.guests and not one.refuses(claim):
            one.take(str(number), claim)
            assert one.vcpus <= one.pace.vcpus
            assert one.memory_mib <= HOST.memory_mib
            sharing = any(guest.claim.alone for guest in one._guests.values())
            assert not sharing or one.vcpus <= HOST.vcpus
        elif not one.guests:
            one.take(str(number), replace(claim, memory_mib=min(claim.memory_mib, 3000), vcpus=1))
        if random.random() < 0.4:
            one.release(str(random.randrange(number + 1)))
        if random.random() < 0.6:
            one.answered(str(number))


@pytest.mark.parametrize("name", ["never there", ""])
def test_a_guest_that_is_not_in_the_book_is_no_error(name: str) -> None:
    one = book(COLD)
    one.answered(name)
    one.release(name)
    assert one.guests == 1
