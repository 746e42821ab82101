"""As much of Ethernet, IPv4, UDP and DNS as it takes to find a guest's question and answer it badly. Pure.

Sources: RFC 791 (IPv4), RFC 768 (UDP), RFC 1035 section 4.1 (DNS), RFC 1071 (checksum).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

ETHERNET = 14
IPV4 = 0x0800
TCP, UDP = 6, 17
DNS_PORT = 53
DNS_HEADER = 12
RCODES = {"servfail": 2, "nxdomain": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A packet that asks a name server."""

    packet: bytes
    header: int
    """Bytes of its IPv4 header."""
    udp: bool

    @property
    def name(self) -> str:
        """What is asked for, or "" where it cannot be read."""
        if not self.udp:
            return ""
        at, labels = ETHERNET + self.header + 8 + DNS_HEADER, []
        while at < len(self.packet) and 0 < (size := self.packet[at]) < 64:
            labels.append(self.packet[at + 1 : at + 1 + size].decode("ascii", "replace"))
            at += 1 + size
        return ".".join(labels)


def question(packet: bytes) -> Question | None:
    """The packet as a question to a name server; None for every other packet."""
    if len(packet) < ETHERNET + 20 or struct.unpack_from(">H", packet, 12)[0] != IPV4:
        return None
    version, protocol = packet[ETHERNET] >> 4, packet[ETHERNET + 9]
    header = (packet[ETHERNET] & 15) * 4
    at = ETHERNET + header
    if version != 4 or header < 20 or protocol not in (TCP, UDP) or len(packet) < at + 8:
        return None
    if struct.unpack_from(">H", packet, at + 2)[0] != DNS_PORT:
        return None
    udp = protocol == UDP
    if udp and (len(packet) < at + 8 + DNS_HEADER or packet[at + 8 + 2] & 0x80):
        return None  # an answer, or too short to be anything
    return Question(packet=packet, header=header, udp=udp)


def refused(asked: Question, rcode: int) -> bytes:
    """The server's answer without any: the question with its error. Of a question over UDP only."""
    packet, at = asked.packet, ETHERNET + asked.header
    length = struct.unpack_from(">H", packet, at + 4)[0]
    dns = bytearray(packet[at + 8 : at + max(8 + DNS_HEADER, length)])
    dns[2] |= 0x80  # an answer
    dns[3] = 0x80 | rcode  # recursion was available
    source, target = packet[ETHERNET + 12 : ETHERNET + 16], packet[ETHERNET + 16 : ETHERNET + 20]
    ports = packet[at : at + 2], packet[at + 2 : at + 4]
    udp = ports[1] + ports[0] + struct.pack(">HH", 8 + len(dns), 0) + bytes(dns)  # 0: no checksum
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, UDP, 0) + target + source
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return packet[6:12] + packet[0:6] + packet[12:14] + head + udp


def checksum(data: bytes) -> int:
    """The Internet checksum of an even number of bytes."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)
