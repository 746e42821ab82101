"""The shape of report.json, schema version 1: frozen values, no reading, no judging.

Every other form of the report (HTML, JUnit, markdown) is drawn from this and from nothing else.
Times `t_s`, `*_s` are seconds; within an attempt they count from its start, in `Span` from the start of
the run. Shares are fractions of the fleet, 0 to 1. Paths are relative to the run's directory.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from pydantic import TypeAdapter

from lab.model import Comparison
from lab.report.shape_failures import Failure, Gap, Noise
from lab.report.shape_measured import Coverage, Reaction

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """May we ship? `word` is `ship`, `do-not-ship` or `no-answer`."""

    word: Literal["ship", "do-not-ship", "no-answer"]
    ship: bool
    exit_code: int
    sentence: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """The run itself, as run.json told it; wall times are UTC ISO 8601 text or ""."""

    id: str
    started: str
    ended: str
    duration_s: float
    lab: str
    config: str
    command: str
    interrupted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Build and content of the agent: two separate axes."""

    build: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFacts:
    """One version under test: a block of columns in the heat map."""

    arm: str
    agent: str
    version: Version
    installed: Version
    """What the guests ran before."""
    cells: int
    outcomes: dict[str, int]
    """Cells by outcome; `not-run` counts planned cells without a verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A file of the agent that was put on guests."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """When the detectors were last proven on a host with guests that really crash."""

    when: str
    """UTC ISO 8601 text."""
    age_s: float | None
    """Before the run began."""
    ok: bool
    state: str
    """What the result was worth when the run began: `proven`, `outdated`, `failed`, or "" when not told."""
    canaries: int
    """Guests that were crashed on purpose."""
    found: int
    """Of them, those that every channel found that can see them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """A host that ran attempts, as attempt.json told it."""

    uri: str
    libvirt: str
    qemu: str
    accelerator: str
    factor: float
    """How many times slower than the reference; deadlines were multiplied by it."""
    attempts: int
    selftest: SelfTest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """An OS build of the matrix."""

    name: str
    release: str
    kernel: str
    firmware: str
    boot: str
    digest: str
    stand_in: bool = False
    """It only looks like an OS build: what is found on it says nothing about one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetImage:
    """What one OS build means for the fleet.

    `state`: `affected` (a candidate cell failed), `proven` (all of them passed), `unproven` (they ended
    without proof), `untested` (none was run).
    """

    image: str
    share: float
    state: str
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What share of the fleet would have been hit. The four shares add up to 1 (or all are 0)."""

    affected: float
    unproven: float
    untested: float
    proven: float
    refused_only: bool
    """The only thing that happened is a refused update: nobody would have been down."""
    equal_weights: bool
    """No census tells the OS builds apart: each counts the same."""
    images: tuple[FleetImage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A column of the heat map, repeated for every arm."""

    name: str
    summary: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Square:
    """The worst of the cells of one row, arm and scenario; `cells` is empty where none was planned."""

    outcome: str
    label: str
    """One or two words: `pass`, `panic`, `refused`, ..."""
    resets: int
    """Most unexpected resets of a cell."""
    cells: tuple[str, ...]
    section: str
    """Id of the section that explains it: a failure (`f1`), a gap (`n1`) or a cell (`c1`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An OS build on a profile. `squares[i][j]`: arm i, scenario j."""

    image: str
    profile: str
    squares: tuple[tuple[Square, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """OS builds × scenarios, for every arm in the order of `Report.arms`."""

    scenarios: tuple[Scenario, ...]
    rows: tuple[Row, ...]
    profiles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One execution of a cell."""

    attempt: int
    path: str
    duration_s: float
    complete: bool
    clone: bool
    """It started as a clone of a booted guest."""
    cold: str
    """Why it booted from power-off; "" for a clone, and where nothing is on record."""
    titles: tuple[str, ...]
    faults: tuple[str, ...]
    """What the lab itself failed at."""
    problems: tuple[str, ...]
    """What of the recording could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRow:
    """One cell of the plan and what became of it; `outcome` is `not-run` without a verdict."""

    anchor: str
    id: str
    image: str
    profile: str
    scenario: str
    level: str
    arm: str
    version: Version
    installed: Version
    seed: int
    repetition: int
    ring: int
    weight: float
    outcome: str
    blame: str
    reasons: tuple[str, ...]
    title: str
    """Of its main finding, or ""."""
    section: str
    duration_s: float
    boots: int
    unexpected_resets: int
    image_digest: str
    artefacts: tuple[Artefact, ...]
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One attempt on the timeline of the run; `lane` counts from 0."""

    cell: str
    attempt: int
    start_s: float
    end_s: float
    lane: int
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStarts:
    """Cells that booted from power-off for one reason."""

    reason: str
    planned: bool
    """As the plan wanted it; else the lab could not do what it wanted."""
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """How guests started, by the last attempt of each cell; what was not planned comes first."""

    clones: int
    cold: int
    reasons: tuple[ColdStarts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The compatibility report: the single truth from which every other form is drawn."""

    schema_version: int
    run: RunFacts
    answer: Answer
    fleet: Fleet
    arms: tuple[ArmFacts, ...]
    artefacts: tuple[Artefact, ...]
    hosts: tuple[HostFacts, ...]
    images: tuple[ImageFacts, ...]
    heatmap: HeatMap
    failures: tuple[Failure, ...]
    comparisons: tuple[Comparison, ...]
    """Of the arms by numbers, the worst first."""
    coverage: Coverage
    reactions: tuple[Reaction, ...]
    not_tested: tuple[Gap, ...]
    starts: Starts
    timeline: tuple[Span, ...]
    cells: tuple[CellRow, ...]
    noise: tuple[Noise, ...]


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of report.json; docs/schema/report.schema.json is a kept copy."""
    made = TypeAdapter(Report).json_schema(mode="serialization")
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
    for shape in (made, *made["$defs"].values()):
        if "properties" not in shape:
            continue  # an enumeration
        shape["additionalProperties"] = False
        shape["required"] = list(shape["properties"])
        for told in shape["properties"].values():
            told.pop("title", None)
    made["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    return made
