"""The guest's network card as it can be touched from outside: its cable, and the packets on their way.

`Diversion` hands every packet of one direction over to a socket and takes back what comes from another
(QEMU's `filter-redirector`; a packet is its length, 4 bytes big-endian, and its bytes). Where nobody is
connected, packets pass untouched. Refuses to look into packets.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Any, Protocol

from lab.errors import MachineError

NETDEV = "lab0"
"""The network back end in `lab.machine.xml`."""
CONNECT_S = 5.0


class Asked(Protocol):
    """`lab.machine.driver.Domain`, as far as it is needed here."""

    def monitor(self, request: dict[str, Any] | str) -> Any: ...


def set_link(domain: Asked, *, up: bool) -> None:
    """Plug or pull the network cable.

    :raise MachineError: the machine has no network card, or QEMU refused.
    """
    domain.monitor({"execute": "set_link", "arguments": {"name": NETDEV, "up": up}})


class Diversion:
    """One direction of the traffic, taken out of QEMU and given back.

    :param queue: `tx` is what the network sends to the guest, `rx` what the guest sends.
    :param name: unique among the diversions of a machine; short, as it is part of a socket's path.
    :raise MachineError: the machine has no network, QEMU refused, or its sockets are on another host.
    """

    def __init__(self, domain: Asked, directory: Path, name: str, queue: str) -> None:
        self._domain = domain
        self._filter = f"lab-{name}"
        self._sockets: dict[str, socket.socket] = {}
        self._paths: list[Path] = []
        try:
            for end in ("o", "i"):
                self._open(directory, f"{name}{end}")
            self._make(name, queue)
        except BaseException:
            self.close()
            raise
        self.out = self._sockets[f"{name}o"]
        """Packets come from here."""
        self.back = self._sockets[f"{name}i"]
        """And go on from here."""

    def _open(self, directory: Path, chardev: str) -> None:
        path = directory / f"{chardev}.sock"
        address = {"type": "unix", "data": {"path": str(path)}}
        backend = {"type": "socket", "data": {"addr": address, "server": True, "wait": False}}
        self._domain.monitor({"execute": "chardev-add", "arguments": {"id": chardev, "backend": backend}})
        self._paths.append(path)
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._sockets[chardev] = end
        try:
            end.settimeout(CONNECT_S)
            end.connect(str(path))
        except OSError as error:
            raise MachineError(
                f"packets cannot be taken from QEMU: {error}",
                hint="faults of the network work on the host that runs the lab",
            ) from error
        end.settimeout(None)

    def _make(self, name: str, queue: str) -> None:
        arguments = {
            "qom-type": "filter-redirector",
            "id": self._filter,
            "netdev": NETDEV,
            "queue": queue,
            "outdev": f"{name}o",
            "indev": f"{name}i",
        }
        self._domain.monitor({"execute": "object-add", "arguments": arguments})

    def close(self) -> None:
        """Remove what is left of it in QEMU, and the sockets. Safe to call twice."""
        with contextlib.suppress(MachineError):
            self._domain.monitor({"execute": "object-del", "arguments": {"id": self._filter}})
        for chardev, end in self._sockets.items():
            end.close()
            with contextlib.suppress(MachineError):
                self._domain.monitor({"execute": "chardev-remove", "arguments": {"id": chardev}})
        for path in self._paths:
            path.unlink(missing_ok=True)
        self._sockets.clear()
        self._paths.clear()
