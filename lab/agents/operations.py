"""What is done to the agent in a guest, each step recorded, each result read back from the guest.

Refuses to judge: it records Step and Proof observations. It raises `AgentFailure` when the agent
did not do what it was told on a guest that answered; a channel that fails is a ChannelError and
passes through, since the guest may be dead, and why is for the detectors to say.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence

from lab.agents import keyvalues
from lab.agents.artefacts import Artefact, ArtefactStore, Target, packed
from lab.agents.commands import Commands, GuestLike, require
from lab.agents.content import ContentFormat, read
from lab.agents.coverage import coverage
from lab.agents.manifest import AgentManifest, CommandSpec, ExerciseSpec, FeatureSpec
from lab.agents.outcomes import AgentFailure, Exercised, Health, Offered, UpdateResult
from lab.agents.placeholders import fill
from lab.clock import Stopwatch
from lab.config.located import unknown
from lab.errors import ArtefactError, InputError
from lab.model import AgentVersion, LoadMark, Observation, Timeouts
from lab.waiting import WaitTimeout, wait_for

LOOK_AGAIN_S = 0.5
BUSY = "agent-busy"
"""The activity of agent.yaml as a load, where a scenario makes it without `lab.workloads`."""


class AgentUnderTest(Commands):
    """The agent on one guest."""

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
        super().__init__(guest, manifest.family(image.family), record, clock, timeouts)
        self.manifest = manifest
        self._image = image
        self._store = store
        self._meant_to_run = True
        self._seen_at_work: set[AgentVersion] = set()
        """Versions whose counter moved, with the features as they are switched now."""
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

        A counter that never moved is recorded and returned, not raised: it proves nothing either way. One
        that moved for this version and does not any more is an agent that went blind.

        :raise AgentFailure: another version is in force, the agent is not healthy, or it went blind.
        """
        now, health, told = self._read()
        self._check(now, health, version)
        same = self._family.exercise.counter.run == self._family.health.command.run
        seen = self._exercise(self._number(told) if same else self._count())
        self._prove_coverage(version, matched=seen.moved)
        if seen.moved:
            self._seen_at_work.add(version)
        elif version in self._seen_at_work:
            key = self._family.exercise.key
            raise AgentFailure(
                f"agent {version} went blind: {key} moved before, and stays at {seen.after} now"
            )
        return seen

    def sample(self) -> dict[str, float]:
        """What the agent says of its own resources: the `samples` of agent.yaml, those that it told now.

        Without `samples` it is every number that the health command prints, as `agent_KEY`.
        """
        spec = self._family.samples
        told = keyvalues.parse(self._run(spec.command if spec else self._family.health.command).text)
        wanted = spec.values if spec else {f"agent_{key}": key for key in told}
        found = {name: _decimal(told.get(key, "")) for name, key in wanted.items()}
        return {name: number for name, number in found.items() if number is not None}

    @property
    def limits(self) -> Mapping[str, float]:
        """What a sampled value may never exceed, by its name in `sample`."""
        return self._family.limits

    @property
    def counts_events(self) -> str | None:
        """The sampled value that counts events, by which growth is told; None where there is none."""
        return self._family.samples.events if self._family.samples else None

    @property
    def notice_s(self) -> float:
        """Seconds of the guest's time after which health tells of whatever was done to the agent."""
        return self._family.health.notice_s

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
            self._require(done, self._family.install, f"install of {version} failed")
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
        switches = self._feature(name)
        state = "on" if on else "off"
        self._seen_at_work.clear()
        with self._step("feature", None) as detail:
            detail.update(name=name, state=state, proof_wanted=switches.exercise is not None)
            self._must(switches.on if on else switches.off, f"switching {name} {state} failed")

    def exercise_feature(self, name: str) -> Exercised:
        """Count, trigger, count again, by what agent.yaml says of that feature; Proof `exercised`.

        :raise InputError: agent.yaml does not name the feature, or does not say how it is exercised.
        :raise AgentFailure: the trigger cannot be run, or the counter is not a number.
        """
        spec = self._feature(name).exercise
        if spec is None:
            raise InputError(
                f"agent {self.manifest.name!r}: feature {name!r} has no exercise",
                hint=f"say in {self.manifest.path} what triggers it and what counts it",
            )
        return self._exercised(spec, self._count(spec), name)

    def event_command(self) -> str:
        """The shell text that makes one event which the agent must see: the exercise's trigger."""
        return self._filled(self._family.exercise.trigger)

    def events_seen(self) -> int:
        """The exercise's counter. Not recorded: no proof rests on it.

        :raise AgentFailure: the counter is not a number.
        """
        return self._count()

    def keep_busy(self, seconds: float, *, rate: float | None = None) -> dict[str, float]:
        """Events that the agent must see, for so long; what the activity printed (`done`, `errors`).

        :param rate: events a second; None for a normal day's, 0 for as many as the guest can.
        Recorded as a load, so that a report shows when there was one and what it did.

        :raise InputError: agent.yaml has no activity.
        :raise AgentFailure: events could not be made, or it says that there were none.
        """
        spec = self._family.activity
        if spec is None:
            raise InputError(
                f"agent {self.manifest.name!r} has no activity",
                hint=f"say in {self.manifest.path} what keeps it busy",
            )
        wanted = {"dir": self._family.dir, "rate": f"{spec.rate if rate is None else rate:g}"}
        command = CommandSpec(
            run=fill(spec.run, {**wanted, "seconds": f"{seconds:.0f}"}),
            timeout_s=seconds + Timeouts().command_s,
        )
        began_s = self._clock.t_s
        detail = {"rate": wanted["rate"], "for_s": seconds}
        self._record(LoadMark(t_s=began_s, workload=BUSY, phase="start", detail=detail))
        told = keyvalues.parse(self._must(command, "activity failed").text)
        numbers = {key: _decimal(value) for key, value in told.items()}
        found = {key: number for key, number in numbers.items() if number is not None}
        self._busied(found, self._clock.t_s - began_s)
        return found

    def _busied(self, told: Mapping[str, float], took_s: float) -> None:
        """:raise AgentFailure: nothing was done."""
        done = told.get("done", 0.0)
        self._record(
            LoadMark(
                t_s=self._clock.t_s,
                workload=BUSY,
                phase="end",
                ops=int(done),
                ops_per_s=done / took_s if took_s > 0 else 0.0,
                errors=int(told.get("errors", 0.0)),
            )
        )
        if told.get("done") == 0:
            raise AgentFailure(f"activity made no event in {took_s:.0f} s")

    def offer(self, name: str, data: bytes, *, like: str) -> Offered:
        """Hand a content file that agent.yaml does not list to the running agent, as an update would.

        :param name: what the file is called where a content's name is asked for.
        :param like: the content whose place and mode it takes.
        :raise AgentFailure: the agent neither took it nor refused it.
        """
        spec = self._family.contents[like]
        to = spec.to.replace(like, name)
        self._guest.put(packed([(to, spec.mode, data)]), self._family.bundle)
        version = AgentVersion(build="", content=name if to != spec.to else like)
        done = self._run(self._family.update_content, version)
        if refusal := self._refusal(done):
            return Offered(taken=False, message=refusal)
        require(done, f"content {name!r} was neither taken nor refused")
        return Offered(taken=True, message="")

    def content(self, name: str) -> bytes:
        """The bytes of a content that agent.yaml lists, checked against their digest.

        :raise ArtefactError: it lists none of that name, or the file has another digest.
        """
        return self._store.content(name, self._image.family)

    @property
    def content_format(self) -> ContentFormat | None:
        """The declared format of its content files."""
        return self._family.content_format

    # -- parts -------------------------------------------------------------

    def _feature(self, name: str) -> FeatureSpec:
        """:raise InputError: agent.yaml does not name it."""
        found = self._family.features.get(name)
        if found is None:
            words = unknown("feature", name, list(self._family.features))
            raise InputError(
                f"agent {self.manifest.name!r}: {words}", hint=f"features are listed in {self.manifest.path}"
            )
        return found

    def _prove_coverage(self, version: AgentVersion, *, matched: bool) -> None:
        """Which fields of the content in force the exercise has compared; nothing where no format is told."""
        form = self._family.content_format
        if form is None or version.content not in self._family.contents:
            return
        try:
            found = coverage(read(form, self.content(version.content)), matched=matched)
        except ArtefactError as error:
            self._prove("coverage", content=version.content, error=str(error))
            return
        self._prove(
            "coverage",
            content=version.content,
            fields=found.fields,
            values=list(found.values),
            wildcards=list(found.wildcards),
        )

    def _update(self, command: CommandSpec, files: Sequence[Artefact], version: AgentVersion) -> str:
        """Send and run one update; the agent's words when it refused, or ""."""
        self._send(files)
        done = self._run(command, version)
        refusal = self._refusal(done)
        if refusal:
            self._prove("refused", build=version.build, content=version.content, message=refusal)
        else:
            self._require(done, command, f"update to {version} failed")
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
        return self._exercised(self._family.exercise, before)

    def _exercised(self, spec: ExerciseSpec, before: int, feature: str = "") -> Exercised:
        self._must(spec.trigger, "exercise: the trigger failed")
        seen = Exercised(before=before, after=self._count(spec))
        named = {"feature": feature} if feature else {}
        trigger = self._filled(spec.trigger)
        self._prove("exercised", before=seen.before, after=seen.after, trigger=trigger, **named)
        return seen

    def _count(self, spec: ExerciseSpec | None = None) -> int:
        spec = spec or self._family.exercise
        return self._number(keyvalues.parse(self._run(spec.counter).text), spec.key)

    def _number(self, told: dict[str, str], key: str = "") -> int:
        key = key or self._family.exercise.key
        text = told.get(key, "")
        if not text.isascii() or not text.isdigit():
            raise AgentFailure(f"exercise: counter {key!r} is {text!r} (wanted a number)")
        return int(text)


def _decimal(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
