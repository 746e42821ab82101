"""What stands between a guest and its disk or network: put there and taken away through QEMU's monitor."""

from __future__ import annotations

from typing import Any

import pytest

from lab.errors import MachineError
from lab.machine import blockfilter, netfilter


class Qemu:
    """Answers as QEMU 7.2 does, as far as filters go."""

    def __init__(self, *, bus: str = "virtio", refuse: str = "") -> None:
        self.top = "libvirt-1-format"
        self.nodes = {self.top}
        self.said: list[str] = []
        self._bus = bus
        self._refuse = refuse

    def monitor(self, request: dict[str, Any] | str) -> Any:
        assert isinstance(request, dict)
        name, given = request["execute"], request.get("arguments", {})
        self.said.append(name)
        if name == self._refuse:
            raise MachineError(f"{name} refused")
        return getattr(self, name.replace("-", "_"), lambda **_: {})(
            **{k.replace("-", "_"): v for k, v in given.items()}
        )

    def query_block(self) -> list[dict[str, Any]]:
        path = (
            "/machine/peripheral/virtio-disk0/virtio-backend"
            if self._bus == "virtio"
            else "/machine/peripheral/sata0"
        )
        inserted = {"node-name": self.top, "image": {"virtual-size": 1 << 20}}
        return [{"qdev": "", "device": "cd"}, {"qdev": path, "inserted": inserted}]

    def blockdev_add(self, **given: Any) -> None:
        self.nodes.add(given["node_name"])

    def blockdev_del(self, *, node_name: str) -> None:
        assert node_name != self.top, "a node in use cannot be removed"
        self.nodes.remove(node_name)

    def qom_set(self, *, path: str, value: str, **given: str) -> None:
        assert path == (
            "/machine/peripheral/virtio-disk0" if self._bus == "virtio" else "/machine/peripheral/sata0"
        )
        assert given == {"property": "drive"}
        self.top = value


@pytest.mark.parametrize("bus", ["virtio", "sata"])
def test_a_filter_is_put_above_the_disk_and_leaves_it_as_it_was(bus: str) -> None:
    qemu = Qemu(bus=bus)
    below = blockfilter.insert(qemu, [{"event": "none"}])
    assert (qemu.top, below) == (blockfilter.NODE, "libvirt-1-format")
    blockfilter.remove(qemu, below)
    assert (qemu.top, qemu.nodes) == ("libvirt-1-format", {"libvirt-1-format"})


def test_a_disk_has_one_filter_at_a_time() -> None:
    qemu = Qemu()
    blockfilter.insert(qemu, [])
    with pytest.raises(MachineError, match="one at a time"):
        blockfilter.insert(qemu, [])


def test_a_filter_that_cannot_be_put_on_top_is_not_left_lying_about() -> None:
    qemu = Qemu(refuse="qom-set")
    with pytest.raises(MachineError, match="refused"):
        blockfilter.insert(qemu, [])
    assert qemu.nodes == {"libvirt-1-format"}


def test_the_disk_says_how_large_it_is() -> None:
    assert blockfilter.first_disk(Qemu()).size == 1 << 20


def test_the_cable_is_that_of_the_labs_own_card() -> None:
    qemu = Qemu()
    netfilter.set_link(qemu, up=False)
    assert qemu.said == ["set_link"]
