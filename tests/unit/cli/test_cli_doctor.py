"""The doctor's table: each host a column, each problem with what mends it."""

from __future__ import annotations

import pytest
from rich.console import Console

from lab.cli import doctor
from lab.machine import host
from lab.machine.host import HostReport, Problem
from lab.machine.probe import Acceleration, Trial
from lab.selftest.results import CanaryResult, Proven, detectors_digest

KVM = "failed to set MSR 0x10a to 0x69 (/dev/kvm opens but cannot run a guest)"
EMULATED = Acceleration(
    accelerator="tcg",
    factor=1.4,
    trials=(
        Trial(accelerator="kvm", works=False, seconds=1.6, reason=KVM),
        Trial(accelerator="tcg", works=True, seconds=5.6, reason="booted firmware in 5.6 s"),
    ),
    measured="2026-01-01T00:00:00Z",
)
HERE = HostReport(
    name="here", uri="embed", libvirt="9.0.0", qemu="7.2.22", acceleration=EMULATED, cpus=2,
    memory_mib=8192, free_memory_mib=6000, free_disk_gib=40.5, ovmf=True, slots=2,
    missing_tools=("mmdebstrap",),
    problems=(
        Problem(what="images cannot be built: no mmdebstrap", mend="apt-get install mmdebstrap", fatal=False),
    ),
)  # fmt: skip
FAR = HostReport(
    name="far", uri="qemu+ssh://h/system",
    problems=(Problem(what="libvirt host 'qemu+ssh://h/system' cannot be reached", mend="", fatal=True),),
)  # fmt: skip

PROVEN = Proven(
    host="here", when="2026-01-01T00:00:00Z", lab="0.1", qemu="7.2.22", detectors=detectors_digest(),
    canaries=(
        CanaryResult(name="panic", expected=("event",), ok=True),
        CanaryResult(name="oom", expected=("serial",), ok=False, problem="not seen by serial"),
    ),
)  # fmt: skip


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(doctor, "out", Console(width=200, highlight=False))
    doctor.show((HERE, FAR), {"here": PROVEN})
    return capsys.readouterr().out


def test_the_accelerator_comes_with_how_it_was_decided(shown: str) -> None:
    assert "tcg" in shown
    assert KVM in shown
    assert "booted firmware in 5.6 s" in shown
    assert "1.4x the reference time" in shown


def test_a_host_that_was_not_reached_has_dashes_and_its_problem(shown: str) -> None:
    assert "far: libvirt host 'qemu+ssh://h/system' cannot be reached" in shown
    row = next(line for line in shown.splitlines() if line.startswith("libvirt"))
    assert row.split() == ["libvirt", "9.0.0", "-"]


def test_each_problem_is_followed_by_what_mends_it(shown: str) -> None:
    lines = [line.strip() for line in shown.splitlines()]
    at = lines.index("here: images cannot be built: no mmdebstrap")
    assert lines[at + 1] == "apt-get install mmdebstrap"


def test_a_host_is_usable_while_no_problem_is_fatal() -> None:
    assert (HERE.usable, FAR.usable) == (True, False)


def test_a_host_says_whether_its_detectors_were_proven(shown: str) -> None:
    row = next(line for line in shown.splitlines() if line.startswith("detectors"))
    assert "FAILED" in row
    assert "oom" in row
    assert "never proven" in row


def test_the_reader_of_kernel_logs_is_missed_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problems: list[Problem] = []
    monkeypatch.setattr(host.shutil, "which", lambda _name: None)
    assert not host._makedumpfile(problems)
    assert [(one.mend, one.fatal) for one in problems] == [("apt-get install makedumpfile", False)]
    monkeypatch.setattr(host.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert host._makedumpfile([])
