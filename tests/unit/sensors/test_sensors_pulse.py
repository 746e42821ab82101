"""The pulse: cheap numbers all the time, instruction pointers when somebody suspects something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lab.clock import Stopwatch
from lab.errors import MachineError
from lab.machine.registers import CpuState
from lab.model import MachineSample, Observation, VcpuSample
from lab.sensors import pulse as pulse_module
from lab.sensors.pulse import BURST, PulseSensor, sums, vcpus

FIGURES: dict[str, Any] = {
    "state.state": 1, "vcpu.current": 2, "vcpu.0.time": 2_210_000_000, "vcpu.1.time": 1_250_000_000,
    "block.count": 2, "block.0.name": "vda", "block.0.rd.bytes": 100, "block.0.wr.bytes": 10,
    "block.0.rd.reqs": 3, "block.0.wr.reqs": 1, "block.1.rd.bytes": 1, "block.1.wr.bytes": 1,
}  # fmt: skip


class Machine:
    def __init__(self) -> None:
        self.numbers: dict[str, Any] = dict(FIGURES)
        self.asked = 0
        self.gone = False

    def figures(self) -> Mapping[str, Any]:
        if self.gone:
            raise MachineError("figures could not be read: domain is not running")
        return self.numbers

    def cpus(self) -> tuple[CpuState, ...]:
        self.asked += 1
        return (CpuState(cpu=0, ip=0x10 + self.asked, halted=False, where="kernel"),)

    def in_flight(self) -> int | None:
        return 2


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse_module, "BURST_INTERVAL_S", 0.0)


@pytest.fixture
def seen() -> list[Observation]:
    return []


def samples(seen: list[Observation]) -> list[MachineSample]:
    return [one for one in seen if isinstance(one, MachineSample)]


def sensor(machine: Machine, seen: list[Observation], **options: Any) -> PulseSensor:
    return PulseSensor(machine, seen.append, Stopwatch(), **options)


def test_a_usual_sample_has_times_and_sums_and_asks_for_no_registers(seen: list[Observation]) -> None:
    machine = Machine()
    sensor(machine, seen, host=lambda: {"load1": 0.5, "cpus": 2.0}).step()
    (sample,) = samples(seen)
    assert machine.asked == 0
    assert sample.state == "running"
    assert sample.vcpus == (VcpuSample(cpu=0, time_s=2.21), VcpuSample(cpu=1, time_s=1.25))
    assert sample.block == {"rd_bytes": 101, "wr_bytes": 11, "rd_reqs": 3, "wr_reqs": 1}
    assert sample.host == {"load1": 0.5, "cpus": 2.0, "late_s": 0.0}
    assert sample.network == {}, "the user-mode network does not count"


def test_a_suspicion_brings_one_burst_with_instruction_pointers(seen: list[Observation]) -> None:
    machine = Machine()
    watched = sensor(machine, seen)
    watched.suspect()
    watched.suspect()
    watched.step()
    found = samples(seen)
    assert [one.vcpus[0].ip for one in found] == [0x11, 0x12, 0x13, 0x14, 0x15]
    assert len(found) == BURST
    assert {one.block["in_flight"] for one in found} == {2}
    assert found[0].vcpus[1] == VcpuSample(cpu=1, time_s=1.25), "what was not asked is not known"


def test_a_lasting_suspicion_rests_between_bursts(seen: list[Observation]) -> None:
    watched = sensor(Machine(), seen)
    watched.suspect()
    watched.step()
    watched.suspect()
    watched.step()
    assert len(samples(seen)) == BURST + 1, "the second step is a usual sample"


def test_evidence_takes_its_burst_at_once_whatever_was_before(seen: list[Observation]) -> None:
    watched = sensor(Machine(), seen)
    watched.burst()
    watched.burst()
    assert len(samples(seen)) == 2 * BURST


def test_a_machine_elsewhere_says_nothing_of_its_host(seen: list[Observation]) -> None:
    sensor(Machine(), seen, host=None).step()
    assert samples(seen)[0].host == {}


def test_a_machine_that_is_gone_is_no_sample(seen: list[Observation]) -> None:
    machine = Machine()
    machine.gone = True
    with pytest.raises(MachineError):
        sensor(machine, seen).step()
    assert seen == []


@pytest.mark.parametrize(
    ("number", "word"), [(3, "paused"), (6, "crashed"), (4, "shutdown"), (7, "pmsuspended"), (99, "unknown")]
)
def test_states_are_words(seen: list[Observation], number: int, word: str) -> None:
    machine = Machine()
    machine.numbers["state.state"] = number
    sensor(machine, seen).step()
    assert samples(seen)[0].state == word


def test_numbers_that_libvirt_did_not_give_are_left_out() -> None:
    assert sums({}) == {}
    assert sums({"block.count": 1, "block.0.name": "vda"}) == {}
    assert vcpus({}, ()) == ()
    assert vcpus({"vcpu.current": 1}, ()) == (VcpuSample(cpu=0),)
