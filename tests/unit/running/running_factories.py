"""Cells, plans and attempts for the tests of `lab.running`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab import codec
from lab.clock import Stopwatch
from lab.images.built import BuiltImage
from lab.model import (
    AgentVersion,
    Arm,
    BootPath,
    Cell,
    CellId,
    Family,
    Firmware,
    MachineEvent,
    Observation,
    Plan,
    Profile,
    ScenarioInfo,
    Step,
)
from lab.places import Places
from lab.recording.writer import Recorder
from lab.running.order import CellOrder, HostChoice
from lab.running.spawn import AttemptResult

INSTALLED = AgentVersion(build="1.0", content="289")


def cell(name: str = "one", **changes: Any) -> Cell:
    plain = Cell(
        id=CellId(f"tiny_small_{name}_candidate"),
        image="tiny",
        profile="small",
        scenario=name,
        arm=Arm.CANDIDATE,
        agent="demo-sensor",
        version=AgentVersion(build="1.0", content="291"),
        installed=INSTALLED,
    )
    return replace(plain, **changes)


def image(name: str = "tiny") -> BuiltImage:
    where = Path("/cache/images") / name
    return BuiltImage(
        name=name, directory=where, disk=where / "disk.qcow2", kernel=None, initrd=None, cmdline="",
        firmware=Firmware.BIOS, boot=BootPath.LOADER, family=Family.LINUX, release="Tiny 1",
        kernel_release="6.1", digest="d" * 64, host_key="",
    )  # fmt: skip


def order(recording: Path, of: Cell | None = None, **changes: Any) -> CellOrder:
    home = recording.parents[2] if len(recording.parents) > 2 else recording
    plain = CellOrder(
        run="20260101-1",
        cell=of or cell(),
        attempt=1,
        recording=recording,
        root=home,
        places=Places(cache=home / "cache", state=home / "state", runtime=home / "run"),
        image=image(),
        profile=Profile(name="small"),
        scenario=ScenarioInfo(name="one", path="scenarios/test_one.py", function="test_one"),
        host=HostChoice(name="here", uri="embed", accelerator="tcg", factor=2.0),
    )
    return replace(plain, **changes)


def plan(*cells: Cell) -> Plan:
    return Plan(cells=cells)


def record(directory: Path, *observations: Observation, closed: bool = True) -> Path:
    """A recording on disk, as a cell would have left it."""
    directory.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(directory, Stopwatch())
    for one in observations:
        recorder.add(one)
    if closed:
        recorder.close(scenario="completed", detail="")
    (directory / "attempt.json").write_text(json.dumps({"detect": codec.to_dict(order(directory).detect)}))
    return directory


def ended(outcome: str, t_s: float = 9.0) -> Step:
    return Step(t_s=t_s, name="scenario", phase="end", outcome=outcome, detail={"text": "why"})


def panicked(t_s: float = 5.0) -> MachineEvent:
    return MachineEvent(t_s=t_s, name="panicked", details={"action": "run"})


def started() -> MachineEvent:
    return MachineEvent(t_s=0.1, name="started")


def fault(text: str, t_s: float = 2.0) -> Step:
    return Step(t_s=t_s, name="lab-fault", phase="note", detail={"error": text})


def result(of: Cell, **changes: Any) -> AttemptResult:
    plain = AttemptResult(
        cell=of.id, attempt=1, recording="/r/a1", scenario="completed", title="", fatal=False,
        lab_fault="", seconds=12.0,
    )  # fmt: skip
    return replace(plain, **changes)


class Told:
    """An observer that remembers what it was told."""

    def __init__(self, on_cell: Callable[[str, str], None] = lambda _id, _state: None) -> None:
        self.images: list[tuple[str, str, str]] = []
        self.cells: list[tuple[str, str]] = []
        self.hosts: list[tuple[str, str]] = []
        self._on_cell = on_cell

    def image(self, name: str, state: str, detail: str = "") -> None:
        self.images.append((name, state, detail))

    def host(self, name: str, changed: str) -> None:
        self.hosts.append((name, changed))

    def cell(self, of: Cell, state: str, results: Any = ()) -> None:
        self.cells.append((of.id, state))
        self._on_cell(of.id, state)
