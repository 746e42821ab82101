"""Putting faults on a guest and taking them away: inject, proof, undo, each with its mark in the recording.

The order is kept whatever happens in between; what is still on the guest at the end is undone by
`undo_all`. Refuses to stop a scenario because a fault showed no effect: the mark says so, and the verdict
makes the cell inconclusive.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from lab import log
from lab.clock import Deadline
from lab.config.located import unknown
from lab.errors import InputError, LabError
from lab.faults.cutting import CutPoint, CutShort, Rehearsal, Steps, rehearse
from lab.faults.fault import Fault
from lab.faults.kind import Kind, Value
from lab.faults.schedule import Planned, schedule
from lab.faults.subject import Subject
from lab.model import Expectation, FaultMark, FaultPhase

PROOF_SHARE = 0.15
"""Of `command_s`, for the effect to show."""
LOOK_AGAIN_S = 0.25
NO_EFFECT = "no effect that could be shown"
LOST = "the guest does not answer any more; its machine ends with the attempt"


class Injected:
    """One fault that is on the guest, or was."""

    def __init__(
        self, fault: Fault, kind: Kind, subject: Subject, name: str, values: dict[str, Value]
    ) -> None:
        self.kind = kind
        self.id = name
        self.parameters = values
        self.evidence = ""
        """What shows the effect; "" while nothing does."""
        self.over = False
        self.fault = fault
        self._subject = subject
        self._doubt = NO_EFFECT
        self._injected = False

    @property
    def begun(self) -> bool:
        """Whether it was put on the guest whole."""
        return self._injected

    @property
    def proven(self) -> bool:
        return bool(self.evidence)

    def begin(self) -> None:
        """Inject it and look for its effect.

        :raise LabError: it could not be injected.
        """
        self._mark(FaultPhase.PLANNED)
        self._expect(begin=True)
        try:
            self.fault.inject()
        except Exception as error:
            self._mark(FaultPhase.FAILED, f"could not be injected: {error}")
            raise
        self._injected = True
        self._mark(FaultPhase.INJECTED)
        self._prove(Deadline.after(self._subject.timeouts.command_s * PROOF_SHARE))

    def undo(self) -> None:
        """Take it away; a second time does nothing.

        :raise LabError: that failed. The mark says so.
        """
        if self.over:
            return
        self.over = True
        lost = self._subject.lost()
        if self._injected and not self.proven:
            self._doubtful(lost)
        try:
            gone = LOST if lost and self.fault.in_guest else self.fault.undo()
        except Exception as error:
            self._mark(FaultPhase.FAILED, f"could not be undone: {error}")
            raise
        finally:
            self._expect(begin=False)
        self._mark(FaultPhase.FAILED if gone == LOST else FaultPhase.UNDONE, gone)

    def _doubtful(self, lost: bool) -> None:
        """The last chance to show an effect."""
        if not (lost and self.fault.in_guest):
            self._prove(Deadline.after(0))
        if not self.proven:
            self._mark(FaultPhase.FAILED, self._doubt)

    def _prove(self, deadline: Deadline) -> None:
        while True:
            try:
                self.evidence = self.fault.prove()
            except (LabError, TimeoutError) as error:
                self._doubt = f"{NO_EFFECT}: {error}"
            if self.proven:
                self._mark(FaultPhase.PROVEN, self.evidence)
                return
            if deadline.passed or self._subject.lost():
                return
            threading.Event().wait(min(LOOK_AGAIN_S, deadline.left_s))

    def _expect(self, *, begin: bool) -> None:
        """Reboots are declared by whoever causes them, who knows when."""
        if "silence" in self.kind.masks:
            reason = f"the fault {self.kind.name}"
            expectation = Expectation(t_s=self._subject.clock.t_s, what="silence", begin=begin, reason=reason)
            self._subject.record(expectation)

    def _mark(self, phase: FaultPhase, evidence: str = "") -> None:
        mark = FaultMark(
            t_s=self._subject.clock.t_s,
            fault=self.kind.name,
            phase=phase,
            id=self.id,
            parameters=self.parameters,
            evidence=evidence,
            masks=self.kind.masks,
        )
        self._subject.record(mark)


class Faults:
    """The faults of one attempt.

    :param table: the kinds by name; the catalogue when None.
    """

    def __init__(self, subject: Subject, *, table: Mapping[str, Kind] | None = None) -> None:
        if table is None:
            from lab.faults.catalogue import KINDS

            table = KINDS
        self._subject = subject
        self._table = table
        self._all: list[Injected] = []

    @property
    def injections(self) -> tuple[Injected, ...]:
        """Everything that was injected, in order."""
        return tuple(self._all)

    def inject(self, name: str, **parameters: Value) -> Injected:
        """Put a fault on the guest. It stays until its `undo`, or the end of the attempt.

        A fault whose effect does not show is not an error here; see `Injected.proven`.

        :raise InputError: no such fault, wrong parameters, or not for this family of guests.
        :raise LabError: it could not be injected.
        """
        kind = self._kind(name)
        values = kind.resolve(parameters)
        self._subject.injections += 1
        return self._begin(kind, kind.make(self._subject, values), values)

    def _begin(self, kind: Kind, fault: Fault, values: dict[str, Value]) -> Injected:
        name = kind.name
        injected = Injected(fault, kind, self._subject, f"{name}-{self._subject.injections}", values)
        self._all.append(injected)
        try:
            injected.begin()
        except BaseException:
            self._undo_quietly(injected)
            raise
        return injected

    @contextlib.contextmanager
    def injected(self, name: str, **parameters: Value) -> Iterator[Injected]:
        """The same for the length of a block. When the block fails, that counts and not how undoing went."""
        with self._until_undone(self.inject(name, **parameters)) as fault:
            yield fault

    @contextlib.contextmanager
    def _until_undone(self, fault: Injected) -> Iterator[Injected]:
        try:
            yield fault
        except BaseException:
            self._undo_quietly(fault)
            raise
        fault.undo()

    def rehearse(self, action: Callable[[], object]) -> Rehearsal:
        """Run an operation of the agent to its end and learn its steps, for `cut_during`."""
        return rehearse(action, Steps(self._subject.machine.serial_log, self._subject.agent.manifest.name))

    @contextlib.contextmanager
    def cut_during(self, action: Callable[[], object], point: CutPoint) -> Iterator[Injected]:
        """Begin an operation and cut the power at `point`. The block runs when the guest has booted again.

        A finding made in the block names the step. An operation that ends before its point comes is cut
        when it has ended.

        :raise AgentFailure, LabError: the operation failed before the cut, or the guest does not come back.
        """
        kind = self._kind("power-cut")
        self._subject.injections += 1
        cut = CutShort(self._subject, action, point, self._subject.agent.manifest.name)
        values: dict[str, Value] = {"step": point.step, "after_s": point.after_s, "nth": point.nth}
        with self._until_undone(self._begin(kind, cut, values)) as fault:
            self._subject.guest.wait_rebooted()
            yield fault

    def schedule(self, kinds: Sequence[str], for_s: float, *, seed: int | None = None) -> tuple[Planned, ...]:
        """See `lab.faults.schedule.schedule`; with the seed of the cell, so that it replays exactly."""
        return schedule(self._subject.seed if seed is None else seed, kinds, for_s, table=self._table)

    def play(self, plan: Sequence[Planned]) -> list[Injected]:
        """Inject and undo a schedule in real time; returns at the end of its last fault.

        A fault that takes long to come or to go delays those after it and changes nothing else.

        :raise LabError: one of them could not be injected or undone.
        """
        begin_s, done = self._subject.clock.t_s, []
        for planned in plan:
            self._wait_until(begin_s + planned.at_s)
            with self.injected(planned.kind, **planned.parameters) as fault:
                self._wait_until(self._subject.clock.t_s + planned.for_s)
            done.append(fault)
        return done

    def undo_all(self) -> None:
        """Take away whatever is still there, the last first. Never raises for what cannot be undone."""
        for fault in reversed(self._all):
            self._undo_quietly(fault)

    def _undo_quietly(self, fault: Injected) -> None:
        try:
            fault.undo()
        except Exception as error:  # noqa: BLE001 - clean-up goes on; the mark in the recording says what failed
            log.get("faults").warning("fault could not be undone", fault=fault.id, error=str(error))

    def _kind(self, name: str) -> Kind:
        kind = self._table.get(name)
        if kind is None:
            raise InputError(unknown("fault", name, list(self._table)), hint="`lab faults` lists them")
        kind.check(self._subject.family)
        return kind

    def _wait_until(self, t_s: float) -> None:
        threading.Event().wait(max(0.0, t_s - self._subject.clock.t_s))
