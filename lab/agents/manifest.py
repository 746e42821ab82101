"""What the lab knows of an agent, read from agents/NAME/agent.yaml: frozen nouns and how to read them.

Knows no guest and opens no artefact: paths and digests are only taken down here
(lab.agents.artefacts checks them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lab.agents import schema
from lab.agents.content import ContentFormat
from lab.agents.placeholders import fill
from lab.config.located import parse, unknown
from lab.errors import ConfigError, InputError
from lab.model import Family

MANIFEST = "agent.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSpec:
    """A file of the agent's folder; `to` is relative to the agent's directory in the guest."""

    path: Path
    to: str
    mode: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """A file that compiling makes, `path` relative to the source folder."""

    path: str
    to: str
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileSpec:
    """A build's sources and the command that compiles them in the image's SDK."""

    source: Path
    command: str
    outputs: tuple[OutputSpec, ...]
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSpec:
    """What a build consists of."""

    files: tuple[FileSpec, ...]
    compile: CompileSpec | None
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """A command for the guest's shell; `timeout_s` on a host of factor 1."""

    run: str
    timeout_s: float
    codes: str = "plain"
    """The table of `lab.agents.exit_codes` that says what its exit codes mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSpec:
    """How health is read."""

    command: CommandSpec
    key: str
    value: str
    message: str
    patience_s: float
    """How long the agent may take to get well after a start, an update or a boot."""
    notice_s: float = 0.0
    """Seconds of the guest's own time after which health tells of whatever was done to the agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSpec:
    """How build and content in force are read back."""

    command: CommandSpec
    build: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExerciseSpec:
    """The trigger and the counter that it moves."""

    trigger: CommandSpec
    counter: CommandSpec
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpec:
    """A switch, and what shows that it does something when it is on."""

    on: CommandSpec
    off: CommandSpec
    exercise: ExerciseSpec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivitySpec:
    """Events at a rate: `run` has {rate} and {seconds}."""

    run: str
    rate: float
    """Events a second on a normal day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplesSpec:
    """What the agent uses, read now and then."""

    command: CommandSpec
    values: Mapping[str, str]
    """Name in recordings to the key that is printed."""
    events: str | None
    """The name of the value that counts events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFamily:
    """The agent on one family of operating systems."""

    dir: str
    bundle: str
    files: tuple[FileSpec, ...]
    builds: Mapping[str, BuildSpec]
    contents: Mapping[str, FileSpec]
    install: CommandSpec
    start: CommandSpec
    stop: CommandSpec
    update_build: CommandSpec
    update_content: CommandSpec
    rollback: CommandSpec
    uninstall: CommandSpec
    leftovers: CommandSpec
    health: HealthSpec
    version: VersionSpec
    refused_exit_code: int
    refused_key: str
    exercise: ExerciseSpec
    features: Mapping[str, FeatureSpec]
    activity: ActivitySpec | None = None
    samples: SamplesSpec | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    """Sampled value to what it may never exceed."""
    steps: str = ""
    """What stands before a step's name on the console; "" when updates do not say their steps."""
    content_format: ContentFormat | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentManifest:
    """One product under test."""

    name: str
    summary: str
    directory: Path
    families: Mapping[Family, AgentFamily]

    @property
    def path(self) -> Path:
        """The file it was read from."""
        return self.directory / MANIFEST

    def family(self, family: Family) -> AgentFamily:
        """The agent on `family`.

        :raise InputError: agent.yaml does not describe it.
        """
        found = self.families.get(family)
        if found is None:
            listed = ", ".join(sorted(self.families))
            raise InputError(
                f"agent {self.name!r}: nothing is said of {family.value} (described: {listed})",
                hint=f"add families.{family.value} to {self.path}, or leave such images out of the matrix",
            )
        return found


