"""The shape of lab.yaml, version 1, as pydantic models: what may be written, with a word on each key.

These exist only while a file is read; lab.config.load turns them into lab.config.types. The JSON
Schema and docs/lab-yaml.md are made from the descriptions, so they are written for users. Here is the
file itself and its matrix; `models_guests` and `models_judging` have the larger sections.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from lab.config.located import Model
from lab.config.models_guests import (
    ClonesModel,
    EvidenceModel,
    HostModel,
    MediaModel,
    PlacesModel,
    ProfileModel,
)
from lab.config.models_judging import CompareModel, GateModel
from lab.config.units import Flag, MiB, PathText, Seconds
from lab.config.values import Arms, Count, Glob, Globs, Name, Seeds, Select, Version, Versions, distinct


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


class RingModel(Model):
    """A stage of the roll-out: its cells run before those of the next ring."""

    name: Name = Field(description="How the report calls it.")
    select: Select = Field(description="Its cells: a pattern over cell ids, or words with and/or/not.")
    stop_on_failure: Flag = Field(
        default=True, description="A failed cell in this ring stops the rings after it."
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


_DEFAULT_HOSTS = (HostModel(name="here"),)


def _distinct_hosts(hosts: tuple[HostModel, ...]) -> tuple[HostModel, ...]:
    distinct(tuple(host.name for host in hosts))
    return hosts


def _distinct_rings(rings: tuple[RingModel, ...]) -> tuple[RingModel, ...]:
    distinct(tuple(ring.name for ring in rings))
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
