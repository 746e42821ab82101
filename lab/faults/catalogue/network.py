"""Faults of the network."""

from __future__ import annotations

from lab.faults.catalogue.families import BOTH
from lab.faults.kind import Kind, Parameter
from lab.faults.network import faults

NETWORK = "a network card, and QEMU on the host that runs the lab"
LINE_UNDO = "what waits is delivered and the diversion is taken away"

KINDS = (
    Kind(
        name="nic-down",
        what="pulls the network cable",
        proof="the guest's card has no carrier",
        undo="the link is set up",
        make=faults.NicDown,
        families=BOTH,
        needs="a network card",
    ),
    Kind(
        name="net-loss",
        what="drops packets in both directions",
        proof="the lab's own count of packets that it dropped",
        undo=LINE_UNDO,
        make=faults.loss,
        families=BOTH,
        needs=NETWORK,
        parameters=(
            Parameter(
                name="rate",
                meaning="share of the packets",
                default=0.2,
                low=0.001,
                high=1,
                drawn=(0.05, 0.5),
            ),
        ),
    ),
    Kind(
        name="net-latency",
        what="delays packets in both directions; their order stays",
        proof="the lab's own count, and the median of the delays",
        undo=LINE_UNDO,
        make=faults.latency,
        families=BOTH,
        needs=NETWORK,
        parameters=(
            Parameter(
                name="delay_ms",
                meaning="each way",
                default=200.0,
                unit="ms",
                low=1,
                high=60000,
                drawn=(50, 800),
            ),
            Parameter(
                name="jitter_ms",
                meaning="added evenly from 0 on",
                default=0.0,
                unit="ms",
                low=0,
                high=60000,
                drawn=(0, 100),
            ),
        ),
    ),
    Kind(
        name="net-bandwidth",
        what="limits the line's speed; more than a second's worth of backlog is dropped",
        proof="the lab's own count of packets that queued behind others, and the longest wait",
        undo=LINE_UNDO,
        make=faults.bandwidth,
        families=BOTH,
        needs=NETWORK,
        parameters=(
            Parameter(
                name="kbit_s",
                meaning="each way",
                default=64.0,
                unit="kbit/s",
                low=1,
                high=1e6,
                drawn=(32, 512),
            ),
        ),
    ),
    Kind(
        name="net-reorder",
        what="holds packets back so that others overtake them",
        proof="the lab's own count of packets that it held back",
        undo=LINE_UNDO,
        make=faults.reorder,
        families=BOTH,
        needs=NETWORK,
        parameters=(
            Parameter(
                name="rate",
                meaning="share of the packets",
                default=0.25,
                low=0.001,
                high=1,
                drawn=(0.1, 0.5),
            ),
            Parameter(
                name="late_ms",
                meaning="how long they are held",
                default=20.0,
                unit="ms",
                low=1,
                high=10000,
            ),
        ),
    ),
    Kind(
        name="dns-failure",
        what="lets no name server answer the guest, or answers with an error in its place",
        proof="the lab's own count of questions, and the names",
        undo=LINE_UNDO,
        make=faults.dns,
        families=BOTH,
        needs=NETWORK,
        parameters=(
            Parameter(
                name="answer",
                meaning="what the guest gets",
                default="timeout",
                choices=("timeout", "servfail", "nxdomain"),
            ),
        ),
    ),
)
