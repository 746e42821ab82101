"""One attempt: a recorded, watched machine with a guest in it, from nothing to destroyed.

Order matters and is the order of the code: the recording is open before the machine exists,
sensors are attached before its first instruction, and everything ends through one ExitStack.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab import __version__, codec
from lab import agents as agents_room
from lab.agents.artefacts import ArtefactStore
from lab.agents.operations import AgentUnderTest
from lab.clock import Deadline, Stopwatch, wall
from lab.errors import ArtefactError, ChannelError, LabError
from lab.guest.channel import Channel
from lab.guest.guest import CommandFailed, Guest
from lab.guest.waking import CloneAsleep, Woken, wake
from lab.images import keys
from lab.machine.machine import Machine, Order
from lab.machine.weight import of_process, private_mib
from lab.model import Heartbeat, MachineEvent, Observation, Step
from lab.recording.look import looker
from lab.recording.writer import Recorder
from lab.running import owner
from lab.running.captures import Captures
from lab.running.closing import Closing
from lab.running.escaping import Escape
from lab.running.evidence import Case
from lab.running.order import CellOrder
from lab.running.reach import reach
from lab.running.sensing import attach
from lab.running.watch import Cancelled, Watch
from lab.sensors.hypervisor import EventSink
from lab.waiting import WaitTimeout

CRASH_LOG_SPARE_S = 5.0
EVENT_LOG = "eventlog.xml"
ESCAPE_SPARE_S = 20.0
"""What a drill leaves of the attempt's time, to stop the machine, mend its disk and close the recording."""


