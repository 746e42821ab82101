"""What is done to the agent in a guest, each step recorded, each result read back from the guest.

Refuses to judge: it records Step and Proof observations. It raises `AgentFailure` when the agent
did not do what it was told on a guest that answered; a channel that fails is a ChannelError and
passes through, since the guest may be dead, and why is for the detectors to say.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from lab.agents import keyvalues
from lab.agents.artefacts import Artefact, ArtefactStore, Target, bundle
from lab.agents.manifest import AgentManifest, CommandSpec
from lab.agents.outcomes import AgentFailure, Exercised, Health, UpdateResult
from lab.agents.placeholders import fill
from lab.clock import Stopwatch
from lab.config.located import unknown
from lab.errors import ChannelError, InputError
from lab.guest.channel import GuestCommandTimeout
from lab.model import AgentVersion, Observation, Proof, Step, Timeouts
from lab.proc import Completed
from lab.waiting import WaitTimeout, wait_for

LOOK_AGAIN_S = 0.5


class GuestLike(Protocol):
    """What of `lab.guest.guest.Guest` agents need; both raise ChannelError, never for an exit code."""

    def run(self, command: str, *, timeout_s: float | None = None) -> Completed: ...

    def put(self, source: bytes | Path, to: str) -> None: ...


class AgentUnderTest:
    """The agent on one guest.

    Time-outs of agent.yaml are for a host of factor 1 and grow as `timeouts.command_s` has grown.
    """

    def __init__(
        self,
        guest: GuestLike,
        manifest: AgentManifest,
        image: Target,
        store: ArtefactStore,
        record: Callable[[Observation], None],
        clock: Stopwatch,
        timeouts: Timeouts,
    ) -> None:
        self.manifest = manifest
        self._guest = guest
        self._family = manifest.family(image.family)
        self._image = image
        self._store = store
        self._record = record
        self._clock = clock
        self._slowness = timeouts.command_s / Timeouts().command_s
        self._meant_to_run = True
        self.warm: AgentVersion | None = None
        """What the guest came with, so that installing it is only reading it back."""

    # -- reading -----------------------------------------------------------

    def version(self) -> AgentVersion:
        """Build and content in force, as the agent says; recorded as Proof `version`.

        An agent that has no content in force, or is not there, has empty names.
        """
        spec = self._family.version
        values = keyvalues.parse(self._run(spec.command).text)
        return self._proven_version(values)

    def health(self) -> Health:
        """What the agent says of itself; recorded as Proof `healthy` unless it was told to stop."""
        values = keyvalues.parse(self._run(self._family.health.command).text)
        return self._proven_health(values)

    def read(self) -> tuple[AgentVersion, Health]:
        """Version and health once the agent has settled: healthy, or its patience has passed.

        One command in the guest when agent.yaml reads both with the same.
        """
        version, health, _ = self._read()
        return version, health

    def exercise(self) -> Exercised:
        """Count, trigger, count again; recorded as Proof `exercised`.

        :raise AgentFailure: the trigger cannot be run, or the counter is not a number.
        """
        return self._exercise(self._count())

    def prove(self, version: AgentVersion) -> Exercised:
        """Everything a pass rests on: `version` is in force, the agent is healthy, and is exercised.

        A counter that does not move is recorded and returned, not raised: it proves nothing either way.

        :raise AgentFailure: another version is in force, or the agent is not healthy.
        """
        now, health, told = self._read()
        self._check(now, health, version)
        same = self._family.exercise.counter.run == self._family.health.command.run
        return self._exercise(self._number(told) if same else self._count())

    def sample(self) -> dict[str, float]:
        """What the agent says of its own resources, as its health command tells them: every number in it."""
        told = keyvalues.parse(self._run(self._family.health.command).text)
        return {f"agent_{name}": float(value) for name, value in told.items() if value.isdecimal()}

    # -- changing ----------------------------------------------------------

    def install(self, version: AgentVersion) -> None:
        """Bring the agent onto a guest that does not have it, and read back that it is there.

        :raise AgentFailure: it could not be installed, or refused its content (Proof `refused`).
        """
        artefacts = self._store.resolve(version, self._image)
        warm, self.warm = self.warm == version, None
        with self._step("install", version) as detail:
            self._meant_to_run = True
            if warm:
                detail["warm"] = True
                self._check(*self.read(), version)
                return
            self._send(artefacts.files)
            done = self._run(self._family.install, version)
            if refusal := self._refusal(done):
                self._prove("refused", build=version.build, content=version.content, message=refusal)
                raise AgentFailure(f"install of {version} refused: {refusal}", done)
            _require(done, f"install of {version} failed")
            self._check(*self.read(), version)

    def apply(self, version: AgentVersion, *, reinstall: bool = False) -> UpdateResult:
        """Update to `version`: the build if it differs from what is in force, then the content.

        :param reinstall: put the build on even when it is in force already (an upgrade to itself).

        A refusal is a value, recorded as Proof `refused`; what is in force then is in the result.

        :raise AgentFailure: the agent neither took the update nor refused it.
        """
        artefacts = self._store.resolve(version, self._image)
        with self._step("update", version) as detail:
            now = self.version()
            refusal = ""
            if now.build != version.build or reinstall:
                files = (*artefacts.common, *artefacts.build)
                interim = AgentVersion(build=version.build, content=now.content)
                refusal = self._update(self._family.update_build, files, interim)
            if now.content != version.content and not refusal:
                refusal = self._update(self._family.update_content, artefacts.content, version)
            result = self._read_back(version, refusal)
            detail["refused"] = result.refused
            return result

    def rollback(self, to: AgentVersion) -> UpdateResult:
        """Back to what was there before the last update, by the agent's own means.

        :raise AgentFailure: `to` is not in force afterwards, or the agent is not healthy.
        """
        with self._step("rollback", to):
            self._must(self._family.rollback, f"roll back to {to} failed", to)
            version, health = self.read()
            self._check(version, health, to)
            return UpdateResult(applied=True, refused=False, version=version)

    def uninstall(self) -> list[str]:
        """Take the agent off the guest; what it left behind, recorded as Proof `removed`.

        :raise AgentFailure: the uninstaller failed.
        """
        with self._step("uninstall", None) as detail:
            self._meant_to_run = False
            self._must(self._family.uninstall, "uninstall failed")
            done = self._must(self._family.leftovers, "looking for leftovers failed")
            leftovers = keyvalues.every(done.text, "leftover")
            self._prove("removed", leftovers=leftovers)
            detail["leftovers"] = leftovers
            return leftovers

    def start(self) -> None:
        """:raise AgentFailure: it does not start."""
        with self._step("start", None):
            self._meant_to_run = True
            self._must(self._family.start, "start failed")

    def stop(self) -> None:
        """:raise AgentFailure: it does not stop."""
        with self._step("stop", None):
            self._meant_to_run = False
            self._must(self._family.stop, "stop failed")

    def feature(self, name: str, on: bool) -> None:
        """Switch a feature that agent.yaml names.

        :raise InputError: agent.yaml does not name it.
        :raise AgentFailure: the agent did not switch it.
        """
        switches = self._family.features.get(name)
        if switches is None:
            words = unknown("feature", name, list(self._family.features))
            raise InputError(
                f"agent {self.manifest.name!r}: {words}", hint=f"features are listed in {self.manifest.path}"
            )
        state = "on" if on else "off"
        with self._step("feature", None) as detail:
            detail.update(name=name, state=state)
            self._must(switches.on if on else switches.off, f"switching {name} {state} failed")

    # -- parts -------------------------------------------------------------

    def _update(self, command: CommandSpec, files: Sequence[Artefact], version: AgentVersion) -> str:
        """Send and run one update; the agent's words when it refused, or ""."""
        self._send(files)
        done = self._run(command, version)
        refusal = self._refusal(done)
        if refusal:
            self._prove("refused", build=version.build, content=version.content, message=refusal)
        else:
            _require(done, f"update to {version} failed")
        return refusal

    def _read_back(self, wanted: AgentVersion, refusal: str) -> UpdateResult:
        version, health = self.read()
        if refusal:
            return UpdateResult(applied=False, refused=True, message=refusal, version=version)
        self._check(version, health, wanted)
        return UpdateResult(applied=True, refused=False, version=version)

    def _check(self, version: AgentVersion, health: Health, wanted: AgentVersion) -> None:
        if version != wanted:
            raise AgentFailure(
                f"agent has {version} in force (wanted {wanted}): {health.message or 'no reason given'}"
            )
        if not health.ok:
            raise AgentFailure(f"agent is not healthy with {version}: {health.message or 'no reason given'}")

    def _read(self) -> tuple[AgentVersion, Health, dict[str, str]]:
        """As `read`, with everything that the health command told."""
        told = self._settled()
        version, health = self._family.version.command, self._family.health.command
        if version.run != health.run:
            return self.version(), self._proven_health(told), told
        return self._proven_version(told), self._proven_health(told), told

    def _settled(self) -> dict[str, str]:
        """What the agent says of its health when it is well, or last before its patience passed."""
        spec = self._family.health
        told: dict[str, str] = {}

        def well() -> bool:
            nonlocal told
            told = keyvalues.parse(self._run(spec.command).text)
            return told.get(spec.key) == spec.value

        patience_s = spec.patience_s * self._slowness
        with contextlib.suppress(WaitTimeout):
            wait_for(well, what="healthy agent", timeout_s=patience_s, interval_s=LOOK_AGAIN_S)
        return told

    def _proven_version(self, values: dict[str, str]) -> AgentVersion:
        spec = self._family.version
        version = AgentVersion(build=values.get(spec.build, ""), content=values.get(spec.content, ""))
        self._prove("version", build=version.build, content=version.content)
        return version

    def _proven_health(self, values: dict[str, str]) -> Health:
        spec = self._family.health
        ok = values.get(spec.key) == spec.value
        message = values.get(spec.message, "")
        if not ok and not message:
            message = f"{spec.key} is {values.get(spec.key, 'not told')!r} (wanted {spec.value!r})"
        if ok or self._meant_to_run:
            self._prove("healthy", ok=ok, message=message)
        return Health(ok=ok, message=message)

    def _exercise(self, before: int) -> Exercised:
        trigger = self._family.exercise.trigger
        self._must(trigger, "exercise: the trigger failed")
        seen = Exercised(before=before, after=self._count())
        self._prove("exercised", before=seen.before, after=seen.after, trigger=self._filled(trigger))
        return seen

    def _count(self) -> int:
        return self._number(keyvalues.parse(self._run(self._family.exercise.counter).text))

    def _number(self, told: dict[str, str]) -> int:
        key = self._family.exercise.key
        text = told.get(key, "")
        if not text.isascii() or not text.isdigit():
            raise AgentFailure(f"exercise: counter {key!r} is {text!r} (wanted a number)")
        return int(text)

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
        _require(done, what)
        return done

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


def _require(done: Completed, what: str) -> None:
    """:raise AgentFailure: the command did not end with exit code 0."""
    if not done.ok:
        last = (done.error_text.splitlines() or ["no output"])[-1]
        raise AgentFailure(f"{what}: exit code {done.exit_code}: {last}", done)
