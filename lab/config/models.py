"""The shape of lab.yaml, version 1, as pydantic models: what may be written, with a word on each key.

These exist only while a file is read; lab.config.load turns them into lab.config.types. The JSON
Schema and docs/lab-yaml.md are made from the descriptions here, so they are written for users.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from lab.config.located import Model
from lab.config.spelling import spelled
from lab.config.units import Flag, MiB, PathText, Seconds, Text
from lab.model import Arm, DumpWhen, Firmware, Identity

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9.-]{0,47}$"
GLOB_PATTERN = r"^[A-Za-z0-9*?\[\]{},!.-]{1,80}$"
VERSION_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9.+~:-]{0,39}$"

Item = TypeVar("Item")


def _distinct(items: tuple[Item, ...]) -> tuple[Item, ...]:
    twice = [item for item, count in Counter(items).items() if count > 1]
    if twice:
        raise ValueError(f"wanted each value once, {twice[0]!r} is there twice")
    return items


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _iso_date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("wanted a date such as 2026-12-31") from None


def _one_or_many(item: dict[str, Any]) -> WithJsonSchema:
    many = {"type": "array", "items": item, "minItems": 1, "uniqueItems": True}
    return WithJsonSchema({"anyOf": [item, many]})


Name = Annotated[
    str,
    spelled(NAME_PATTERN, "a name: letters, digits, dot and hyphen (at most 48)"),
    WithJsonSchema({"type": "string", "pattern": NAME_PATTERN}),
]
Glob = Annotated[
    str,
    spelled(GLOB_PATTERN, "a name or a pattern with * ? [..] {a,b}"),
    WithJsonSchema({"type": "string", "pattern": GLOB_PATTERN}),
]
Version = Annotated[Text, spelled(VERSION_PATTERN, "a version: letters, digits and . + ~ : - (at most 40)")]
HostUri = Annotated[
    str, spelled(r"embed|[a-z][a-z0-9+]*://\S+", "embed or a libvirt URI such as qemu:///system")
]
FigureGlob = Annotated[str, Field(pattern=r"^[A-Za-z0-9*?\[\]_./-]{1,80}$")]
Count = Annotated[int, Field(ge=1, le=10_000)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]

_ListOf = Annotated[
    tuple[Item, ...], BeforeValidator(_as_list), Field(min_length=1), AfterValidator(_distinct)
]
Versions = Annotated[_ListOf[Version], _one_or_many({"type": ["string", "number"]})]
Globs = Annotated[_ListOf[Glob], _one_or_many({"type": "string", "pattern": GLOB_PATTERN})]
Seeds = Annotated[_ListOf[Seed], _one_or_many({"type": "integer", "minimum": 0, "maximum": 2**31 - 1})]
Arms = Annotated[_ListOf[Arm], _one_or_many({"enum": [str(arm) for arm in Arm]})]
Select = Annotated[str, Field(min_length=1, max_length=400)]


class InstalledModel(Model):
    """What every guest runs before a scenario brings it to its arm's version."""

    build: Version = Field(description="Installed agent build. Text: `1.10` is not `1.1`.")
    content: Version = Field(description="Installed agent content (channel or signature file).")


class ArmModel(Model):
    """What one arm ships. A list makes several versions of the arm; their cells' ids then tell which."""

    build: Versions = Field(description="Agent build, or a list of builds.")
    content: Versions = Field(description="Agent content, or a list of contents.")


class ArmsModel(Model):
    """The two sides of the comparison."""

    baseline: ArmModel = Field(description="The released agent: what the fleet runs and is known to be good.")
    candidate: ArmModel = Field(
        description="What may ship. `lab run --candidate build=1.1,content=292` replaces it for one run."
    )


