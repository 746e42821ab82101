"""From samples of CPUs, disks and host to one diagnosis, with the figures that it rests on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observing import pulse

from lab.detect.pulse import NARROW, diagnose
from lab.model import Diagnosis, MachineSample, VcpuSample

SPIN = 0xFFFFFFFF81234567


def told(*samples: MachineSample) -> tuple[Diagnosis, str]:
    reading = diagnose(samples)
    assert reading is not None
    return reading.diagnosis, reading.measured


def test_a_cpu_that_stays_in_a_narrow_range_at_full_use_spins() -> None:
    samples = [pulse(float(n), used=float(n), ip=SPIN + offset) for n, offset in enumerate((0, 0x20, 0x3C))]
    diagnosis, measured = told(*samples)
    assert diagnosis is Diagnosis.SPINNING
    assert "3 of 3 samples within 0x40 bytes of ffffffff81234567 while vCPU 0 used 100%" in measured


def test_an_interrupt_now_and_then_does_not_hide_a_spinning_cpu() -> None:
    samples = [pulse(float(n), used=float(n), ip=SPIN if n % 3 else SPIN + 0x100000) for n in range(9)]
    assert told(*samples)[0] is Diagnosis.SPINNING


def test_a_cpu_that_is_everywhere_is_busy() -> None:
    samples = [pulse(float(n), used=float(n), ip=SPIN + n * NARROW * 2) for n in range(6)]
    assert told(*samples)[0] is Diagnosis.BUSY


def test_full_use_without_registers_is_busy_not_spinning() -> None:
    diagnosis, measured = told(*(pulse(n * 5.0, used=n * 5.0) for n in range(4)))
    assert diagnosis is Diagnosis.BUSY
    assert "vCPU 0 used 100% in 15 s" in measured


def test_cpus_that_halt_are_idle_however_narrow_their_place() -> None:
    samples = [pulse(float(n), used=0.01 * n, ip=SPIN, halted=True) for n in range(5)]
    diagnosis, measured = told(*samples)
    assert diagnosis is Diagnosis.IDLE
    assert "halted in 5 of 5" in measured


def test_requests_that_never_end_are_blocked_on_io() -> None:
    stuck = {"rd_reqs": 70, "wr_reqs": 3, "in_flight": 4}
    diagnosis, measured = told(*(pulse(n * 5.0, used=0.1, block=stuck) for n in range(4)))
    assert diagnosis is Diagnosis.BLOCKED_ON_IO
    assert "4 disk requests in flight in 4 of 4 samples, 0 ended" in measured


def test_nothing_but_disk_traffic_is_blocked_on_io() -> None:
    samples = [pulse(n * 5.0, used=n * 0.5, block={"rd_reqs": n * 900, "wr_reqs": 0}) for n in range(4)]
    assert told(*samples)[0] is Diagnosis.BLOCKED_ON_IO


def test_a_paused_machine_was_stopped_by_the_host() -> None:
    assert told(pulse(1), pulse(6, state="paused"))[0] is Diagnosis.STOPPED_BY_HOST
    assert told(pulse(1, state="paused"), pulse(6, used=1), pulse(11, used=6))[0] is Diagnosis.BUSY


@pytest.mark.parametrize("host", [{"stall_share": 0.9}, {"late_s": 3.0}])
def test_a_host_that_does_not_let_the_guest_run_is_overloaded(host: dict[str, float]) -> None:
    assert told(*(pulse(n * 5.0, used=n * 1.0, host=host) for n in range(4)))[0] is Diagnosis.HOST_OVERLOADED


def test_a_guest_that_got_its_cpu_cannot_blame_the_host() -> None:
    loaded = {"stall_share": 0.9}
    samples = [pulse(float(n), used=float(n), ip=SPIN, host=loaded) for n in range(4)]
    assert told(*samples)[0] is Diagnosis.SPINNING
    halted = [pulse(float(n), used=0.0, halted=True, host=loaded) for n in range(4)]
    assert told(*halted)[0] is Diagnosis.IDLE


def test_a_counter_that_fell_starts_anew() -> None:
    samples = [pulse(0, used=500), pulse(5, used=1), pulse(10, used=6)]
    assert "used 100%" in told(*samples)[1]


def test_too_little_is_no_diagnosis() -> None:
    assert diagnose([]) is None
    assert diagnose([pulse(1, used=1)]) is None
    assert diagnose([pulse(1, used=1), pulse(1.2, used=1.2)]) is None
    assert diagnose([MachineSample(t_s=1, state="running"), MachineSample(t_s=9, state="running")]) is None


VCPU = st.builds(
    VcpuSample,
    cpu=st.integers(0, 2),
    ip=st.none() | st.integers(0, 2**64 - 1),
    halted=st.none() | st.booleans(),
    time_s=st.none() | st.floats(0, 1e6),
)
SAMPLE = st.builds(
    MachineSample,
    t_s=st.floats(0, 1e5),
    state=st.sampled_from(["running", "paused", "pmsuspended", "crashed", "unknown"]),
    vcpus=st.lists(VCPU, max_size=4).map(tuple),
    block=st.dictionaries(st.sampled_from(["rd_reqs", "wr_reqs", "in_flight"]), st.integers(0, 10**9)),
    network=st.dictionaries(st.sampled_from(["rx_bytes", "tx_bytes"]), st.integers(0, 10**9)),
    host=st.dictionaries(st.sampled_from(["load1", "stall_share", "late_s"]), st.floats(0, 100)),
)


@settings(max_examples=80, deadline=None)
@given(samples=st.lists(SAMPLE, max_size=12))
def test_any_samples_give_a_diagnosis_with_a_measure_or_none(samples: list[MachineSample]) -> None:
    reading = diagnose(sorted(samples, key=lambda sample: sample.t_s))
    assert reading is None or reading.measured
