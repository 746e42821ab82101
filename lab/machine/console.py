"""A person at a guest's serial console, through the socket QEMU serves."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

from lab.errors import MachineError

LEAVE = b"\x1d"
"""Ctrl-], as telnet and virsh have it."""
REPLAY = 4096
"""Bytes of the log shown first, so that the screen is not empty."""


def attach(socket_path: Path, log: Path, *, stdin: int = 0, stdout: int = 1) -> None:
    """Copy keys in and text out until Ctrl-], end of input, or the end of the guest.

    :raise MachineError: nobody serves the socket, or someone else is attached already.
    """
    connection = _connect(socket_path)
    with connection, _raw(stdin):
        if log.exists():
            os.write(stdout, log.read_bytes()[-REPLAY:])
        _copy(connection, stdin, stdout)


def _connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(path))
    except OSError as error:
        connection.close()
        raise MachineError(
            f"serial console {str(path)!r} cannot be opened: {error.strerror}",
            hint="lab ps lists the guests that run here; the log is serial.log in the recording",
        ) from error
    return connection


def _copy(connection: socket.socket, stdin: int, stdout: int) -> None:
    sources: list[int | socket.socket] = [connection, stdin]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if connection in ready:
            data = connection.recv(65536)
            if not data:
                return
            os.write(stdout, data)
        if stdin in ready:
            keys = os.read(stdin, 1024)
            if not keys or LEAVE in keys:
                connection.sendall(keys.split(LEAVE)[0])
                return
            connection.sendall(keys)


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    """The terminal hands over every key; restored whatever happens."""
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        sys.stderr.write("\r\n")