class IncludeModel(Model):
    """Extra cells. Axes named here take these values, the others those of the matrix."""

    image: Globs | None = Field(default=None, description="Image names or patterns.")
    profile: Globs | None = Field(default=None, description="Profile names or patterns.")
    scenario: Globs | None = Field(default=None, description="Scenario names or patterns.")
    arm: Arms | None = Field(default=None, description="`baseline`, `candidate` or both.")
    seed: Seeds | None = Field(default=None, description="Seeds of these cells.")
    reason: str = Field(default="", description="Why they are wanted; printed by `lab plan`.")


class ExcludeModel(Model):
    """Cells of the matrix that are not run. They stay listed in plan and report, with the reason."""

    select: Select = Field(description="Which cells: a pattern over cell ids, or words with and/or/not.")
    reason: Annotated[str, Field(min_length=1)] = Field(description="Why they are left out.")


class MatrixModel(Model):
    """The axes. A cell is one image x profile x scenario x arm x seed x repetition."""

    images: Globs = Field(description="Images of the catalogue (images/NAME.yaml), by name or pattern.")
    profiles: Globs = Field(
        description="Virtual hardware, by name or pattern. "
        "An image is only paired with profiles of its firmware."
    )
    scenarios: Globs = Field(description="Scenarios of scenarios/, by name or pattern.")
    seeds: Seeds = Field(
        default=(1,), description="Seeds: whatever a scenario draws at random, it draws from these."
    )
    repetitions: Count = Field(default=1, description="How often each cell is run.")
    include: tuple[IncludeModel, ...] = Field(
        default=(), description="Extra cells; not subject to `exclude`."
    )
    exclude: tuple[ExcludeModel, ...] = Field(
        default=(), description="Cells that are left out, with the reason."
    )


class TimeoutsModel(Model):
    """Deadlines on a host of speed factor 1; each is multiplied by the host's measured factor."""

    boot: Seconds = Field(default=120.0, description="From power-on to the first answer of a channel.")
    command: Seconds = Field(
        default=60.0, description="One command in the guest, where the scenario says nothing else."
    )
    reboot: Seconds = Field(
        default=150.0, description="From a requested reboot to the first answer after it."
    )
    heartbeat: Seconds = Field(
        default=30.0, description="Silence on every channel that is called a lost heartbeat."
    )
    closing: Seconds = Field(
        default=2.0,
        description="A scenario that went well ends no sooner after the last thing it did to guest or agent; "
        "the agent is then asked again.",
    )
    linger: Seconds = Field(
        default=3.0, description="Time a machine is kept after a fatal finding to complete evidence."
    )
    loop: Seconds = Field(default=150.0, description="The same, for scenarios that count boot loops.")
    cell: Seconds = Field(
        default=900.0, description="The whole attempt; its process is killed at this deadline."
    )


class SomeTimeoutsModel(Model):
    """Deadlines that change for the selected cells; the others stay."""

    boot: Seconds | None = Field(default=None, description="See `timeouts.boot`.")
    command: Seconds | None = Field(default=None, description="See `timeouts.command`.")
    reboot: Seconds | None = Field(default=None, description="See `timeouts.reboot`.")
    heartbeat: Seconds | None = Field(default=None, description="See `timeouts.heartbeat`.")
    closing: Seconds | None = Field(default=None, description="See `timeouts.closing`.")
    linger: Seconds | None = Field(default=None, description="See `timeouts.linger`.")
    loop: Seconds | None = Field(default=None, description="See `timeouts.loop`.")
    cell: Seconds | None = Field(default=None, description="See `timeouts.cell`.")


class OverrideModel(Model):
    """Settings for the cells that a pattern selects. Of several that select a cell, the later wins."""

    select: Select = Field(description="Which cells: a pattern over cell ids, or words with and/or/not.")
    timeouts: SomeTimeoutsModel = Field(default=SomeTimeoutsModel(), description="Deadlines that change.")
    memory: MiB | None = Field(default=None, description="Memory of the machine, instead of the profile's.")
    vcpus: Count | None = Field(
        default=None, description="Processors of the machine, instead of the profile's."
    )
    repetitions: Count | None = Field(default=None, description="Repetitions, instead of the matrix's.")
    count_loops: Flag | None = Field(
        default=None, description="Keep a crashed machine until a boot loop is proven or refuted."
    )
    reason: str = Field(default="", description="Why; printed by `lab plan --explain`.")