def load(directory: Path) -> AgentManifest:
    """The agent described in `directory`/agent.yaml.

    :raise InputError: there is no such agent; the message names those that exist.
    :raise ConfigError: the file is wrong; every problem with file:line:column.
    """
    path = directory / MANIFEST
    if not path.is_file():
        known = sorted(found.parent.name for found in directory.parent.glob(f"*/{MANIFEST}"))
        raise InputError(
            f"{path}: no such file: {unknown('agent', directory.name, known)}",
            hint="docs/agents.md says how an agent is described",
        )
    model = parse(schema.AgentModel, path)
    if model.name != directory.name:
        raise ConfigError(
            f"{path}:1:1: name: wanted {directory.name!r}, the folder's name, got {model.name!r}"
        )
    return AgentManifest(
        name=model.name,
        summary=model.summary,
        directory=directory,
        families={family: _family(directory, one) for family, one in model.families.items()},
    )


def _family(directory: Path, model: schema.FamilyModel) -> AgentFamily:
    return AgentFamily(
        dir=model.dir,
        bundle=model.bundle,
        files=tuple(_file(directory, one) for one in model.files),
        builds={name: _build(directory, name, one, model.compile) for name, one in model.builds.items()},
        contents={name: _file(directory, one) for name, one in model.contents.items()},
        install=_command(model.install),
        start=_command(model.start),
        stop=_command(model.stop),
        update_build=_command(model.update_build),
        update_content=_command(model.update_content),
        rollback=_command(model.rollback),
        uninstall=_command(model.uninstall),
        leftovers=_command(model.leftovers),
        health=HealthSpec(
            command=_command(model.health),
            key=model.health.key,
            value=model.health.value,
            message=model.health.message,
            patience_s=model.health.patience,
            notice_s=model.health.notice,
        ),
        version=VersionSpec(
            command=_command(model.version), build=model.version.build, content=model.version.content
        ),
        refused_exit_code=model.refused.exit_code,
        refused_key=model.refused.key,
        exercise=_exercise(model.exercise),
        features={name: _feature(one) for name, one in model.features.items()},
        activity=ActivitySpec(run=model.activity.run, rate=model.activity.rate) if model.activity else None,
        samples=_samples(model.samples) if model.samples else None,
        limits=model.limits,
        steps=model.steps,
        content_format=model.content_format.noun() if model.content_format else None,
    )


def _exercise(model: schema.ExerciseModel) -> ExerciseSpec:
    return ExerciseSpec(
        trigger=_command(model.trigger), counter=_command(model.counter), key=model.counter.key
    )


def _feature(model: schema.FeatureModel) -> FeatureSpec:
    exercise = _exercise(model.exercise) if model.exercise else None
    return FeatureSpec(on=_command(model.on), off=_command(model.off), exercise=exercise)


def _samples(model: schema.SamplesModel) -> SamplesSpec:
    return SamplesSpec(command=_command(model), values=model.values, events=model.events)


def _file(directory: Path, model: schema.FileModel) -> FileSpec:
    return FileSpec(
        path=directory / PurePosixPath(model.path), to=model.to, mode=int(model.mode, 8), sha256=model.sha256
    )


def _build(
    directory: Path, name: str, model: schema.BuildModel, default: schema.CompileModel | None
) -> BuildSpec:
    how = model.compile or (None if model.files else default)
    return BuildSpec(
        files=tuple(_file(directory, one) for one in model.files),
        compile=_compile(directory, name, how) if how else None,
        summary=model.summary,
    )


def _compile(directory: Path, build: str, model: schema.CompileModel) -> CompileSpec:
    return CompileSpec(
        source=directory / PurePosixPath(model.source),
        command=model.command,
        outputs=tuple(
            OutputSpec(path=one.path, to=fill(one.to, {"build": build}), mode=int(one.mode, 8))
            for one in model.outputs
        ),
        timeout_s=model.timeout,
    )


def _command(model: schema.CommandModel) -> CommandSpec:
    return CommandSpec(run=model.run, timeout_s=model.timeout, codes=model.codes)
