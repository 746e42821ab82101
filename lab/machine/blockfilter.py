"""What stands between a guest's disk and its image: errors on purpose, and a limit on speed.

QEMU's `blkdebug` node is put above the image's while the guest runs (`blockdev-add`, then `qom-set` of the
device's `drive`; QEMU 6.1 and later), and taken away the same way. libvirt 9.0 does not notice, and
checkpoints go on working. Refuses to say which requests fail; that is the caller's rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lab.errors import MachineError

NODE = "lab-fault"


class Asked(Protocol):
    """`lab.machine.driver.Domain`, as far as it is needed here."""

    def monitor(self, request: dict[str, Any] | str) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A guest's first disk as QEMU knows it."""

    backend: str
    """QOM path of what the requests go to."""
    device: str
    """QOM path of the device that has the property `drive`."""
    node: str
    """Name of the block node on top."""
    size: int
    """Bytes."""


def first_disk(domain: Asked) -> Disk:
    """:raise MachineError: the machine has no disk."""
    for entry in domain.monitor({"execute": "query-block"}):
        backend, inserted = str(entry.get("qdev", "")), entry.get("inserted")
        if backend and inserted:
            device = backend.removesuffix("/virtio-backend")
            size = int(inserted["image"]["virtual-size"])
            return Disk(backend=backend, device=device, node=str(inserted["node-name"]), size=size)
    raise MachineError("the machine has no disk")


def insert(domain: Asked, rules: Sequence[Mapping[str, Any]]) -> str:
    """Let requests fail by `rules` (QAPI `BlkdebugInjectErrorOptions`); the node that was on top.

    :raise MachineError: there is a filter already, or QEMU refused.
    """
    disk = first_disk(domain)
    if disk.node == NODE:
        raise MachineError("the disk has a fault already (wanted one at a time)")
    options = {"driver": "blkdebug", "node-name": NODE, "image": disk.node, "inject-error": list(rules)}
    domain.monitor({"execute": "blockdev-add", "arguments": options})
    try:
        _drive(domain, disk.device, NODE)
    except MachineError:
        domain.monitor({"execute": "blockdev-del", "arguments": {"node-name": NODE}})
        raise
    return disk.node


def remove(domain: Asked, node: str) -> None:
    """Put `node` on top again, as `insert` found it.

    :raise MachineError: QEMU refused; the filter may still be there.
    """
    disk = first_disk(domain)
    if disk.node == NODE:
        _drive(domain, disk.device, node)
    domain.monitor({"execute": "blockdev-del", "arguments": {"node-name": NODE}})


def throttle(domain: Asked, *, bytes_per_s: int = 0, requests_per_s: int = 0) -> None:
    """Limit the first disk; 0 is no limit.

    :raise MachineError: QEMU refused.
    """
    apart = dict.fromkeys(("bps_rd", "bps_wr", "iops_rd", "iops_wr"), 0)
    limits = {"bps": bytes_per_s, "iops": requests_per_s, **apart}
    arguments = {"id": first_disk(domain).backend, **limits}
    domain.monitor({"execute": "block_set_io_throttle", "arguments": arguments})


def _drive(domain: Asked, device: str, node: str) -> None:
    arguments = {"path": device, "property": "drive", "value": node}
    domain.monitor({"execute": "qom-set", "arguments": arguments})