class ProfileModel(Model):
    """Virtual hardware of a machine."""

    vcpus: Count = Field(default=1, description="Virtual processors.")
    memory: MiB = Field(default=512, description="Memory.")
    firmware: Firmware = Field(
        default=Firmware.BIOS, description="`bios` or `uefi`; must be that of the image."
    )
    tpm: Flag = Field(default=False, description="A TPM 2.0; the host needs swtpm.")
    secure_boot: Flag = Field(
        default=False, description="UEFI with Secure Boot and Microsoft's keys; the host needs OVMF."
    )
    video: Literal["vga", "qxl", "virtio"] = Field(default="vga", description="Model of the display adapter.")
    disk_bus: Literal["virtio", "sata"] = Field(default="virtio", description="How the disk is attached.")
    nic: Literal["virtio", "e1000e"] = Field(default="virtio", description="Model of the network card.")
    network: Literal["isolated", "none", "outbound"] = Field(
        default="isolated",
        description="`isolated`: only the lab reaches the guest; `none`: no card; `outbound`: user-mode NAT.",
    )
    time_warp: Flag = Field(
        default=False,
        description="Days of uptime in minutes: emulated, one processor, and the clock jumps to the next "
        "timer whenever the guest is idle. See docs/soak.md for what it can and cannot show.",
    )

    @model_validator(mode="after")
    def _one_processor(self) -> ProfileModel:
        if self.time_warp and self.vcpus != 1:
            raise ValueError(
                "wanted vcpus: 1 beside time_warp: true (instruction counting runs one processor)"
            )
        return self


class HostModel(Model):
    """A machine that runs VMs."""

    name: Name = Field(description="How messages and reports call it.")
    uri: HostUri = Field(
        default="embed",
        description="`embed` (libvirt's QEMU driver inside the lab's own processes: no daemon, no root) "
        "or a libvirt URI such as `qemu:///system` or `qemu+ssh://host/system`.",
    )
    slots: Count | None = Field(
        default=None, description="Guests at a time. Default: what processors and memory allow."
    )
    memory: MiB | None = Field(
        default=None, description="Memory guests may use together. Default: what is free."
    )


class RingModel(Model):
    """A stage of the roll-out: its cells run before those of the next ring."""

    name: Name = Field(description="How the report calls it.")
    select: Select = Field(description="Its cells: a pattern over cell ids, or words with and/or/not.")
    stop_on_failure: Flag = Field(
        default=True, description="A failed cell in this ring stops the rings after it."
    )


class KnownIssueModel(Model):
    """A bug that is accepted until a date."""

    title: Annotated[str, Field(min_length=1)] = Field(description="Pattern over the titles of findings.")
    images: Glob = Field(default="*", description="Images on which it is accepted.")
    until: Annotated[str, AfterValidator(_iso_date)] = Field(
        description="Last day on which it is accepted, as YYYY-MM-DD."
    )
    link: str = Field(default="", description="Where the bug is tracked.")


class GateModel(Model):
    """What turns verdicts into the exit code."""

    min_cells: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Fewer passed candidate cells than this is never a ship."
    )
    allow_flaky: Flag = Field(
        default=False,
        description="Ship although a cell passed only after a failed attempt; never after a fatal finding.",
    )
    allow_inconclusive: Annotated[int, Field(ge=0)] = Field(
        default=0, description="So many inconclusive candidate cells are tolerated."
    )
    allow_unrunnable: Flag = Field(
        default=True,
        description="Cells that cannot run on these hosts do not close the gate; they are always listed.",
    )
    require_baseline: Flag = Field(
        default=True,
        description="Each candidate cell's baseline twin must have passed, or the comparison is void.",
    )
    require_comparison: Flag = Field(
        default=False,
        description="Every comparison of the arms must have an answer; else `not enough runs` is a remark.",
    )
    known_issues: tuple[KnownIssueModel, ...] = Field(
        default=(), description="Bugs that are accepted until a date."
    )


