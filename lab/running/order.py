"""Everything a cell process needs to know, as one value that survives on disk for `lab repro`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.images.built import BuiltImage
from lab.model import (
    BootPath,
    Cell,
    DetectSettings,
    EvidencePolicy,
    Identity,
    Profile,
    ScenarioInfo,
    SoakPlan,
    Timeouts,
)
from lab.places import Places
from lab.templates import Template

WARPED_PATIENCE = 4.0
"""A guest whose idle time is skipped is never idle for us: it answers when its own timers let it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostChoice:
    """The host an attempt runs on, as measured."""

    name: str
    uri: str
    accelerator: str
    factor: float
    libvirt: str = ""
    qemu: str = ""
    cpu: str = ""
    """Model and microcode of its CPUs, and its kernel where that is ours: what a guest under KVM sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What lies between this attempt and the one before, which was cut short."""

    after: int
    """Number of that attempt."""
    gap_s: float
    """In which nobody looked at the cell."""
    sampled_s: float = 0.0
    """Of a soak, in all attempts before."""


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
    usual_boot_s: float = 0.0
    """The image's own boot time on this host, from earlier runs; 0 when unknown."""
    expected_boots: int = 0
    """Resets that the image makes by itself after its first start."""
    evidence: EvidencePolicy = field(default_factory=EvidencePolicy)
    keep_hours: float = 0.0
    """Keep the guest so long at the first failure (`lab repro --shell`), or 0."""
    tools: tuple[tuple[str, Path], ...] = ()
    """The user's programs for loads on Windows guests, by name."""
    artefacts: tuple[tuple[str, str], ...] = ()
    """(name, sha256) that the first run used; a repro refuses others."""
    soak: SoakPlan = field(default_factory=SoakPlan)
    """For a soak scenario."""
    resumed: Resumed | None = None
    """Set when the run was resumed and an earlier attempt had been cut short."""
    template: Template | None = None
    """Start as a clone of it; None for a boot from power-off."""
    cold: str = ""
    """Why it boots from power-off, "" for a clone."""
    identity: Identity = Identity.KEEP
    """Whether a clone is the machine that its template was, or another one."""

    @property
    def timeouts(self) -> Timeouts:
        """The cell's, with the host's speed and a warped clock's patience in them."""
        patience = WARPED_PATIENCE if self.profile.time_warp else 1.0
        return self.cell.timeouts.scaled(self.host.factor * patience)

    @property
    def detect(self) -> DetectSettings:
        """Detector settings with the host's speed already in them."""
        return DetectSettings(
            boot_s=self.timeouts.boot_s,
            heartbeat_s=self.timeouts.heartbeat_s,
            loop_resets=self.loop_resets,
            usual_boot_s=self.usual_boot_s,
            expected_boots=self.expected_boots,
            blind=blind(self.image),
        )

    @property
    def deadline_s(self) -> float:
        """When the cell's process is killed, from its start."""
        own = self.soak.for_s if self.scenario.soak else 0.0
        return self.cell.timeouts.scaled(self.host.factor).cell_s + own

    def from_power_off(self, reason: str) -> CellOrder:
        """The same without a template."""
        return replace(self, template=None, cold=reason)

    def again(self, recording: Path, attempt: int, *, keep_hours: float = 0.0) -> CellOrder:
        """The same inputs, recorded elsewhere."""
        return replace(self, recording=recording, attempt=attempt, keep_hours=keep_hours)


def blind(image: BuiltImage) -> tuple[str, ...]:
    """Channels that cannot see a crash of this image: a kernel that QEMU loads itself and that writes only
    to its serial console leaves the screen as the firmware left it."""
    if image.boot is not BootPath.DIRECT:
        return ()
    consoles = [word.partition("=")[2] for word in image.cmdline.split() if word.startswith("console=")]
    serial_only = bool(consoles) and not any(console.startswith("tty0") for console in consoles)
    return ("screen",) if serial_only else ()
