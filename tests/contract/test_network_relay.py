"""Packets through the relay, between sockets that stand for QEMU's."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lab.faults.network.impairment import Impairment, Line
from lab.faults.network.relay import Relay


@dataclass
class Ends:
    """The sockets of one direction: QEMU's side and ours."""

    out: socket.socket
    back: socket.socket
    qemu_out: socket.socket
    qemu_back: socket.socket


def ends() -> Ends:
    out, back = socket.socketpair(), socket.socketpair()
    for end in (*out, *back):
        end.settimeout(5)
    out[0].settimeout(None)
    return Ends(out=out[0], back=back[0], qemu_out=out[1], qemu_back=back[1])


def packet_from(end: socket.socket) -> bytes:
    (size,) = struct.unpack(">I", end.recv(4, socket.MSG_WAITALL))
    return end.recv(size, socket.MSG_WAITALL)


def framed(packet: bytes) -> bytes:
    return struct.pack(">I", len(packet)) + packet


@pytest.fixture
def directions() -> Iterator[tuple[Ends, Ends]]:
    both = ends(), ends()
    yield both
    for one in both:
        for end in (one.out, one.back, one.qemu_out, one.qemu_back):
            end.close()


def asking() -> bytes:
    """A question for `lab-probe.invalid`, as it leaves a guest."""
    dns = struct.pack(">HHHHHH", 1, 0x0100, 1, 0, 0, 0) + b"\x09lab-probe\x07invalid\0\0\1\0\1"
    body = struct.pack(">HHHH", 40000, 53, 8 + len(dns), 0) + dns
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, 17, 0) + bytes(8)
    return bytes(12) + b"\x08\x00" + head + body


def relay(both: tuple[Ends, Ends], impairment: Impairment, names: str = "") -> Relay:
    out: Any
    into: Any
    out, into = both
    made = Relay(
        (out, Line(impairment, random.Random(1))), (into, Line(impairment, random.Random(2))), names=names
    )
    made.start()
    return made


def test_packets_go_on_in_both_directions_however_they_are_cut(directions: tuple[Ends, Ends]) -> None:
    made = relay(directions, Impairment())
    out, into = directions
    stream = framed(b"one") + framed(b"two" * 1000)
    out.qemu_out.sendall(stream[:5])
    out.qemu_out.sendall(stream[5:])
    into.qemu_out.sendall(framed(b"three"))
    assert packet_from(out.qemu_back) == b"one"
    assert packet_from(out.qemu_back) == b"two" * 1000
    assert packet_from(into.qemu_back) == b"three"
    made.stop()


def test_what_still_waits_is_delivered_when_the_line_is_mended(directions: tuple[Ends, Ends]) -> None:
    made = relay(directions, Impairment(delay_s=600))
    out, into = directions
    out.qemu_out.sendall(framed(b"late"))
    into.qemu_out.sendall(framed(b"seen"))
    while made_counts(made) < 2:
        pass
    made.stop()
    assert packet_from(out.qemu_back) == b"late"


def made_counts(made: Relay) -> int:
    return sum(line.counts.seen for _, line, _ in made._ends.values())


def test_a_question_gets_an_error_and_never_leaves(directions: tuple[Ends, Ends]) -> None:
    made = relay(directions, Impairment(), names="servfail")
    out, into = directions
    out.qemu_out.sendall(framed(asking()) + framed(b"other"))
    assert packet_from(out.qemu_back) == b"other"
    assert packet_from(into.qemu_back)[34 + 8 + 3] & 15 == 2
    made.stop()
    assert (made.names.asked, made.names.names) == (1, ["lab-probe.invalid"])


def test_a_qemu_that_is_gone_ends_the_relay(directions: tuple[Ends, Ends]) -> None:
    made = relay(directions, Impairment())
    directions[0].qemu_out.close()
    made._thread.join(5)
    assert not made._thread.is_alive()
