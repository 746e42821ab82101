"""What lab.yaml means: frozen values, defaults filled in, paths absolute. Reads nothing, checks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.model import (
    AgentVersion,
    Arm,
    EvidencePolicy,
    GatePolicy,
    Identity,
    Profile,
    SoakPlan,
    TestPlan,
    Timeouts,
)
from lab.places import Places


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """Extra cells: the axes that are named take these values, the others those of the matrix (empty)."""

    image: tuple[str, ...] = ()
    profile: tuple[str, ...] = ()
    scenario: tuple[str, ...] = ()
    arm: tuple[Arm, ...] = ()
    seed: tuple[int, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclude:
    """Cells of the matrix that are not run, and why."""

    select: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The axes of the plan; names may be patterns, matched against what there is."""

    images: tuple[str, ...]
    profiles: tuple[str, ...]
    scenarios: tuple[str, ...]
    seeds: tuple[int, ...] = (1,)
    repetitions: int = 1
    include: tuple[Include, ...] = ()
    exclude: tuple[Exclude, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Settings of the cells that a pattern selects; None leaves a setting as it is."""

    select: str
    timeouts: Mapping[str, float] = field(default_factory=dict)
    """Only those that change, by the field names of `Timeouts` (`boot_s`, ...), in seconds."""
    memory_mib: int | None = None
    vcpus: int | None = None
    repetitions: int | None = None
    count_loops: bool | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSpec:
    """A machine that runs VMs, as lab.yaml names it."""

    name: str
    uri: str = "embed"
    """`embed` (libvirt inside our process) or a libvirt URI."""
    slots: int | None = None
    """Guests at a time; None lets the host's processors and memory decide."""
    memory_mib: int | None = None
    """Memory guests may use together; None takes what is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A stage of the roll-out. Cells that no ring selects run after the last one."""

    name: str
    select: str
    stop_on_failure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Clones:
    """Whether cells may start as clones of a booted guest."""

    use: bool = True
    warm: bool = True
    """With the installed agent on it."""
    cache_mib: int = 20 * 1024
    identity: Identity = Identity.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """The user's files for an image, and its variant; None where nothing is said."""

    iso: Path | None = None
    virtio: Path | None = None
    openssh: Path | None = None
    edition: str | None = None
    language: str | None = None
    updates: tuple[Path, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """One lab.yaml, ready to plan from."""

    path: Path
    root: Path
    """Directory of lab.yaml: images/, agents/ and scenarios/ are looked for here."""
    agent: str
    installed: AgentVersion
    arms: Mapping[Arm, tuple[AgentVersion, ...]]
    matrix: Matrix
    profiles: Mapping[str, Profile]
    places: Places
    reports: Path
    overrides: tuple[Override, ...] = ()
    hosts: tuple[HostSpec, ...] = (HostSpec(name="here"),)
    rings: tuple[Ring, ...] = ()
    timeouts: Timeouts = field(default_factory=Timeouts)
    loop_resets: int = 3
    gate: GatePolicy = field(default_factory=GatePolicy)
    compare: TestPlan = field(default_factory=TestPlan)
    evidence: EvidencePolicy = field(default_factory=EvidencePolicy)
    clones: Clones = field(default_factory=Clones)
    soak: SoakPlan = field(default_factory=SoakPlan)
    census: Mapping[str, float] = field(default_factory=dict)
    """Image pattern to the fleet share of each image it matches; the first that matches counts."""
    media: Mapping[str, Media] = field(default_factory=dict)
    """Image pattern to the user's files for the images it matches; later ones win."""
    tools: Mapping[str, Path] = field(default_factory=dict)
    """The user's programs for loads on Windows guests: `diskspd`, `package`."""
    where: Mapping[str, str] = field(default_factory=dict)
    """Dotted path to its place: `matrix.images[2]` -> `lab.yaml:14:17`."""

    def place(self, dotted: str) -> str:
        """Where a setting was written, or the file when it is a default."""
        return self.where.get(dotted, f"{self.path.name}:1:1")
