"""Keys that make a Linux kernel tell about itself, sent over the serial line or the keyboard.

The serial way is a break followed by the key (kernel: Documentation/admin-guide/sysrq.rst): it needs no
input driver and works while no process can run. Refuses keys that change the guest.

A client of QEMU's serial socket must keep reading: QEMU 7.2 stops the guest's console output, and with
it the CPU that prints, 279 bytes after a client connected that did not.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.errors import MachineError

KEYS = {
    "l": "backtrace of all active CPUs",
    "w": "tasks that wait uninterruptibly",
    "m": "memory",
    "t": "all tasks",
    "q": "timers",
}
"""Key -> what the kernel then prints. All of them only print."""
SCAN_CODES = {"l": 38, "w": 17, "m": 50, "t": 20, "q": 16}
"""Linux input-event-codes.h; libvirt takes this code set for every guest."""
ALT, PRINT = 56, 99
BREAK = {"execute": "chardev-send-break", "arguments": {"id": "charserial0"}}
"""libvirt calls the first serial device so."""
CONNECT_S = 2.0


class SerialKeys:
    """The serial line of a machine, taken for as long as the keys are sent.

    :param monitor: sends one QMP request.
    :raise MachineError: on entering, when nobody serves the socket.
    """

    def __init__(self, path: Path, monitor: Callable[[dict[str, Any]], Any]) -> None:
        self._path = path
        self._monitor = monitor
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(CONNECT_S)
            line.connect(str(self._path))
        except OSError as error:
            line.close()
            raise MachineError(f"serial console {str(self._path)!r} cannot be opened: {error}") from error
        line.settimeout(None)
        self._socket = line
        threading.Thread(target=_drain, args=(line,), name="serial-drain", daemon=True).start()
        return self

    def press(self, key: str) -> None:
        """:raise MachineError: QEMU refused, or hung up.
        :raise ValueError: a key that is not in `KEYS`."""
        _known(key)
        if self._socket is None:
            raise MachineError(f"sysrq {key!r}: the serial line is not open")
        self._monitor(BREAK)
        try:
            self._socket.sendall(key.encode("ascii"))
        except OSError as error:
            raise MachineError(f"sysrq {key!r} could not be sent: {error}") from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        line, self._socket = self._socket, None
        if line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()


def _drain(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while line.recv(65536):
            pass


def keyboard(key: str) -> tuple[int, ...]:
    """The scan codes of Alt+SysRq+`key`.

    :raise ValueError: a key that is not in `KEYS`.
    """
    _known(key)
    return (ALT, PRINT, SCAN_CODES[key])


def _known(key: str) -> None:
    if key not in KEYS:
        raise ValueError(f"sysrq key {key!r} (wanted one of {', '.join(KEYS)})")
