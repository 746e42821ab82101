"""Commands of agent.yaml in a guest: filled, run, and written down as steps and proofs.

Refuses to know what a command is for; a guest that does not answer is a ChannelError and passes through.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from lab.agents import exit_codes, keyvalues
from lab.agents.artefacts import Artefact, bundle
from lab.agents.manifest import AgentFamily, CommandSpec
from lab.agents.outcomes import AgentFailure
from lab.agents.placeholders import fill
from lab.clock import Stopwatch
from lab.errors import ChannelError
from lab.guest.channel import GuestCommandTimeout
from lab.model import AgentVersion, Observation, Proof, Step, Timeouts
from lab.proc import Completed


class GuestLike(Protocol):
    """What of `lab.guest.guest.Guest` agents need; both raise ChannelError, never for an exit code."""

    def run(self, command: str, *, timeout_s: float | None = None) -> Completed: ...

    def put(self, source: bytes | Path, to: str) -> None: ...

    def reboot(self, wait: bool = True, timeout_s: float | None = None, *, reason: str = "") -> None: ...

    def declare_reboot(self, reason: str) -> None: ...

    def wait_rebooted(self) -> None: ...


class Commands:
    """The commands of one agent on one guest.

    Time-outs of agent.yaml are for a host of factor 1 and grow as `timeouts.command_s` has grown.
    """

    def __init__(
        self,
        guest: GuestLike,
        family: AgentFamily,
        record: Callable[[Observation], None],
        clock: Stopwatch,
        timeouts: Timeouts,
    ) -> None:
        self._guest = guest
        self._family = family
        self._record = record
        self._clock = clock
        self._slowness = timeouts.command_s / Timeouts().command_s

    def _refusal(self, done: Completed) -> str:
        """The agent's words when `done` is a refusal, or ""."""
        if done.exit_code != self._family.refused_exit_code:
            return ""
        return keyvalues.parse(done.text).get(self._family.refused_key) or "no reason given"

    def _send(self, files: Sequence[Artefact]) -> None:
        self._guest.put(bundle(files), self._family.bundle)

    def _filled(self, command: CommandSpec, version: AgentVersion | None = None) -> str:
        build, content = (version.build, version.content) if version else ("", "")
        values = {
            "dir": self._family.dir,
            "bundle": self._family.bundle,
            "build": build,
            "content": content,
        }
        return fill(command.run, values).strip()

    def _run(self, command: CommandSpec, version: AgentVersion | None = None) -> Completed:
        timeout_s = command.timeout_s * self._slowness
        text = self._filled(command, version)
        try:
            return self._guest.run(text, timeout_s=timeout_s)
        except GuestCommandTimeout as error:
            # the channel answered up to the deadline: it is the agent's command that hangs
            raise AgentFailure(f"agent command {text!r} did not end in {timeout_s:.0f} s") from error

    def _must(self, command: CommandSpec, what: str, version: AgentVersion | None = None) -> Completed:
        done = self._run(command, version)
        self._require(done, command, what)
        return done

    def _require(self, done: Completed, command: CommandSpec, what: str) -> None:
        """The exit code means that it is done; where it asks for a restart, the guest has had it.

        :raise AgentFailure: it means something else.
        """
        table = exit_codes.TABLES[command.codes]
        found = exit_codes.meaning(table, done.exit_code)
        if not found.done:
            require(done, what, exit_codes.words(table, done.exit_code))
        exit_codes.restart(self._guest, found.restart, what.removesuffix(" failed"))

    def _prove(self, what: str, **values: Any) -> None:
        self._record(Proof(t_s=self._clock.t_s, what=what, values=values))

    @contextlib.contextmanager
    def _step(self, name: str, version: AgentVersion | None) -> Iterator[dict[str, Any]]:
        """Record start and end of an operation; the yielded mapping goes into the end."""
        target = {"build": version.build, "content": version.content} if version else {}
        self._record(Step(t_s=self._clock.t_s, name=name, phase="start", detail=target))
        detail: dict[str, Any] = dict(target)
        outcome = "stopped"
        try:
            yield detail
            outcome = "refused" if detail.get("refused") else "done"
        except AgentFailure as error:
            outcome = "failed"
            detail.update(message=error.message, exit_code=error.exit_code)
            raise
        except ChannelError as error:
            outcome = "lost"
            detail["message"] = str(error)
            raise
        finally:
            self._record(Step(t_s=self._clock.t_s, name=name, phase="end", outcome=outcome, detail=detail))


def require(done: Completed, what: str, ended: str = "") -> None:
    """:raise AgentFailure: the command did not end with exit code 0; `ended` has the words for how it did."""
    if not done.ok:
        last = (done.error_text.splitlines() or ["no output"])[-1]
        raise AgentFailure(f"{what}: {ended or f'exit code {done.exit_code}'}: {last}", done)