class Attempt:
    """Enter it to have a running, watched guest; leave it and nothing remains but the recording."""

    def __init__(self, order: CellOrder) -> None:
        self.order = order
        self.cell = order.cell
        self.clock = Stopwatch()
        self.timeouts = order.timeouts
        self.watch = Watch(order.detect, self.clock, look=looker(order.recording))
        self._deadline = Deadline.after(order.deadline_s)
        self._stack = contextlib.ExitStack()
        self._outcome = ("error", "the scenario never ran")
        self._shutdown_seen = False
        self._panicked = False
        self._cancelled = False
        self.escape: Escape | None = None
        """Set by the fixture: what a scenario has planned for a guest that goes down."""

    # -- life --------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            self._open_recording()
            self._prepare_agent()
            self._start_machine()
        except BaseException as error:
            self._fault(error)
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._linger()
            self._weigh()
        except BaseException as trouble:
            self._fault(trouble)
            raise
        finally:
            self._close()

    def _open_recording(self) -> None:
        directory = self.order.recording
        directory.mkdir(parents=True, exist_ok=True)
        codec.write(self.order, directory / "order.json")
        self.recorder = Recorder(directory, self.clock)
        self.recorder.subscribe(self.watch.observe)
        self.recorder.subscribe(tell_answer)
        self._closing = Closing()
        self.recorder.subscribe(self._closing.observe)
        self.record = self.recorder.add
        self._events = EventSink(self.record, self.clock)
        self.watch.tell(self.record)
        self.record(Step(t_s=self.clock.t_s, name="attempt", phase="start", detail={"wall": wall()}))
        if self.order.resumed is not None:
            missed = codec.to_dict(self.order.resumed)
            self.record(Step(t_s=self.clock.t_s, name="resumed", phase="note", detail=missed))

    def _prepare_agent(self) -> None:
        """Artefacts are verified (and built) before a machine is paid for."""
        self.manifest = agents_room.load(self.order.root / "agents" / self.cell.agent)
        self.artefacts = ArtefactStore(self.order.places, self.manifest)
        digests: list[dict[str, str]] = []
        for version in dict.fromkeys((self.cell.installed, self.cell.version)):
            resolved = self.artefacts.resolve(version, self.order.image)
            named = [{"name": item.name, "sha256": item.sha256} for item in resolved.files]
            digests += [item for item in named if item not in digests]
        self._check_artefacts(digests)
        codec.replace_text(self.order.recording / "attempt.json", facts(self.order, digests))

    def _check_artefacts(self, digests: list[dict[str, str]]) -> None:
        """A repro uses the same artefacts by digest, or says that it cannot."""
        now = {item["name"]: item["sha256"] for item in digests}
        for name, sha256 in self.order.artefacts:
            if now.get(name) != sha256:
                raise ArtefactError(
                    f"artefact {name!r}: sha256 is {now.get(name, 'missing')}, the run used {sha256}",
                    hint="check out the commit of the run to reproduce it exactly",
                )

    def _start_machine(self) -> None:
        self.machine = Machine(self._wanted(), self.order.places)
        self.machine.create(self._sink)
        self._stack.callback(self.machine.close)
        found = reach(self.machine, self.timeouts)
        self.ssh_port = found.ssh_port
        self.dialect = found.dialect
        self._reach(found.channels)
        self._attach_sensors(found.channels)
        self.record(MachineEvent(t_s=self.clock.t_s, name="started", details={"machine": self.machine.name}))
        if self.order.template is not None:
            details = {"template": self.order.template.key.digest, "made": self.order.template.made}
            self.record(MachineEvent(t_s=self.clock.t_s, name="cloned", details=details))
        self.machine.resume()

    def wait_ready(self) -> None:
        """Wait until the guest answers; a clone is then woken to the present.

        :raise WaitTimeout: it does not answer.
        :raise CloneAsleep: it is a clone that does not answer, or whose time cannot be set or does not move.
        """
        template = self.order.template
        if template is None:
            self.guest.wait_ready(self.timeouts.boot_s)
            return
        woken = self._wake()
        detail = {"moved_s": woken.moved_s, "off_s": woken.off_s, "reseeded": woken.reseeded}
        detail |= {"identity": self.order.identity.value, "host": woken.host}
        self.record(Step(t_s=self.clock.t_s, name="woken", phase="note", detail=detail))
        if template.key.warm:
            self.agent.warm = self.cell.installed

    def _wake(self) -> Woken:
        """A clone that takes half a boot's time is none; said before its silence is called a failed boot."""
        name = f"{self.order.image.name}-{self.machine.name}"
        try:
            self.guest.wait_ready(self.timeouts.boot_s / 2)
            words = self.dialect.wake
            return wake(self.guest, time.time, words=words, identity=self.order.identity, name=name)
        except (ChannelError, WaitTimeout) as error:
            if isinstance(error, CloneAsleep):
                raise
            raise CloneAsleep(f"a clone does not answer: {error}") from error

    def _wanted(self) -> Order:
        order = self.order
        return Order(
            image=order.image,
            profile=order.profile,
            uri=order.host.uri,
            accelerator=order.host.accelerator,
            run=order.run,
            cell=order.cell.id,
            attempt=order.attempt,
            recording=order.recording,
            lifetime_s=order.deadline_s + 60.0,
            dump_disk_mib=order.evidence.dump_disk_mib,
            template=order.template,
        )

    def _reach(self, channels: Sequence[Channel]) -> None:
        """The guest over its channels, and the agent under test in it."""
        self.guest = Guest(
            channels, self.record, self.clock, self.timeouts, rewinder=self.machine, dialect=self.dialect
        )
        self._stack.callback(self.guest.close)
        self.agent = AgentUnderTest(
            self.guest,
            self.manifest,
            self.order.image,
            self.artefacts,
            self.record,
            self.clock,
            self.timeouts,
        )

    def _sink(self, name: str, details: dict[str, Any]) -> None:
        """On libvirt's event thread, which must not call libvirt itself."""
        self._shutdown_seen = self._shutdown_seen or name == "shutdown"
        self._panicked = self._panicked or name == "panicked"
        self._events(name, details)
        if name == "reset" and self._panicked:
            self._panicked = False
            threading.Thread(target=self._revive, name="revive", daemon=True).start()

    def _revive(self) -> None:
        with contextlib.suppress(LabError):
            self.machine.domain.revive()

    def _attach_sensors(self, channels: Sequence[Channel]) -> None:
        self._sensing = attach(
            self._stack,
            self.order,
            self.machine,
            channels[0] if channels else None,
            self.recorder,
            self.clock,
            deadline=self._deadline,
            dialect=self.dialect,
            shutdown_seen=lambda: self._shutdown_seen,
        )

    # -- the scenario's end ------------------------------------------------

    def scenario_started(self, detail: dict[str, Any]) -> None:
        self.record(Step(t_s=self.clock.t_s, name="scenario", phase="start", detail=detail))

    def scenario_ended(self, outcome: str, detail: str = "") -> None:
        """:param outcome: `completed`, `failed`, `stopped` or `error`."""
        self.watch.disarm()
        self._outcome = (outcome, detail)
        self.record(
            Step(t_s=self.clock.t_s, name="scenario", phase="end", outcome=outcome, detail={"text": detail})
        )

    def closing(self) -> None:
        """The scenario went well: is that so a moment later? Raises as `Closing.watch`, and what stops it."""
        self._closing.watch(self.agent, self.watch.quiet, self.timeouts.closing_s, self.clock.t_s)

    @property
    def completed(self) -> bool:
        """Nothing went wrong up to now, as far as the scenario can tell."""
        return self._outcome[0] == "completed"

    @contextlib.contextmanager
    def reopened(self) -> Iterator[None]:
        """The recording once more, for what is known only after its end; it is closed again.

        :raise InfraError: it cannot be written, and then it stays open: it proves nothing any more.
        """
        self.recorder = Recorder(self.order.recording, self.clock)
        self.record = self.recorder.add
        yield
        self.recorder.close(scenario=self._outcome[0], detail=self._outcome[1])

    def lab_fault(self, error: BaseException) -> None:
        """Something of ours failed: never evidence against the candidate."""
        self._cancelled = self._cancelled or isinstance(error, Cancelled)
        self._fault(error)

    def _fault(self, error: BaseException) -> None:
        hint = error.hint if isinstance(error, LabError) else None
        text = f"{type(error).__name__}: {error}"
        if hasattr(self, "record"):
            detail = {"error": text, "hint": hint or ""}
            self.record(Step(t_s=self.clock.t_s, name="lab-fault", phase="note", detail=detail))
        self._outcome = ("error", text)

    def _linger(self) -> None:
        """Evidence first, as long as the guest is where it failed; then time for what it does next."""
        failed = self.watch.fatal is not None or self._outcome[0] != "completed"
        if failed and self.order.keep_hours > 0:
            self._keep()
            return
        if self._cancelled:
            return
        self._take_evidence(completed=self._outcome[0] == "completed")
        if self.watch.fatal is not None:
            self._await_loop()
        self._take_crash_log()
        if self.watch.fatal is not None and self.escape is not None:
            self.escape.after_failure(self._deadline.left_s - ESCAPE_SPARE_S)

    @property
    def left_s(self) -> float:
        """Until the attempt's process is ended."""
        return self._deadline.left_s

    def examine(self) -> None:
        """Evidence of a guest that failed where the scenario goes on, with an earlier state of it."""
        self._take_evidence(completed=False)
        self._await_loop()

    def _take_evidence(self, *, completed: bool) -> None:
        suspicion = self._sensing.suspicion
        self._sensing.evidence.take(
            Case.of(
                self.watch.fatal,
                completed=completed,
                panicked=suspicion.panicked,
                unanswered=suspicion.unanswered,
            )
        )

    def _await_loop(self) -> None:
        self.watch.linger(
            linger_s=self.timeouts.linger_s,
            loop_s=self.timeouts.loop_s,
            count_loops=self.cell.count_loops,
        )

    def _take_crash_log(self) -> None:
        """What the guest wrote down itself; it answers only if it has come back from whatever happened."""
        age_s = self.clock.t_s + CRASH_LOG_SPARE_S
        watch, captures = Stopwatch(), Captures(self.order.recording, self.record, self.clock)
        try:
            told = self.guest.crash_log(age_s) if hasattr(self, "guest") else None
        except (ChannelError, CommandFailed) as error:
            captures.leave_out("event-log", str(error)[:300])
            return
        if told is not None:
            path = self.order.recording / EVENT_LOG
            path.write_bytes(told)
            self.record(captures.file("event-log", path, watch.t_s))

    def _weigh(self) -> None:
        """What the guest has cost in memory, so that later runs know; 10 ms."""
        detail = {"private_mib": private_mib(self.machine), "process_mib": of_process()}
        self.record(Step(t_s=self.clock.t_s, name="memory", phase="note", detail=detail))

    def _keep(self) -> None:
        """Freeze a crashed guest where it is; leave a living one running."""
        if self.watch.fatal is not None:
            with contextlib.suppress(LabError):
                self.machine.domain.suspend()
            self._sensing.evidence.frozen()
        self.machine.keep(
            hours=self.order.keep_hours,
            ssh_port=self.ssh_port,
            ssh_key=keys.ensure(self.order.places).private,
        )

    def _close(self) -> None:
        """Sensors stop first (their last look is recorded), then the machine, then the recording."""
        try:
            self._stack.close()
            self.watch.close()
        except BaseException as trouble:
            self._fault(trouble)
            raise
        finally:
            if hasattr(self, "recorder"):
                self.recorder.close(scenario=self._outcome[0], detail=self._outcome[1])


def tell_answer(seen: Observation) -> None:
    """The guest's first answer, on whichever channel, ends its start: the next one may begin."""
    if (isinstance(seen, Heartbeat) and seen.ok) or (isinstance(seen, Step) and seen.name == "booted"):
        owner.tell(owner.ANSWERED)


def facts(order: CellOrder, artefacts: list[dict[str, str]]) -> str:
    """attempt.json: what the attempt was made of, written before the guest boots."""
    image = order.image
    facts = {
        "cell": codec.to_dict(order.cell),
        "attempt": order.attempt,
        "image": {
            "name": image.name,
            "digest": image.digest,
            "release": image.release,
            "kernel": image.kernel_release,
            "boot": image.boot,
            "firmware": image.firmware,
        },
        "artefacts": artefacts,
        "host": codec.to_dict(order.host),
        "lab": __version__,
        "seed": order.cell.seed,
        "clone": order.template is not None,
        "template": order.template.key.digest if order.template else "",
        "cold": order.cold,
        "detect": codec.to_dict(order.detect),
        "started": wall(),
    }
    return json.dumps(facts, indent=1, default=_plain) + "\n"


def _plain(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not a fact that can be written")
