"""agent.yaml as pydantic sees it; lives at the edge only, `lab.agents.manifest` turns it into nouns.

The keys are documented in docs/agents.md; field descriptions here are for the JSON Schema.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from lab.agents import placeholders
from lab.agents.format_schema import ContentFormatModel
from lab.config.located import Model
from lab.config.spelling import spelled
from lab.config.units import Seconds
from lab.model import Family

IN_GUEST = ("dir", "build", "content", "bundle")
"""Placeholders of commands that run in the guest."""
IN_SDK = ("build", "kernel_release")
"""Placeholders of commands that compile."""
IN_ACTIVITY = ("dir", "rate", "seconds")
"""Placeholders of the activity."""


def _guest_command(text: str) -> str:
    return placeholders.check(text, IN_GUEST)


def _sdk_command(text: str) -> str:
    return placeholders.check(text, IN_SDK)


def _activity_command(text: str) -> str:
    return placeholders.check(text, IN_ACTIVITY)


def _relative(text: str) -> str:
    if text.startswith("/") or ".." in text.split("/") or not text:
        raise ValueError("wanted a relative path without '..'")
    return text


def _built(text: str) -> str:
    return placeholders.check(_relative(text), ("build",))


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RelativePath = Annotated[str, AfterValidator(_relative)]
BuiltPath = Annotated[str, AfterValidator(_built)]
Mode = Annotated[str, spelled(r"0[0-7]{3}", "a file mode such as 0644 or 0755")]
GuestCommand = Annotated[str, AfterValidator(_guest_command)]
SdkCommand = Annotated[str, AfterValidator(_sdk_command)]
ActivityCommand = Annotated[str, AfterValidator(_activity_command)]


class FileModel(Model):
    """A file that is in the agent's folder, and where it goes."""

    path: RelativePath = Field(description="in the agent's folder")
    to: RelativePath = Field(description="in the guest, below `dir`")
    mode: Mode = "0644"
    sha256: Digest


class OutputModel(Model):
    """A file that compiling makes, and where it goes."""

    path: RelativePath = Field(description="below `source`, after the command has run")
    to: BuiltPath = Field(description="in the guest, below `dir`; may hold {build}")
    mode: Mode = "0644"


class CompileModel(Model):
    """How a build is compiled against the image's own kernel, with the image's SDK."""

    source: RelativePath = Field(description="folder in the agent's folder")
    command: SdkCommand
    outputs: tuple[OutputModel, ...] = Field(min_length=1)
    timeout: Seconds = 900.0


class BuildModel(Model):
    """A build: ready-made files, files to compile, or both."""

    summary: str = Field(default="", description="one line: what is special about it")
    files: tuple[FileModel, ...] = ()
    compile: CompileModel | None = Field(default=None, description="default: the family's `compile`")


class CommandModel(Model):
    """A command for the guest's shell."""

    run: GuestCommand
    timeout: Seconds = 60.0
    codes: Literal["plain", "msi", "pnputil"] = Field(
        default="plain",
        description="what exit codes mean: plain, only 0 is done; msi and pnputil, 3010 and 1641 are done"
        " after a restart, which the lab makes",
    )


class HealthModel(CommandModel):
    """Prints `key=value` lines; the agent is healthy when `key` has `value`."""

    key: Key = "healthy"
    value: str = "yes"
    message: Key = Field(default="message", description="the key whose value says why not")
    patience: Seconds = Field(default=30.0, description="time to get well after a start or a boot")
    notice: Seconds = Field(
        default=0.0, description="after so long in the guest, health tells of whatever was done to it"
    )


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
    """A switch of the agent, and what proves that it does something when it is on."""

    on: CommandModel
    off: CommandModel
    exercise: ExerciseModel | None = Field(
        default=None, description="wanted of a scenario that switches it on; default: nothing is"
    )


class ActivityModel(Model):
    """Events that the agent must see, at a rate; ends by itself, prints `done=` and `errors=`."""

    run: ActivityCommand
    rate: Annotated[float, Field(gt=0)] = Field(
        default=10.0, description="events a second on a normal day; a rate of 0 means as many as it can"
    )


class SamplesModel(CommandModel):
    """Prints `key=value` lines with what the agent uses; read now and then in long runs."""

    values: dict[Key, Key] = Field(
        min_length=1, description="name in recordings (agent_rss_kib) to the key that is printed"
    )
    events: Key | None = Field(
        default=None, description="which of `values` counts events: growth is then told per event"
    )

    @model_validator(mode="after")
    def _events_is_a_value(self) -> SamplesModel:
        if self.events is not None and self.events not in self.values:
            raise ValueError(f"wanted events to be one of values ({', '.join(self.values)})")
        return self


class FamilyModel(Model):
    """The agent on one family of operating systems."""

    dir: str = Field(description="the agent's directory in the guest; absolute")
    bundle: str = Field(description="where the lab puts the packed artefacts in the guest; absolute")
    files: tuple[FileModel, ...] = ()
    compile: CompileModel | None = Field(
        default=None, description="how builds are made that name neither files nor a `compile` of their own"
    )
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
    activity: ActivityModel | None = None
    samples: SamplesModel | None = None
    limits: dict[Key, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict,
        description="what a sampled value may never exceed, in any build, under any load",
    )
    steps: str = Field(
        default="", description="what stands before a step's name when an update says it on the console"
    )
    content_format: ContentFormatModel | None = None

    @model_validator(mode="after")
    def _limits_are_sampled(self) -> FamilyModel:
        sampled = self.samples.values if self.samples else {}
        strange = sorted(set(self.limits) - set(sampled))
        if strange:
            raise ValueError(f"wanted limits of sampled values only ({strange[0]!r} is not sampled)")
        return self


class AgentModel(Model):
    """One product under test."""

    name: Name
    summary: str = ""
    families: dict[Family, FamilyModel] = Field(min_length=1)
