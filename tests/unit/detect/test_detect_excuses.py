"""What a fault of the lab brings about is told apart, and a crash under it is still a crash."""

from __future__ import annotations

from lab.detect import detected
from lab.model import DetectSettings, FaultMark, FaultPhase, FindingKind, MachineEvent, Observation


def mark(phase: FaultPhase, t_s: float, *masks: str, fault: str = "disk-error") -> FaultMark:
    return FaultMark(t_s=t_s, fault=fault, phase=phase, id=f"{fault}-1", masks=masks)


def io_error(t_s: float) -> MachineEvent:
    return MachineEvent(t_s=t_s, name="io-error", details={"operation": "write", "action": "report"})


def panicked(t_s: float) -> MachineEvent:
    return MachineEvent(t_s=t_s, name="panicked")


def run(*observations: Observation) -> tuple[list[FindingKind], list[str]]:
    found = detected([MachineEvent(t_s=0.0, name="started"), *observations], DetectSettings())
    return [one.kind for one in found.findings], [one.suppressed for one in found.suppressed]


def test_an_io_error_of_the_labs_making_is_no_finding() -> None:
    found, apart = run(mark(FaultPhase.PLANNED, 1.0, "io"), io_error(2.0), mark(FaultPhase.UNDONE, 3.0, "io"))
    assert found == []
    assert apart == ["the fault disk-error, which the lab had put on the guest, brings this about"]


def test_an_io_error_before_or_long_after_the_fault_is_the_hosts() -> None:
    planned, undone = mark(FaultPhase.PLANNED, 10.0, "io"), mark(FaultPhase.UNDONE, 11.0, "io")
    assert run(io_error(1.0), planned, undone)[0] == [FindingKind.IO_ERROR]
    assert run(planned, undone, io_error(30.0))[0] == [FindingKind.IO_ERROR]


def test_a_fault_that_masks_something_else_excuses_no_io_error() -> None:
    assert run(mark(FaultPhase.PLANNED, 1.0, "silence"), io_error(2.0))[0] == [FindingKind.IO_ERROR]


def test_no_fault_excuses_a_panic() -> None:
    masks = ("io", "stall", "silence", "clock", "reboot", "nmi")
    assert run(mark(FaultPhase.PLANNED, 1.0, *masks), panicked(2.0))[0] == [FindingKind.PANIC]


def test_a_fault_that_was_never_undone_excuses_to_the_end() -> None:
    planned, failed = mark(FaultPhase.PLANNED, 1.0, "io"), mark(FaultPhase.FAILED, 2.0, "io")
    assert run(planned, failed, io_error(60.0))[0] == []
