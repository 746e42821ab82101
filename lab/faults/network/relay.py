"""Packets of a running guest through a bad line: a thread between the sockets of two diversions.

Owns the thread and the queue. What happens to a packet is `impairment` and `packets`' to say.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from lab.faults.network.impairment import Line
from lab.faults.network.packets import RCODES, question, refused
from lab.machine.netfilter import Diversion

LENGTH = struct.Struct(">I")
LARGEST = 1 << 17
"""Bytes; a longer packet means that the stream is out of step."""
PIECE = 1 << 16
IDLE_S = 0.2
JOIN_S = 5.0


@dataclass(slots=True)
class NameCounts:
    """What became of the guest's questions to name servers."""

    asked: int = 0
    names: list[str] = field(default_factory=list)
    """The first few."""


class Relay:
    """Both directions of one guest.

    :param out: what the guest sends, and the line it takes.
    :param into: what is sent to the guest, and the line it takes.
    :param names: what name servers answer: "" (as they do), `timeout`, `servfail` or `nxdomain`.
    """

    def __init__(self, out: tuple[Diversion, Line], into: tuple[Diversion, Line], *, names: str = "") -> None:
        self.names = NameCounts()
        self._answer = names
        self._into = into[0]
        self._ends = {out[0].out: (out[0].back, out[1], True), into[0].out: (into[0].back, into[1], False)}
        self._buffers = {end: bytearray() for end in self._ends}
        self._waiting: list[tuple[float, int, socket.socket, bytes]] = []
        self._order = itertools.count()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="network-fault", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Deliver what still waits, at once, and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
            for end in self._ends:
                selector.register(end, selectors.EVENT_READ)
            while not self._stop.is_set():
                for key, _ in selector.select(self._pause()):
                    assert isinstance(key.fileobj, socket.socket)
                    if not self._read(key.fileobj):
                        return  # QEMU is gone
                self._deliver(time.monotonic())
            self._deliver(float("inf"))

    def _pause(self) -> float:
        if not self._waiting:
            return IDLE_S
        return min(IDLE_S, max(0.0, self._waiting[0][0] - time.monotonic()))

    def _read(self, end: socket.socket) -> bool:
        data = end.recv(PIECE)
        buffer = self._buffers[end]
        buffer += data
        while len(buffer) >= LENGTH.size:
            (size,) = LENGTH.unpack_from(buffer)
            if size > LARGEST or len(buffer) < LENGTH.size + size:
                break
            packet = bytes(buffer[LENGTH.size : LENGTH.size + size])
            del buffer[: LENGTH.size + size]
            self._take(end, packet)
        return bool(data)

    def _take(self, end: socket.socket, packet: bytes) -> None:
        back, line, from_guest = self._ends[end]
        now_s = time.monotonic()
        if self._answer and from_guest and (asked := question(packet)) is not None:
            self.names.asked += 1
            if asked.name and len(self.names.names) < 5:
                self.names.names.append(asked.name)
            if self._answer in RCODES and asked.udp:
                self._put(now_s, self._into.back, refused(asked, RCODES[self._answer]))
            return
        due_s = line.take(len(packet), now_s)
        if due_s is not None:
            self._put(due_s, back, packet)

    def _put(self, due_s: float, back: socket.socket, packet: bytes) -> None:
        heapq.heappush(self._waiting, (due_s, next(self._order), back, packet))

    def _deliver(self, until_s: float) -> None:
        while self._waiting and self._waiting[0][0] <= until_s:
            _, _, back, packet = heapq.heappop(self._waiting)
            back.sendall(LENGTH.pack(len(packet)) + packet)
