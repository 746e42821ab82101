"""The nouns of the lab: values only, no input or output.

Everything here is frozen and imports nothing of the lab, so that `detect` and `verdict`,
which may import only this module, stay pure. Times named `t_s` are monotonic seconds
since the attempt started; wall times are UTC ISO 8601 text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NewType

CellId = NewType("CellId", str)
"""Readable identity of a cell: axes in fixed order joined by `_`; file-name safe."""


# -- what is planned ---------------------------------------------------------


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
    network: str = "isolated"
    """`isolated` (only the lab reaches the guest), `none`, or `outbound` (user-mode NAT)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Deadlines in seconds before scaling by the host's measured speed factor."""

    boot_s: float = 120.0
    command_s: float = 60.0
    reboot_s: float = 150.0
    heartbeat_s: float = 30.0
    """Silence on every channel that is called a lost heartbeat."""
    linger_s: float = 3.0
    """Time a machine is kept after a fatal finding so that the evidence completes."""
    loop_s: float = 150.0
    """Time a machine is kept after a fatal finding when the scenario counts boot loops."""
    cell_s: float = 900.0
    """The whole attempt; its process is killed at this deadline."""

    def scaled(self, factor: float) -> Timeouts:
        """The same deadlines for a host that is `factor` times as slow as the reference."""
        names = ("boot_s", "command_s", "reboot_s", "heartbeat_s", "linger_s", "loop_s", "cell_s")
        return Timeouts(**{name: getattr(self, name) * factor for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectSettings:
    """What detectors need to know beside the recording; times already scaled."""

    boot_s: float = 120.0
    heartbeat_s: float = 30.0
    loop_resets: int = 3
    """Unexpected resets that make a boot loop (fatal)."""


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

    @property
    def twin_key(self) -> tuple[str, str, str, int, int]:
        """Equal for the cells of both arms that are to be compared."""
        return (self.image, self.profile, self.scenario, self.seed, self.repetition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Omitted:
    """A cell that is not run, and why: nothing is skipped silently."""

    id: CellId
    kind: str
    """`excluded` (a rule), `unrunnable` (image, host or profile cannot), `unselected`."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Ordered cells, and everything that was left out."""

    cells: tuple[Cell, ...]
    omitted: tuple[Omitted, ...] = ()
    bill: Bill | None = None


# -- what is recorded --------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialChunk:
    """Bytes the guest wrote to its serial console; `start` is the offset in serial.log."""

    t_s: float
    start: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineEvent:
    """Something the hypervisor said.

    `name`: started, resumed, reset, panicked, watchdog, shutdown, stopped, io-error,
    destroyed, process-gone. `details` holds what came with it.
    """

    t_s: float
    name: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """One try to reach the guest over `channel`; `boot_id` where the guest told it."""

    t_s: float
    channel: str
    ok: bool
    latency_s: float = 0.0
    boot_id: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One screenshot; `path` is relative to the recording."""

    t_s: float
    path: str
    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The scenario declares that something will (`begin`) or can no longer (`end`) happen.

    `what`: `reboot`, `shutdown` or `silence`. A reset inside a begun `reboot` is a requested one;
    each begin covers one boot.
    """

    t_s: float
    what: str
    begin: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A milestone of the attempt.

    `name`: `attempt` (start/end), `booted` (a channel answered first; detail boot_s),
    `scenario` (start; end with outcome `completed`, `failed`, `stopped`), `agent` operations
    (`install`, `update`, `rollback`, `uninstall`), `lab-fault`.
    """

    t_s: float
    name: str
    phase: str
    """`start`, `end` or `note`."""
    outcome: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRun:
    """A command that the lab ran in the guest, with what it printed (redacted, capped)."""

    t_s: float
    channel: str
    command: str
    exit_code: int | None
    stdout: str = ""
    stderr: str = ""
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Something read back from the guest that a pass rests on.

    `what`: `version` (values build, content), `healthy` (ok, message), `exercised`
    (before, after, trigger), `refused` (build, content, message), `removed` (leftovers).
    """

    t_s: float
    what: str
    values: Mapping[str, Any] = field(default_factory=dict)


Observation = SerialChunk | MachineEvent | Heartbeat | Frame | Expectation | Step | CommandRun | Proof
"""What a recording is made of, in order of `t_s`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRef:
    """Where a claim can be checked: a byte range of a file of the recording."""

    path: str
    start: int = 0
    end: int = 0
    sha256: str = ""


# -- what is found -----------------------------------------------------------


class FindingKind(StrEnum):
    """What happened to a guest."""

    BUGCHECK = "bugcheck"
    PANIC = "panic"
    OOPS = "oops"
    WARNING = "warning"
    HUNG_TASK = "hung-task"
    LOCKUP = "lockup"
    OOM = "oom"
    BOOT_LOOP = "boot-loop"
    BOOT_FAILURE = "boot-failure"
    RECOVERY_SCREEN = "recovery-screen"
    UNEXPECTED_REBOOT = "unexpected-reboot"
    UNEXPECTED_SHUTDOWN = "unexpected-shutdown"
    NO_OUTPUT = "no-output"
    NO_PROGRESS = "no-progress"
    LOST_CONNECTION = "lost-connection"
    WATCHDOG = "watchdog"
    IO_ERROR = "io-error"
    UPDATE_REFUSED = "update-refused"
    AGENT_DOWN = "agent-down"
    REGRESSION = "regression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The identity of a bug: a normalised title and the titles it may also have."""

    title: str
    alt_titles: tuple[str, ...] = ()

    def same_bug(self, other: Signature) -> bool:
        """Whether the sets of titles meet."""
        return not {self.title, *self.alt_titles}.isdisjoint({other.title, *other.alt_titles})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a detector read in a recording."""

    kind: FindingKind
    signature: Signature
    fatal: bool
    t_s: float
    evidence: tuple[EvidenceRef, ...] = ()
    channels: tuple[str, ...] = ()
    """The sensors that saw it, first first: serial, event, screen, heartbeat, agent."""
    function: str = ""
    module: str = ""
    detail: str = ""
    """One sentence for a person."""
    corrupted: str = ""
    """Why the text cannot be trusted for its detail, or ""."""
    count: int = 1
    boot: int = 1
    """The number of the boot (from 1) in which it happened."""

    @property
    def title(self) -> str:
        return self.signature.title


# -- what is judged ----------------------------------------------------------


class Outcome(StrEnum):
    """Verdict of a cell or a run, worst first."""

    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NOT_EXERCISED = "not-exercised"
    FLAKY = "flaky"
    KNOWN_ISSUE = "known-issue"
    SKIPPED = "skipped"
    PASSED = "passed"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Outcome).index(self)

    @staticmethod
    def worst(outcomes: Iterable[Outcome]) -> Outcome:
        """The worst of them; INCONCLUSIVE when there is none, since nothing was proven."""
        return min(outcomes, key=lambda outcome: outcome.rank, default=Outcome.INCONCLUSIVE)


class Blame(StrEnum):
    """Whose fault it is, and so who must act."""

    CANDIDATE = "candidate"
    BASELINE = "baseline"
    IMAGE = "image"
    SCENARIO = "scenario"
    LAB = "lab"
    UNKNOWN = "unknown"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIssue:
    """A bug that is accepted until a date: matched by title, never by test name."""

    title: str
    """Glob over the finding's title and alternative titles."""
    images: str = "*"
    until: str
    """ISO date; after it the issue no longer excuses anything."""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """What turns verdicts into an exit code."""

    min_cells: int = 1
    """Fewer PASSED candidate cells than this is never a ship."""
    allow_flaky: bool = False
    allow_inconclusive: int = 0
    """So many INCONCLUSIVE candidate cells are tolerated."""
    allow_unrunnable: bool = True
    """Planned cells that cannot run on the hosts at hand do not close the gate (they are listed)."""
    require_baseline: bool = True
    """The baseline twin of every candidate cell must have passed, or the comparison is void."""
    known_issues: tuple[KnownIssue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One execution of a cell as read back from disk, ready to be judged."""

    cell: Cell
    attempt: int
    path: str
    """Directory of the recording, relative to the run."""
    observations: Sequence[Observation]
    findings: tuple[Finding, ...]
    complete: bool
    """Whether the cell process closed the recording itself (false after a kill)."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """attempt.json: image digest, artefact digests, host, accelerator, factor, versions."""
    boots: int = 0
    """As `detect.boots.count` counted them, like `unexpected_resets`."""
    unexpected_resets: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CellVerdict:
    """Outcome of one cell over all its attempts."""

    cell: Cell
    outcome: Outcome
    blame: Blame
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    attempts: tuple[str, ...] = ()
    """Recording directories, relative to the run."""
    boots: int = 0
    unexpected_resets: int = 0
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """May we ship?"""

    ship: bool
    exit_code: int
    """0 ship, 1 do not ship, 4 nothing proven or lab fault."""
    sentence: str
    reasons: tuple[str, ...] = ()
