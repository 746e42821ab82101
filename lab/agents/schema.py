"""agent.yaml as pydantic sees it; lives at the edge only, `lab.agents.manifest` turns it into nouns.

The keys are documented in docs/agents.md; field descriptions here are for the JSON Schema.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from lab.agents import placeholders
from lab.config.located import Model
from lab.config.units import Seconds
from lab.model import Family

IN_GUEST = ("dir", "build", "content", "bundle")
"""Placeholders of commands that run in the guest."""
IN_SDK = ("build", "kernel_release")
"""Placeholders of commands that compile."""


def _guest_command(text: str) -> str:
    return placeholders.check(text, IN_GUEST)


def _sdk_command(text: str) -> str:
    return placeholders.check(text, IN_SDK)


def _relative(text: str) -> str:
    if text.startswith("/") or ".." in text.split("/") or not text:
        raise ValueError("wanted a relative path without '..'")
    return text


def _mode(text: str) -> str:
    if not re.fullmatch(r"0[0-7]{3}", text):
        raise ValueError("wanted a file mode such as 0644 or 0755")
    return text


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RelativePath = Annotated[str, AfterValidator(_relative)]
Mode = Annotated[str, AfterValidator(_mode)]
GuestCommand = Annotated[str, AfterValidator(_guest_command)]
SdkCommand = Annotated[str, AfterValidator(_sdk_command)]


class FileModel(Model):
    """A file that is in the agent's folder, and where it goes."""

    path: RelativePath = Field(description="in the agent's folder")
    to: RelativePath = Field(description="in the guest, below `dir`")
    mode: Mode = "0644"
    sha256: Digest


class OutputModel(Model):
    """A file that compiling makes, and where it goes."""

    path: RelativePath = Field(description="below `source`, after the command has run")
    to: RelativePath = Field(description="in the guest, below `dir`")
    mode: Mode = "0644"


class CompileModel(Model):
    """How a build is compiled against the image's own kernel, with the image's SDK."""

    source: RelativePath = Field(description="folder in the agent's folder")
    command: SdkCommand
    outputs: tuple[OutputModel, ...] = Field(min_length=1)
    timeout: Seconds = 900.0


class BuildModel(Model):
    """A build: ready-made files, files to compile, or both."""

    files: tuple[FileModel, ...] = ()
    compile: CompileModel | None = None


class CommandModel(Model):
    """A command for the guest's shell."""

    run: GuestCommand
    timeout: Seconds = 60.0


class HealthModel(CommandModel):
    """Prints `key=value` lines; the agent is healthy when `key` has `value`."""

    key: Key = "healthy"
    value: str = "yes"
    message: Key = Field(default="message", description="the key whose value says why not")
    patience: Seconds = Field(default=30.0, description="time to get well after a start or a boot")


class VersionModel(CommandModel):
    """Prints `key=value` lines with what is in force, not with what was asked for."""

    build: Key = "build"
    content: Key = "content"


class RefusedModel(Model):
    """How an update says that the agent refuses it: neither done nor broken."""

    exit_code: int = Field(default=3, ge=1, le=255)
    key: Key = Field(default="refused", description="the key whose value holds the agent's words")


class CounterModel(CommandModel):
    """Prints a `key=value` line with a number that grows when the trigger is seen."""

    key: Key


class ExerciseModel(Model):
    """The activity that proves the content in force is at work."""

    trigger: CommandModel
    counter: CounterModel


class FeatureModel(Model):
    """A switch of the agent."""

    on: CommandModel
    off: CommandModel


class FamilyModel(Model):
    """The agent on one family of operating systems."""

    dir: str = Field(description="the agent's directory in the guest; absolute")
    bundle: str = Field(description="where the lab puts the packed artefacts in the guest; absolute")
    files: tuple[FileModel, ...] = ()
    builds: dict[Name, BuildModel] = Field(min_length=1)
    contents: dict[Name, FileModel] = Field(min_length=1)
    install: CommandModel
    start: CommandModel
    stop: CommandModel
    update_build: CommandModel
    update_content: CommandModel
    rollback: CommandModel
    uninstall: CommandModel
    leftovers: CommandModel = Field(description="prints a `leftover=` line for each trace of the agent")
    health: HealthModel
    version: VersionModel
    refused: RefusedModel = RefusedModel()
    exercise: ExerciseModel
    features: dict[Name, FeatureModel] = Field(default_factory=dict)


class AgentModel(Model):
    """One product under test."""

    name: Name
    summary: str = ""
    families: dict[Family, FamilyModel] = Field(min_length=1)