class CompareModel(Model):
    """How sure comparisons of the arms must be, and what is tolerated; docs/comparing.md."""

    level: Annotated[float, Field(ge=0.0001, le=0.2)] = Field(
        default=0.05,
        description="Largest chance of one false regression in the whole run, and of each false `no worse`.",
    )
    power: Annotated[float, Field(ge=0.5, le=0.99)] = Field(
        default=0.8, description="Chance to decide with as many further runs as a report asks for."
    )
    most: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=0,
        description="Pairs of runs (one of each arm) per image, profile and scenario at which repeating "
        "gives up. Beyond the matrix's repetitions a pair is run only while the comparison is open; an "
        "override's repetitions are exact. 0: only the matrix's repetitions, one look.",
    )
    crashes: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.2,
        description="More failures per run than this are ruled out before `no worse` is said (0.2: one run "
        "in five). An increase that is shown is always a regression.",
    )
    leak: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.01,
        description="Growth per hour beyond the released agent's, as share of its amount, that is tolerated.",
    )
    figures: dict[FigureGlob, Annotated[float, Field(ge=0, lt=1)]] = Field(
        default={},
        description="Figure pattern to the share by which the candidate may be worse; the first that matches "
        "counts, before the lab's own (docs/comparing.md).",
    )


class EvidenceModel(Model):
    """What is taken from a guest before it is destroyed; docs/evidence.md says what each part costs."""

    memory_dump: DumpWhen = Field(
        default=DumpWhen.FAILED,
        description="Write down the guest's memory and its kernel log: `failed` after a fatal finding or at "
        "a silent guest, `on` at the end of every attempt, `off` never.",
    )
    max_size: MiB = Field(default=2048, description="Guests with more memory than this are not dumped.")
    most: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=3, description="Memory dumps per run; the recordings of other cells say that they have none."
    )
    guest_dump_wait: Seconds = Field(
        default=60.0,
        description="How long a crashed guest may write a dump of its own, while it makes progress.",
    )
    dump_disk: MiB | None = Field(
        default=None, description="Size of a second, empty disk for the guest's own dump. Default: no disk."
    )


class SoakModel(Model):
    """Long runs; docs/soak.md. `lab soak --for 24h` replaces the duration for one run."""

    duration: Seconds = Field(
        default=600.0,
        alias="for",
        description="How long a soak scenario samples; with a warped clock, the most it may take.",
    )
    every: Seconds | None = Field(
        default=None, description="Between samples. Default: about 300 samples, 5 s to 5 min apart."
    )
    uptime: Seconds = Field(
        default=50 * 86400.0,
        description="Uptime that a guest with a warped clock must reach, of its own time. "
        "50 days see a counter of milliseconds wrap.",
    )


class ClonesModel(Model):
    """Cells that start from a guest which was booted once and frozen; docs/clones.md."""

    use: Flag = Field(
        default=True,
        description="Start cells as clones. Each image still boots from power-off at least once per arm.",
    )
    warm: Flag = Field(
        default=True, description="Freeze with the installed agent on, so that cells need not install it."
    )
    cache: MiB = Field(
        default=20 * 1024, description="Room for templates; the least recently used ones are dropped."
    )
    identity: Identity = Field(
        default=Identity.KEEP,
        description="`keep`: a clone has its template's machine-id, host name and DHCP identity. "
        "`new`: it gets its own.",
    )


class MediaModel(Model):
    """Files of yours that an image of Windows is made from, and which of its variants; docs/windows.md."""

    iso: PathText | None = Field(default=None, description="Installation media of Windows.")
    virtio: PathText | None = Field(default=None, description="virtio-win media with the drivers.")
    openssh: PathText | None = Field(
        default=None, description="MSI of OpenSSH for Windows; releases before Server 2025 bring no server."
    )
    edition: str | None = Field(default=None, description="Edition, such as `Enterprise` or `Standard Core`.")
    language: str | None = Field(default=None, description="Language of the media, such as `en-US`.")
    updates: tuple[PathText, ...] | None = Field(
        default=None, description="Updates (.msu) to install, in this order: the OS build as an axis."
    )


