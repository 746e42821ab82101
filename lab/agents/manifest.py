"""What the lab knows of an agent, read from agents/NAME/agent.yaml: frozen nouns and how to read them.

Knows no guest and opens no artefact: paths and digests are only taken down here
(lab.agents.artefacts checks them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lab.agents import schema
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """A command for the guest's shell; `timeout_s` on a host of factor 1."""

    run: str
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSpec:
    """How health is read."""

    command: CommandSpec
    key: str
    value: str
    message: str
    patience_s: float
    """How long the agent may take to get well after a start, an update or a boot."""


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
    features: Mapping[str, tuple[CommandSpec, CommandSpec]]
    """Name to (on, off)."""


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
        builds={name: _build(directory, one) for name, one in model.builds.items()},
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
        ),
        version=VersionSpec(
            command=_command(model.version), build=model.version.build, content=model.version.content
        ),
        refused_exit_code=model.refused.exit_code,
        refused_key=model.refused.key,
        exercise=ExerciseSpec(
            trigger=_command(model.exercise.trigger),
            counter=_command(model.exercise.counter),
            key=model.exercise.counter.key,
        ),
        features={name: (_command(one.on), _command(one.off)) for name, one in model.features.items()},
    )


def _file(directory: Path, model: schema.FileModel) -> FileSpec:
    return FileSpec(
        path=directory / PurePosixPath(model.path), to=model.to, mode=int(model.mode, 8), sha256=model.sha256
    )


def _build(directory: Path, model: schema.BuildModel) -> BuildSpec:
    return BuildSpec(
        files=tuple(_file(directory, one) for one in model.files),
        compile=_compile(directory, model.compile) if model.compile else None,
    )


def _compile(directory: Path, model: schema.CompileModel) -> CompileSpec:
    return CompileSpec(
        source=directory / PurePosixPath(model.source),
        command=model.command,
        outputs=tuple(OutputSpec(path=one.path, to=one.to, mode=int(one.mode, 8)) for one in model.outputs),
        timeout_s=model.timeout,
    )


def _command(model: schema.CommandModel) -> CommandSpec:
    return CommandSpec(run=model.run, timeout_s=model.timeout)
