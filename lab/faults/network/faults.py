"""Faults of the network: the cable, a bad line, and name servers that fail."""

from __future__ import annotations

import contextlib
import socket
from statistics import median

from lab.errors import MachineError
from lab.faults.kind import Values, number, text
from lab.faults.network.impairment import Counts, Impairment, Line
from lab.faults.network.relay import Relay
from lab.faults.subject import Subject
from lab.guest import shell
from lab.machine import netfilter
from lab.machine.netfilter import Diversion
from lab.model import Family

PROBE_NAME = "lab-probe.invalid"
PROBE_S = 3.0
KNOCKS = 8
"""Connections that are tried to see the line at work."""
BURST = b"SSH-2.0-lab\r\n" + bytes(16384)
"""What a guest's SSH server is sent in one go: an introduction, and nothing that is a login."""
# A question for PROBE_NAME to QEMU's own name server, whatever resolver the guest is set to: busybox has a
# program for it, bash can write to a UDP port.
ASK = r"""
if command -v nslookup >/dev/null 2>&1; then
    timeout 5 nslookup "$1" 10.0.2.3 2>&1 | tail -n 1
elif command -v bash >/dev/null 2>&1; then
    timeout 5 bash -c 'exec 3<>/dev/udp/10.0.2.3/53 &&
        printf "LA\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09lab-probe\x07invalid\x00\x00\x01\x00\x01" >&3 &&
        timeout 3 head -c 4 <&3 | od -An -tx1'
else
    timeout 5 getent hosts "$1"
fi
true
"""
ASK_WINDOWS = "Resolve-DnsName -Name {name} -QuickTimeout -ErrorAction SilentlyContinue | Out-Null"


class NicDown:
    """The cable pulled."""

    in_guest = False

    def __init__(self, subject: Subject, _values: Values) -> None:
        self._subject = subject

    def inject(self) -> None:
        netfilter.set_link(self._subject.domain, up=False)

    def prove(self) -> str:
        if self._subject.family is Family.WINDOWS:
            return self._windows("Disconnected")
        return "the guest sees no carrier on its network card" if self._carrier() == "0" else ""

    def undo(self) -> str:
        netfilter.set_link(self._subject.domain, up=True)
        return "QEMU has set the link up"

    def _carrier(self) -> str:
        """`0` when no card but the loopback has a carrier; an interface that is down cannot be read."""
        script = (
            "for card in /sys/class/net/*; do [ ${card##*/} = lo ] || cat $card/carrier 2>/dev/null; done"
        )
        told = self._subject.guest.run(script).text.split()
        return "0" if told and "1" not in told else "1"

    def _windows(self, wanted: str) -> str:
        done = self._subject.guest.run(
            ["powershell.exe", "-NoProfile", "-Command", "(Get-NetAdapter -Physical).Status"]
        )
        return f"the guest's network card is {wanted}" if wanted in done.text else ""


class BadLine:
    """Loss, latency, bandwidth, order: one of them, or names that are not resolved."""

    in_guest = False

    def __init__(self, subject: Subject, impairment: Impairment, *, names: str = "") -> None:
        self._subject = subject
        self._impairment = impairment
        self._names = names
        self._number = subject.injections
        self._out = Line(impairment, subject.draw("out"))
        self._into = Line(impairment, subject.draw("into"))
        self._diversions: list[Diversion] = []
        self._relay: Relay | None = None

    def inject(self) -> None:
        directory = self._subject.machine.run_dir
        for queue in ("rx", "tx"):
            diversion = Diversion(self._subject.domain, directory, f"n{self._number}{queue[0]}", queue)
            self._diversions.append(diversion)
        from_guest, to_guest = self._diversions
        self._relay = Relay((from_guest, self._out), (to_guest, self._into), names=self._names)
        self._relay.start()

    def prove(self) -> str:
        if self._names:
            self._ask()
            return self._names_failed()
        for _ in range(KNOCKS):
            if evidence := self._evidence():
                return evidence
            self._knock()
        return self._evidence()

    def undo(self) -> str:
        if self._relay is not None:
            self._relay.stop()
        for diversion in self._diversions:
            diversion.close()
        seen = self._out.counts.seen + self._into.counts.seen
        return f"packets pass QEMU by themselves again; {seen} went through the bad line"

    def _evidence(self) -> str:
        """What has happened to packets so far, "" while the line has not shown itself."""
        bad = self._impairment
        both = (self._out.counts, self._into.counts)
        seen, lost = sum(one.seen for one in both), sum(one.lost for one in both)
        held, overtaken = sum(one.held for one in both), sum(one.overtaken for one in both)
        if bad.loss:
            return f"{lost} of {seen} packets were dropped" if lost else ""
        if bad.reorder:
            return (
                f"{overtaken} of {seen} packets were held back {bad.late_s * 1000:.0f} ms"
                if overtaken
                else ""
            )
        if bad.bits_per_s:
            return _bandwidth(both, bad.bits_per_s) if any(one.queued for one in both) else ""
        typical_ms = median([*self._out.counts.delays_s, *self._into.counts.delays_s] or [0.0]) * 1000
        return f"{held} of {seen} packets were held, the median {typical_ms:.0f} ms" if held else ""

    def _knock(self) -> None:
        """A connection to the guest's SSH port: packets in both directions, whether it answers or not.

        More of them come at a time than a slow line takes.
        """
        port = self._subject.machine.ssh_port()
        address = ("127.0.0.1", port)
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=PROBE_S) as line:
            line.settimeout(PROBE_S)
            line.sendall(BURST)
            line.recv(64)

    def _ask(self) -> None:
        if self._subject.family is Family.WINDOWS:
            command = ASK_WINDOWS.format(name=PROBE_NAME)
            self._subject.guest.run(["powershell.exe", "-NoProfile", "-Command", command])
        else:
            self._subject.guest.run([shell.SH, "-c", ASK, "ask", PROBE_NAME])

    def _names_failed(self) -> str:
        if self._relay is None or not self._relay.names.asked:
            return ""
        names = ", ".join(dict.fromkeys(self._relay.names.names)) or "over TCP"
        became = "dropped" if self._names == "timeout" else f"answered with {self._names}"
        return f"{self._relay.names.asked} questions to name servers were {became} ({names})"


def _bandwidth(both: tuple[Counts, Counts], bits_per_s: float) -> str:
    moved = sum(one.bytes for one in both)
    longest = max(one.longest_s for one in both)
    queued = sum(one.queued for one in both)
    words = f"{moved} bytes at {bits_per_s / 1000:g} kbit/s: {queued} packets waited for others before them"
    return f"{words}, the longest {longest:.2f} s"


def loss(subject: Subject, values: Values) -> BadLine:
    return BadLine(subject, Impairment(loss=number(values, "rate")))


def latency(subject: Subject, values: Values) -> BadLine:
    delay_s, jitter_s = number(values, "delay_ms") / 1000, number(values, "jitter_ms") / 1000
    return BadLine(subject, Impairment(delay_s=delay_s, jitter_s=jitter_s))


def bandwidth(subject: Subject, values: Values) -> BadLine:
    return BadLine(subject, Impairment(bits_per_s=number(values, "kbit_s") * 1000))


def reorder(subject: Subject, values: Values) -> BadLine:
    return BadLine(
        subject, Impairment(reorder=number(values, "rate"), late_s=number(values, "late_ms") / 1000)
    )


def dns(subject: Subject, values: Values) -> BadLine:
    if subject.machine.order.profile.network == "none":
        raise MachineError("the guest has no network (wanted a profile with one)")
    return BadLine(subject, Impairment(), names=text(values, "answer"))
