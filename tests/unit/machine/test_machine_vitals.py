"""What QEMU says of a running machine, and what an older one does not."""

from __future__ import annotations

from typing import Any

from lab.errors import MachineError
from lab.machine.registers import EXAMPLE
from lab.machine.vitals import Vitals


class Domain:
    """Two virtio disks with one queue each, and a disk that is none."""

    def __init__(self, *, queues: int = 1, knows: bool = True) -> None:
        self.queues = queues
        self.knows = knows
        self.asked = 0

    def figures(self) -> dict[str, Any]:
        return {"state.state": 1}

    def monitor(self, request: dict[str, Any] | str) -> Any:
        self.asked += 1
        if isinstance(request, str):
            return EXAMPLE
        if not self.knows:
            raise MachineError("monitor command failed: the command x-query-virtio has not been found")
        if request["execute"] == "x-query-virtio":
            return [{"name": "virtio-blk", "path": "/a"}, {"name": "virtio-rng", "path": "/r"},
                    {"name": "virtio-blk", "path": "/b"}]  # fmt: skip
        if request["arguments"]["queue"] >= self.queues:
            raise MachineError("monitor command failed: invalid virtqueue number")
        return {"inuse": 2 if request["arguments"]["path"] == "/a" else 1}


def test_requests_in_flight_are_summed_over_the_disks_and_their_queues() -> None:
    assert Vitals(Domain(), vcpus=1).in_flight() == 3
    assert Vitals(Domain(queues=2), vcpus=2).in_flight() == 6


def test_a_disk_may_have_fewer_queues_than_there_are_processors() -> None:
    assert Vitals(Domain(queues=1), vcpus=4).in_flight() == 3


def test_a_qemu_that_does_not_count_is_asked_once() -> None:
    domain = Domain(knows=False)
    vitals = Vitals(domain, vcpus=1)
    assert vitals.in_flight() is None
    asked = domain.asked
    assert vitals.in_flight() is None
    assert domain.asked == asked


def test_registers_are_read_as_text_and_as_values() -> None:
    vitals = Vitals(Domain(), vcpus=1)
    assert vitals.registers() == EXAMPLE
    assert [cpu.halted for cpu in vitals.cpus()] == [True]
