"""What doing something to the agent can come to: values, and the one failure that is the agent's own."""

from __future__ import annotations

from dataclasses import dataclass

from lab.model import AgentVersion
from lab.proc import Completed


class AgentFailure(AssertionError):
    """The product did not do what it was told, on a guest that answered.

    An AssertionError, so that the scenario fails as a product failure; never the lab's fault.

    :param done: the command that showed it, with exit code and output, or None.
    """

    def __init__(self, message: str, done: Completed | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.command = done.command if done else ""
        self.exit_code = done.exit_code if done else None
        self.output = "\n".join(part for part in (done.text, _stderr(done)) if part) if done else ""


def _stderr(done: Completed) -> str:
    return done.stderr.decode("utf-8", "replace").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateResult:
    """How the agent took an update: applied, or refused with its own words."""

    applied: bool
    refused: bool
    message: str = ""
    version: AgentVersion
    """What is in force now, read back from the guest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the agent says of itself."""

    ok: bool
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercised:
    """The counter before and after the trigger."""

    before: int
    after: int

    @property
    def moved(self) -> bool:
        return self.after > self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What the agent made of a content file that is no version of it."""

    taken: bool
    message: str
    """Its words when it refused."""
