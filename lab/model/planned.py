"""What is planned: arms, images, profiles, scenarios, cells, and the plan they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

CellId = NewType("CellId", str)
"""Readable identity of a cell: axes in fixed order joined by `_`; file-name safe."""


class Arm(StrEnum):
    """Which agent a cell gets: the released one or the one that may ship."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"


class Level(StrEnum):
    """The five levels a scenario can test at, from small to whole."""

    MODULE = "module"
    COMPONENT = "component"
    FEATURE = "feature"
    PRODUCT = "product"
    PRODUCTION = "production"


class Family(StrEnum):
    """Operating-system family of an image."""

    LINUX = "linux"
    WINDOWS = "windows"


class Firmware(StrEnum):
    """How the machine starts its disk."""

    BIOS = "bios"
    UEFI = "uefi"


class BootPath(StrEnum):
    """Who loads the kernel: QEMU itself (`direct`) or the image's own boot loader."""

    DIRECT = "direct"
    LOADER = "loader"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentVersion:
    """What of the agent is on a guest: installed software and content, two separate axes."""

    build: str
    content: str

    def __str__(self) -> str:
        return f"build {self.build} + content {self.content}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Virtual hardware of a machine."""

    name: str
    vcpus: int = 1
    memory_mib: int = 512
    firmware: Firmware = Firmware.BIOS
    tpm: bool = False
    disk_bus: str = "virtio"
    nic: str = "virtio"
    secure_boot: bool = False
    """UEFI with Microsoft's keys enrolled."""
    video: str = "vga"
    """`vga`, `qxl` or `virtio`."""
    network: str = "isolated"
    """`isolated` (only the lab reaches the guest), `none`, or `outbound` (user-mode NAT)."""
    time_warp: bool = False
    """Emulated with instruction counting: the clock of an idle guest runs ahead of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Deadlines in seconds before scaling by the host's measured speed factor."""

    boot_s: float = 120.0
    command_s: float = 60.0
    reboot_s: float = 150.0
    heartbeat_s: float = 30.0
    """Silence on every channel that is called a lost heartbeat."""
    closing_s: float = 2.0
    """A scenario that went well ends no sooner after the last thing that it did to the guest or its agent."""
    linger_s: float = 3.0
    """Time a machine is kept after a fatal finding so that the evidence completes."""
    loop_s: float = 150.0
    """Time a machine is kept after a fatal finding when the scenario counts boot loops."""
    cell_s: float = 900.0
    """The whole attempt; its process is killed at this deadline."""

    def scaled(self, factor: float) -> Timeouts:
        """The same deadlines for a host that is `factor` times as slow as the reference."""
        return Timeouts(**{name: getattr(self, name) * factor for name in Timeouts.__dataclass_fields__})


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectSettings:
    """What detectors need to know beside the recording; times already scaled."""

    boot_s: float = 120.0
    heartbeat_s: float = 30.0
    loop_resets: int = 3
    """Unexpected resets that make a boot loop (fatal)."""
    usual_boot_s: float = 0.0
    """The image's own boot time on this host, measured; 0 when unknown."""
    expected_boots: int = 0
    """Resets that the image makes by itself after its first start (a quirk in its recipe)."""
    blind: tuple[str, ...] = ()
    """Channels that cannot see crashes of this guest (`screen` where direct boot leaves no text)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """What planning and reporting need to know of an image."""

    name: str
    kind: str
    family: Family = Family.LINUX
    release: str = ""
    """For people: `Debian 12 (bookworm)`."""
    kernel: str = ""
    """Kernel or build number: expected before the build, exact after it."""
    firmware: Firmware = Firmware.BIOS
    boot: BootPath = BootPath.DIRECT
    min_memory_mib: int = 256
    needs_tpm: bool = False
    built: bool = False
    digest: str = ""
    stand_in: bool = False
    """It only looks like what its family says, and is told as such wherever it is named."""
    unrunnable: str = ""
    """Why no cell can use it here (needs the user's file, ...), or ""."""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioInfo:
    """A scenario found in scenarios/, without importing it."""

    name: str
    path: str
    """Relative to the directory of lab.yaml."""
    function: str
    level: Level = Level.FEATURE
    summary: str = ""
    """First line of its docstring."""
    count_loops: bool = False
    cold_boot: bool = False
    starts_with: str = ""
    """`installed`: it begins by installing the version before the update, so a guest may come with it."""
    latency_sensitive: bool = False
    """It measures how fast the guest answers: its processors are shared with nobody."""
    soak: bool = False
    """It runs for as long as it is told to, and its deadline grows by that."""
    time_warp: bool = False
    """It runs only on profiles with a warped clock, and no other scenario runs on these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakPlan:
    """How long soak scenarios run, and how often they look."""

    for_s: float = 600.0
    """Of our time; for a warped clock the longest that the guest may take to get there."""
    every_s: float = 0.0
    """Of our time between two samples; 0: about 300 samples, 5 to 300 s apart."""
    uptime_s: float = 50 * 86400.0
    """Of the guest's time, with a warped clock. 50 days see a counter of milliseconds wrap (49.7)."""

    @property
    def interval_s(self) -> float:
        """Between two samples."""
        return self.every_s or min(300.0, max(5.0, self.for_s / 300.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One square of the matrix: image x profile x arm x scenario x seed."""

    id: CellId
    image: str
    profile: str
    scenario: str
    arm: Arm
    agent: str
    version: AgentVersion
    """What the arm ships: the scenario brings the guest to this version."""
    installed: AgentVersion
    """What the guest runs before the update."""
    seed: int = 1
    repetition: int = 1
    ring: int = 0
    level: Level = Level.FEATURE
    weight: float = 1.0
    """Share of the fleet this cell stands for (any unit; compared within a run)."""
    timeouts: Timeouts = field(default_factory=Timeouts)
    vcpus: int = 1
    memory_mib: int = 512
    count_loops: bool = False
    """Keep the machine after a fatal finding until a boot loop is proven or refuted."""
    reason: str = ""
    """Why the cell is in the plan (matrix, include rule number, ...)."""
    cold: str = ""
    """Why it must boot from power-off; "" when it may start as a clone."""
    latency_sensitive: bool = False
    """Its processors are shared with nobody while it runs."""
    spare: bool = False
    """A repetition that is run only while the comparison of the arms is open (`compare.most`)."""

    @property
    def twin_key(self) -> tuple[str, str, str, int, int]:
        """Equal for the cells of both arms that are to be compared."""
        return (self.image, self.profile, self.scenario, self.seed, self.repetition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Omitted:
    """A cell that is not run, and why: nothing is skipped silently."""

    id: CellId
    kind: str
    """`excluded` (a rule), `unrunnable` (image, host or profile cannot), `unselected` (by the user),
    `not-run` (planned, but the run was stopped, its image could not be made or its ring was halted),
    `decided` (a repetition that was not needed any more: the comparison of the arms had its answer)."""
    reason: str
    hint: str = ""
    image: str = ""
    scenario: str = ""
    arm: Arm | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a plan costs, before it runs."""

    cells: int
    guest_seconds: float
    """Sum of the cells' expected run times."""
    wall_seconds: float
    """Expected time to the end with `slots` guests at a time."""
    peak_memory_mib: int
    vcpus: int
    slots: int
    builds: tuple[str, ...] = ()
    """Images that must be built first."""
    most_slots: int = 0
    """Guests at a time that it may come to, as far as processors and the user allow."""
    starts: int = 0
    """Guests that may be starting at a time."""
    least_cells: int = 0
    """Cells that are run in any case, where others depend on how the comparison goes; else 0. All other
    numbers are the most that it may come to."""
    least_guest_seconds: float = 0.0
    least_wall_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Ordered cells, and everything that was left out."""

    cells: tuple[Cell, ...]
    omitted: tuple[Omitted, ...] = ()
    bill: Bill | None = None


class Identity(StrEnum):
    """Who a clone is, after it was woken."""

    KEEP = "keep"
    """The machine that its template was: same machine-id, host name and DHCP identity."""
    NEW = "new"
    """A machine of its own."""


class DumpWhen(StrEnum):
    """When the host writes down a guest's memory."""

    ON = "on"
    """At the end of every attempt."""
    FAILED = "failed"
    """Where a fatal finding was made, or the guest was silent at the end."""
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePolicy:
    """What is taken from a guest before it is destroyed."""

    memory_dump: DumpWhen = DumpWhen.FAILED
    max_size_mib: int = 2048
    """Guests with more memory are not dumped."""
    most: int = 3
    """Memory dumps per run."""
    guest_dump_wait_s: float = 60.0
    """How long a guest that crashed may write its own dump; scaled by the host's factor."""
    dump_disk_mib: int = 0
    """Size of a disk for the guest's own dump; 0: none."""