class PlacesModel(Model):
    """Directories outside the checkout. The environment variable LAB_HOME wins over all three."""

    cache: PathText | None = Field(
        default=None, description="Images and artefacts. Default: XDG_CACHE_HOME/fleet-lab."
    )
    state: PathText | None = Field(
        default=None, description="Host facts, locks, keys. Default: XDG_STATE_HOME/fleet-lab."
    )
    runtime: PathText | None = Field(
        default=None,
        description="Sockets; at most 50 bytes long. Default: XDG_RUNTIME_DIR/fleet-lab.",
    )


_DEFAULT_HOSTS = (HostModel(name="here"),)


def _distinct_hosts(hosts: tuple[HostModel, ...]) -> tuple[HostModel, ...]:
    _distinct(tuple(host.name for host in hosts))
    return hosts


def _distinct_rings(rings: tuple[RingModel, ...]) -> tuple[RingModel, ...]:
    _distinct(tuple(ring.name for ring in rings))
    return rings


class LabModel(Model):
    """The file that says what a run tests, where, and what must hold to ship."""

    version: Literal["1"] = Field(
        description="Version of this format: 1.", json_schema_extra={"type": "integer", "const": 1}
    )
    agent: Name = Field(description="Product under test: the folder agents/NAME.")
    installed: InstalledModel = Field(description="What guests run before the update.")
    arms: ArmsModel = Field(description="The released agent and the one that may ship.")
    matrix: MatrixModel = Field(description="Which cells there are.")
    profiles: dict[Name, ProfileModel] = Field(min_length=1, description="Virtual hardware, by name.")
    overrides: tuple[OverrideModel, ...] = Field(
        default=(), description="Settings by cell pattern, in order."
    )
    hosts: Annotated[tuple[HostModel, ...], Field(min_length=1), AfterValidator(_distinct_hosts)] = Field(
        default=_DEFAULT_HOSTS, description="Machines that run VMs. Default: this one."
    )
    rings: Annotated[tuple[RingModel, ...], AfterValidator(_distinct_rings)] = Field(
        default=(), description="Stages of the roll-out, first to last. Cells that no ring selects run last."
    )
    census: dict[Glob, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default={},
        description="Image pattern to fleet share (any unit) of each image it matches; the first that "
        "matches counts. Without a census all images weigh the same; with one, images it does not name "
        "weigh nothing.",
    )
    timeouts: TimeoutsModel = Field(default=TimeoutsModel(), description="Deadlines.")
    loop_resets: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="Unexpected resets that make a boot loop."
    )
    gate: GateModel = Field(default=GateModel(), description="What must hold to ship.")
    compare: CompareModel = Field(default=CompareModel(), description="How the arms are compared by numbers.")
    evidence: EvidenceModel = Field(
        default=EvidenceModel(), description="What is taken from a guest before it is destroyed."
    )
    soak: SoakModel = Field(default=SoakModel(), description="How long soak scenarios run.")
    clones: ClonesModel = Field(default=ClonesModel(), description="Instant clones of booted guests.")
    media: dict[Glob, MediaModel] = Field(
        default={},
        description="Media for images that need yours, by image name or pattern; relative to this file.",
    )
    tools: dict[Literal["diskspd", "package"], Annotated[PathText, Field(min_length=1)]] = Field(
        default={},
        description="Programs of yours for loads on Windows guests: diskspd.exe, an MSI to install.",
    )
    places: PlacesModel = Field(
        default=PlacesModel(), description="Where images, state and sockets are kept."
    )
    reports: Annotated[PathText, Field(min_length=1)] = Field(
        default="reports", description="Where runs are written, relative to this file."
    )
