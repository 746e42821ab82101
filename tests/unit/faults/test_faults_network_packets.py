"""Questions to name servers are found among packets, and answered with an error."""

from __future__ import annotations

import socket
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.faults.network.packets import ETHERNET, checksum, question, refused

GUEST, SERVER = b"\x52\x54\x00\x1a\xb0\x01", b"\x52\x55\x0a\x00\x02\x03"
NAME = b"\x09lab-probe\x07invalid\x00"
DNS = struct.pack(">HHHHHH", 0x4C41, 0x0100, 1, 0, 0, 0) + NAME + struct.pack(">HH", 1, 1)


def udp(payload: bytes = DNS, *, port: int = 53, protocol: int = 17) -> bytes:
    body = struct.pack(">HHHH", 40000, port, 8 + len(payload), 0) + payload
    addresses = socket.inet_aton("10.0.2.15") + socket.inet_aton("10.0.2.3")
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, protocol, 0) + addresses
    return SERVER + GUEST + b"\x08\x00" + head + body


def test_a_question_is_known_by_its_port_and_read_for_its_name() -> None:
    asked = question(udp())
    assert asked is not None
    assert asked.name == "lab-probe.invalid"


def test_other_packets_are_no_questions() -> None:
    answer = bytearray(udp())
    answer[ETHERNET + 20 + 8 + 2] |= 0x80
    ipv6 = bytearray(udp())
    ipv6[12:14] = b"\x86\xdd"
    for packet in (udp(port=54), udp(protocol=1), bytes(answer), bytes(ipv6), udp()[:30], b""):
        assert question(packet) is None


def test_a_question_over_tcp_is_found_though_not_read() -> None:
    asked = question(udp(protocol=6))
    assert asked is not None
    assert (asked.udp, asked.name) == (False, "")


def test_the_error_goes_back_to_who_asked_and_repeats_the_question() -> None:
    asked = question(udp())
    assert asked is not None
    reply = refused(asked, 2)
    assert reply[:12] == GUEST + SERVER
    head, body = reply[14:34], reply[34:]
    assert socket.inet_ntoa(head[12:16]) == "10.0.2.3"
    assert socket.inet_ntoa(head[16:20]) == "10.0.2.15"
    assert checksum(head) == 0
    assert struct.unpack(">HHHH", body[:8]) == (53, 40000, len(body), 0)
    assert struct.unpack(">H", head[2:4])[0] == len(head) + len(body)
    answer = body[8:]
    assert answer[:2] == DNS[:2]
    assert answer[2] & 0x80
    assert answer[3] & 15 == 2
    assert answer[4:] == DNS[4:]


@settings(max_examples=200)
@given(st.binary(max_size=120))
def test_no_bytes_whatsoever_break_the_reading(noise: bytes) -> None:
    for packet in (noise, udp()[:14] + noise, udp(noise)):
        asked = question(packet)
        if asked is not None and asked.udp:
            assert isinstance(asked.name, str)
            assert refused(asked, 3)
