"""The screen of a guest that another process runs, read over its private VNC socket.

The embedded libvirt driver belongs to the process that runs the guest, so a second process
asks QEMU's VNC server instead. RFC 6143: version, security type 1 (none), init, pixel format,
one non-incremental update in raw encoding.
"""

from __future__ import annotations

import io
import socket
import struct
from pathlib import Path

from PIL import Image

from lab.errors import MachineError
from lab.machine import embedded
from lab.machine.driver import Hypervisor
from lab.machine.leases import Lease, LeaseBook

TIMEOUT_S = 10.0


def screenshot_of(lease: Lease, book: LeaseBook) -> bytes:
    """The screen as PNG.

    :raise MachineError: the guest is gone or does not answer.
    """
    if embedded.is_embedded(lease.uri):
        return vnc_screenshot(book.run_dir(lease.machine) / "vnc.sock")
    host = Hypervisor(lease.uri)
    try:
        domain = host.find(lease.uuid)
        if domain is None:
            raise MachineError(f"machine {lease.machine} is not running on {lease.uri}")
        return _png(Image.open(io.BytesIO(domain.screenshot())))
    finally:
        host.close()


def vnc_screenshot(path: Path) -> bytes:
    """One whole frame from the VNC server at a UNIX socket, as PNG.

    :raise MachineError: nobody serves the socket, or the server is not QEMU's.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT_S)
        try:
            connection.connect(str(path))
            width, height = _handshake(connection)
            picture = _frame(connection, width, height)
        except (OSError, struct.error) as error:
            raise MachineError(f"screen at {str(path)!r} cannot be read: {error}") from error
    return _png(picture)


def _handshake(connection: socket.socket) -> tuple[int, int]:
    """Version 3.8 without authentication; (width, height) of the screen."""
    _exactly(connection, 12)
    connection.sendall(b"RFB 003.008\n")
    kinds = _exactly(connection, _exactly(connection, 1)[0])
    if 1 not in kinds:
        raise MachineError(f"VNC server offers security types {list(kinds)} (wanted 1, none)")
    connection.sendall(b"\x01")
    if _exactly(connection, 4) != b"\0\0\0\0":
        raise MachineError("VNC server refused the connection")
    connection.sendall(b"\x01")
    width, height, _, length = struct.unpack(">HH16sI", _exactly(connection, 24))
    _exactly(connection, length)
    # 32 bits per pixel, depth 24, little endian, true colour, shifts 16/8/0: bytes are B, G, R, unused.
    connection.sendall(struct.pack(">BxxxBBBBHHHBBBxxx", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
    connection.sendall(struct.pack(">BxHi", 2, 1, 0))
    return width, height


def _frame(connection: socket.socket, width: int, height: int) -> Image.Image:
    connection.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, width, height))
    picture = Image.new("RGB", (width, height))
    covered = 0
    while covered < width * height:
        kind = _exactly(connection, 1)[0]
        if kind != 0:
            raise MachineError(f"VNC server sent message {kind} (wanted 0, a framebuffer update)")
        (count,) = struct.unpack(">xH", _exactly(connection, 3))
        for _ in range(count):
            left, top, wide, high, encoding = struct.unpack(">HHHHi", _exactly(connection, 12))
            if encoding != 0:
                raise MachineError(f"VNC server sent encoding {encoding} (wanted 0, raw)")
            data = _exactly(connection, wide * high * 4)
            picture.paste(Image.frombytes("RGB", (wide, high), data, "raw", "BGRX"), (left, top))
            covered += wide * high
    return picture


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        data = connection.recv(min(1 << 16, count - len(parts)))
        if not data:
            raise MachineError(f"VNC server hung up after {len(parts)} of {count} bytes")
        parts += data
    return bytes(parts)


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").save(out, "PNG", optimize=True)
    return out.getvalue()
