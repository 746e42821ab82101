"""Faults on a real guest: each shows its effect, is undone, and is not taken for the guest's own doing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from faults_on_tiny import AGENT_DIR, FaultyGuest, faulty_guest
from template_orders import template_order
from temporary_lab import TemporaryLab, tiny

from lab.errors import MachineError
from lab.faults.kind import Value
from lab.model import FaultPhase
from lab.running.templating import make
from lab.templates import Template, TemplateStore

pytestmark = [pytest.mark.vm, pytest.mark.timeout(280)]


@dataclass(frozen=True)
class Case:
    """A fault, and commands that succeed while it is on and after it is undone."""

    fault: str
    parameters: dict[str, Value] = field(default_factory=dict)
    during: str = ""
    after: str = ""


WRITE = (
    "{ dd if=/dev/zero of=/root/x bs=4k count=16 conv=fsync 2>/dev/null; "
    "code=$?; rm -f /root/x; [ $code = 0 ]; }"
)
CASES = (
    Case("nic-down", {}, "grep -q 0 /sys/class/net/eth0/carrier", "grep -q 1 /sys/class/net/eth0/carrier"),
    Case("net-loss", {"rate": 1.0}, "! ping -c 1 -W 1 10.0.2.2", "ping -c 1 -W 5 10.0.2.2"),
    Case("net-latency", {"delay_ms": 300.0}, "ping -c 1 10.0.2.2 | grep -q 'time=[6-9][0-9][0-9]'"),
    Case("net-bandwidth", {"kbit_s": 512.0}),
    Case("net-reorder", {"rate": 0.5}),
    Case("dns-failure", {"answer": "servfail"}, "nslookup x.example 10.0.2.3 | grep -q SERVFAIL"),
    Case("disk-slow", {"kib_s": 128.0}),
    Case("disk-error", {"op": "read", "rate": 0.02}, "", "dd if=/dev/vda of=/dev/null bs=1M count=8"),
    Case("disk-error", {"op": "write"}, f"! {WRITE}", WRITE),
    Case("storage-full", {}, "", WRITE),
    Case("disk-full", {"path": "/root"}, f"! {WRITE}", WRITE),
    Case("disk-read-only", {"path": "/root"}, "! touch /root/y", "touch /root/y"),
    Case("file-torn", {"path": f"{AGENT_DIR}/data"}, f"[ $(wc -c <{AGENT_DIR}/data) = 9000 ]"),
    Case("file-truncated", {"path": f"{AGENT_DIR}/data"}, f"[ $(wc -c <{AGENT_DIR}/data) = 4500 ]"),
    Case("file-corrupt", {}, "", f"[ $(wc -c <{AGENT_DIR}/data) = 9000 ]"),
    Case("clock-forward", {"by_s": 86400.0}),
    Case("clock-back", {}),
    Case("tls-skew", {"days": -400.0}),
    Case("memory-squeeze", {}, "", "grep -q '^HugePages_Total: *0' /proc/meminfo"),
    Case("cpu-starvation", {}),
    Case("cpu-steal", {}),
    Case("machine-pause", {}),
    Case("nmi", {}),
    Case("agent-suspend", {}, "", "ps | grep -q '[o]pt/lab-agent'"),
    Case("agent-denied", {}, f"! touch {AGENT_DIR}/x", f"touch {AGENT_DIR}/x && rm {AGENT_DIR}/x"),
    Case("agent-kill", {}, "! ps | grep -q '[o]pt/lab-agent'", "ps | grep -q '[o]pt/lab-agent'"),
    # ext4 aborts its journal for good when a flush fails: what a fault leads to is not undone with it
    Case("disk-error", {"op": "flush"}),
    Case("hard-reset", {}, "", "! ps | grep -q '[o]pt/lab-agent'"),
)


@pytest.fixture(scope="module")
def faulty(lab: TemporaryLab) -> Iterator[FaultyGuest]:
    with faulty_guest(lab, lab.root / "reports" / "faulty") as own:
        yield own


@pytest.mark.parametrize("case", CASES, ids=[f"{case.fault}-{n}" for n, case in enumerate(CASES)])
def test_a_fault_shows_its_effect_and_leaves_none(faulty: FaultyGuest, case: Case) -> None:
    with faulty.faults.injected(case.fault, **case.parameters) as fault:
        assert fault.proven, faulty.marks(case.fault)
        if case.during:
            done = faulty.guest.run(case.during)
            assert done.ok, f"{case.during}: {done.text} {done.error_text}"
    assert list(faulty.marks(case.fault)) == [
        FaultPhase.PLANNED, FaultPhase.INJECTED, FaultPhase.PROVEN, FaultPhase.UNDONE,
    ]  # fmt: skip
    if case.after:
        done = faulty.guest.run(case.after)
        assert done.ok, f"{case.after}: {done.text} {done.error_text}"


def test_no_fault_was_taken_for_the_guests_own_doing(faulty: FaultyGuest) -> None:
    fatal = [finding for finding in faulty.findings() if finding.fatal]
    assert not fatal


@pytest.fixture(scope="module")
def template(lab: TemporaryLab) -> Iterator[Template]:
    order = template_order(tiny(), lab.places, memory_mib=256)
    made = make(order)
    yield made
    TemplateStore(order.places).drop(made)


def test_a_power_cut_keeps_what_was_flushed_and_only_that(lab: TemporaryLab, template: Template) -> None:
    with faulty_guest(lab, lab.root / "reports" / "cut", template=template) as own:
        before = own.guest.checkpoint()
        own.guest.run("dd if=/dev/urandom of=/root/flushed bs=64k count=8 conv=fsync && sync", check=True)
        digest = own.guest.run("sha256sum /root/flushed").text
        own.guest.run("dd if=/dev/urandom of=/root/cached bs=64k count=8", check=True)
        with own.faults.injected("power-cut"):
            own.guest.wait_rebooted()
        assert own.guest.run("sha256sum /root/flushed").text == digest
        assert not own.guest.run("[ -s /root/cached ]").ok
        assert "/opt/lab-agent" not in own.guest.run("ps").text

        own.guest.restore(before)
        assert not own.guest.run("[ -e /root/flushed ]").ok
        assert "/opt/lab-agent" in own.guest.run("ps").text
        with pytest.raises(MachineError, match="is a clone, whose balloon must not be used"):
            own.faults.inject("memory-balloon")
        assert not [finding for finding in own.findings() if finding.fatal]
    assert Path(template.ram).stat().st_blocks > 0
