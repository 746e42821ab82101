"""The number of processors shared out follows what the host says."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.matrix.capacity import LOADS, HostFacts
from lab.running.admission_pace import CALM, CROWDED, Pace, Pressure

TCG = HostFacts(name="here", vcpus=2, memory_mib=8000, accelerator="tcg")
KVM = replace(TCG, vcpus=16, accelerator="kvm")
CALM_HOST = Pressure(cpu=0.1, memory=0.0, memory_available_mib=6000)
CROWDED_HOST = replace(CALM_HOST, cpu=0.9)


def look(pace: Pace, pressure: Pressure, *, wanted: bool = True, starting: int = 0, running: int = 0) -> str:
    return pace.adapt(pressure, wanted=wanted, starting=starting, running=running or pace.vcpus)


def test_it_begins_with_what_the_accelerator_carries() -> None:
    assert Pace(TCG).vcpus == 2
    assert Pace(KVM).vcpus == 24
    assert LOADS["tcg"].most < LOADS["kvm"].most
    assert LOADS["tcg"].starts < LOADS["kvm"].starts


def test_on_a_calm_host_one_more_is_let_in_at_a_time_up_to_the_most() -> None:
    pace = Pace(TCG)
    assert look(pace, CALM_HOST) == "vCPUs at a time: 2 -> 3 (tasks waited for a processor 10% of the time)"
    assert look(pace, CALM_HOST)
    assert (look(pace, CALM_HOST), pace.vcpus, pace.most) == ("", 4, 4)


def test_nothing_is_let_in_that_nobody_waits_for_or_while_guests_start() -> None:
    pace = Pace(TCG)
    assert look(pace, CALM_HOST, wanted=False) == ""
    assert look(pace, CALM_HOST, starting=1) == ""
    assert pace.vcpus == 2


def test_between_calm_and_crowded_it_stays() -> None:
    pace = Pace(TCG)
    for share in (CALM, (CALM + CROWDED) / 2, CROWDED - 0.01):
        assert look(pace, replace(CALM_HOST, cpu=share)) == ""


def test_a_crowded_host_gets_fewer_down_to_one_and_recovers() -> None:
    pace = Pace(TCG)
    look(pace, CALM_HOST)
    assert (
        look(pace, CROWDED_HOST) == "vCPUs at a time: 3 -> 2 (tasks waited for a processor 90% of the time)"
    )
    look(pace, CROWDED_HOST)
    assert look(pace, CROWDED_HOST) == ""
    assert pace.vcpus == 1
    assert look(pace, CALM_HOST, wanted=False)
    assert (pace.vcpus, pace.most) == (2, 3)


def test_it_falls_from_what_runs_and_not_from_what_could() -> None:
    """A number that nothing has used yet would take long to come down to where it hurts."""
    pace = Pace(KVM)
    look(pace, CROWDED_HOST, running=8)
    assert pace.vcpus == 7


def test_a_host_crowded_by_others_is_left_alone_while_we_run_nothing() -> None:
    pace = Pace(TCG)
    assert pace.adapt(CROWDED_HOST, wanted=True, starting=0, running=0) == ""


def test_a_host_that_tells_nothing_keeps_what_it_began_with() -> None:
    pace = Pace(TCG)
    assert look(pace, Pressure()) == ""
    assert (pace.vcpus, pace.held) == (2, "")


def test_a_shortage_of_memory_holds_everything_until_it_is_over() -> None:
    pace = Pace(TCG)
    said = look(pace, replace(CALM_HOST, memory=0.2))
    assert said == "vCPUs at a time: 2 -> 1 (tasks waited for memory 20% of the time)"
    assert pace.held
    look(pace, CALM_HOST)
    assert pace.held == ""


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(0, 1), st.none() | st.floats(0, 1), st.booleans(), st.integers(0, 99)
        ),
        max_size=30,
    ),
    st.sampled_from([TCG, KVM]),
)
def test_it_never_leaves_its_bounds(
    seen: list[tuple[float | None, float | None, bool, int]], host: HostFacts
) -> None:
    pace = Pace(host)
    for cpu, memory, wanted, running in seen:
        pace.adapt(Pressure(cpu=cpu, memory=memory), wanted=wanted, starting=0, running=running)
        assert 1 <= pace.vcpus <= host.most_vcpus
