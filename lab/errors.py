"""What the lab itself can fail at, arranged by what the caller has to do about it.

    LabError                   exit code
    ├── InputError             2   the user's files or words are wrong: mend them
    │   ├── ConfigError        2   lab.yaml, images/*.yaml, agents/*/agent.yaml (file:line:column)
    │   └── ArtefactError      2   a file is missing, truncated or has another digest
    ├── NothingSelected        3   a selection matches no cell
    └── InfraError             4   the host, libvirt, QEMU, a build or a channel failed: the lab's fault
        ├── HostError          4   no QEMU, no libvirt, not enough room
        ├── BuildError         4   an image or artefact could not be built
        ├── MachineError       4   libvirt or QEMU refused something
        ├── ChannelError       4   a channel into the guest could not be used
        └── Busy               4   another orchestrator owns the state directory

A guest that crashes is not in this tree: it is a value, `lab.model.Finding`. A closed
gate (exit code 1) is not an exception either: it is `lab.model.GateDecision`.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every `lab` command; documented in docs/exit-codes.md."""

    SHIP = 0
    DO_NOT_SHIP = 1
    BAD_INPUT = 2
    NOTHING_SELECTED = 3
    LAB_FAULT = 4


class LabError(Exception):
    """Something the lab failed to do.

    :param message: *what failed: the value (what was wanted or why)*, lower case, no final period.
    :param hint: one command or change that mends it, or None.
    """

    exit_code = ExitCode.LAB_FAULT

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class InputError(LabError):
    """The user's files or words are wrong."""

    exit_code = ExitCode.BAD_INPUT


class ConfigError(InputError):
    """A configuration file is wrong; the message starts with file:line:column."""


class ArtefactError(InputError):
    """A file that must be what it says is missing, truncated or different."""


class NothingSelected(LabError):
    """A selection matches no cell."""

    exit_code = ExitCode.NOTHING_SELECTED


class InfraError(LabError):
    """The lab's own machinery failed; never evidence against the product under test."""


class HostError(InfraError):
    """A host cannot do what is asked of it."""


class BuildError(InfraError):
    """An image or artefact could not be built.

    :param log: the end of the build's own output, or "".
    """

    def __init__(self, message: str, *, hint: str | None = None, log: str = "") -> None:
        super().__init__(message, hint=hint)
        self.log = log


class MachineError(InfraError):
    """libvirt or QEMU refused something."""


class ChannelError(InfraError):
    """A channel into the guest could not be used, for a reason other than the guest's death."""


class Busy(InfraError):
    """Another orchestrator owns the state directory."""
