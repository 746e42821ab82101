"""Everything a cell process needs to know, as one value that survives on disk for `lab repro`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lab.images.built import BuiltImage
from lab.model import Cell, DetectSettings, Profile, ScenarioInfo
from lab.places import Places


@dataclass(frozen=True, slots=True, kw_only=True)
class HostChoice:
    """The host an attempt runs on, as measured."""

    name: str
    uri: str
    accelerator: str
    factor: float
    libvirt: str = ""
    qemu: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellOrder:
    """One attempt of one cell, complete: whoever has this can run it."""

    run: str
    cell: Cell
    attempt: int
    recording: Path
    root: Path
    """Directory of lab.yaml."""
    places: Places
    image: BuiltImage
    profile: Profile
    scenario: ScenarioInfo
    host: HostChoice
    loop_resets: int = 3
    keep_hours: float = 0.0
    """Keep the guest so long at the first failure (`lab repro --shell`), or 0."""
    artefacts: tuple[tuple[str, str], ...] = ()
    """(name, sha256) that the first run used; a repro refuses others."""

    @property
    def detect(self) -> DetectSettings:
        """Detector settings with the host's speed already in them."""
        scaled = self.cell.timeouts.scaled(self.host.factor)
        return DetectSettings(
            boot_s=scaled.boot_s, heartbeat_s=scaled.heartbeat_s, loop_resets=self.loop_resets
        )

    @property
    def deadline_s(self) -> float:
        """When the cell's process is killed, from its start."""
        return self.cell.timeouts.scaled(self.host.factor).cell_s

    def again(self, recording: Path, attempt: int, *, keep_hours: float = 0.0) -> CellOrder:
        """The same inputs, recorded elsewhere."""
        return replace(self, recording=recording, attempt=attempt, keep_hours=keep_hours)
