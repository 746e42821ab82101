"""Power cuts at every step of an operation: rehearse it once, then cut it short again and again.

An agent says its steps on the kernel log when it begins them (`demo-sensor: step select-content`), which
reaches the serial console at once; a cut is placed at a step, or some time after it. Refuses to say whether
the guest survived: that is for the scenario to read.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.clock import Deadline, Stopwatch
from lab.errors import LabError
from lab.faults.fault import FaultError
from lab.faults.power import PowerCut
from lab.faults.subject import Subject

START, END = "(before the first)", "(after the last)"
"""Before the first step that the agent says, and after the operation. No agent can say these words."""
LOOK_S = 0.01
JOIN_S = 60.0
SAME_S = 0.05
"""Cuts closer to each other than this are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A step that the agent said, and when it was seen."""

    step: str
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CutPoint:
    """Where an operation is cut: some time after a step was said for the n-th time."""

    step: str
    after_s: float = 0.0
    nth: int = 1

    def __str__(self) -> str:
        again = f" ({self.nth}. time)" if self.nth > 1 else ""
        return f"{self.after_s:.2f} s into step {self.step!r}{again}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """An operation as it went without a cut."""

    steps: tuple[Said, ...]
    total_s: float

    def cuts(self, spread: int) -> tuple[CutPoint, ...]:
        """One cut at the beginning of each step, and `spread` more, evenly over the whole operation."""
        times = [said.at_s for said in self.steps]
        times += [self.total_s * (number + 0.5) / spread for number in range(spread)]
        kept: list[float] = []
        for at_s in sorted(times):
            if not kept or at_s - kept[-1] >= SAME_S or at_s in {said.at_s for said in self.steps}:
                kept.append(at_s)
        return tuple(dict.fromkeys(self._point(at_s) for at_s in kept))

    def _point(self, at_s: float) -> CutPoint:
        past = [said for said in self.steps if said.at_s <= at_s]
        if not past:
            return CutPoint(step=START, after_s=round(at_s, 2))
        last = past[-1]
        nth = sum(said.step == last.step for said in past)
        return CutPoint(step=last.step, after_s=round(at_s - last.at_s, 2), nth=nth)


class Steps:
    """Follows the serial log from now on, for steps that the agent says."""

    def __init__(self, log: Path, agent: str) -> None:
        self._log = log
        self._offset = log.stat().st_size
        self._rest = b""
        self._pattern = re.compile(rb"\b" + re.escape(agent.encode()) + rb": step ([\w.-]+)\s*$")

    def read(self) -> list[str]:
        """The steps said since the last time, whole lines only."""
        with self._log.open("rb") as stream:
            stream.seek(self._offset)
            data = stream.read()
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        found = (self._pattern.search(line) for line in lines)
        return [match[1].decode("ascii") for match in found if match]


def rehearse(action: Callable[[], object], steps: Steps) -> Rehearsal:
    """Run the operation to its end, and note when it said what."""
    said: list[Said] = []
    watch, over = Stopwatch(), threading.Event()

    def follow() -> None:
        while True:
            last = over.is_set()
            said.extend(Said(step=step, at_s=watch.t_s) for step in steps.read())
            if last:
                return
            over.wait(LOOK_S)

    thread = threading.Thread(target=follow, name="update-steps", daemon=True)
    thread.start()
    try:
        action()
        total_s = watch.t_s
    finally:
        over.set()
        thread.join(JOIN_S)
    return Rehearsal(steps=tuple(said), total_s=total_s)


class CutShort:
    """A fault: an operation is begun, and the power goes at one point of it, and comes back."""

    in_guest = True

    def __init__(self, subject: Subject, action: Callable[[], object], point: CutPoint, agent: str) -> None:
        self._subject = subject
        self._action = action
        self._point = point
        self._agent = agent
        self._cut = PowerCut(subject, {"off_s": 0.0})
        self._over = threading.Event()
        self._error: Exception | None = None
        self._reached = ""
        """What was said last before the cut."""
        self._done = False

    @property
    def reached(self) -> str:
        """The step that was said last before the power went; "" while it has not gone."""
        return (self._reached or START) if self.happened else ""

    @property
    def happened(self) -> bool:
        """Whether the power went."""
        return self._cut.happened

    def inject(self) -> None:
        boot_id = self._subject.guest.boot_id()
        steps = Steps(self._subject.machine.serial_log, self._agent)
        thread = threading.Thread(
            target=self._wait_and_cut, args=(steps, boot_id), name="power-cut", daemon=True
        )
        thread.start()
        try:
            self._action()
        except (LabError, TimeoutError, AssertionError):
            # expected when the power goes; without a cut it is a failure of the operation itself
            self._over.set()
            thread.join(JOIN_S)
            if not self._done:
                raise
        finally:
            self._over.set()
            thread.join(JOIN_S)
        if self._error is not None:
            raise self._error
        if not self._done:
            self._reached = END
            self._cut.cut(boot_id)
        self._cut.power_on()

    def prove(self) -> str:
        evidence = self._cut.prove()
        return f"{evidence}; the last step that was said: {self._reached or START}" if evidence else ""

    def undo(self) -> str:
        return self._cut.undo()

    def _wait_and_cut(self, steps: Steps, boot_id: str) -> None:
        """On a thread of its own: wait for the point, then pull the plug."""
        count, watch = 0, Stopwatch()
        due = Deadline.after(self._point.after_s) if self._point.step == START else None
        while not self._over.is_set():
            for step in steps.read():
                self._reached = step
                count += step == self._point.step
                if due is None and count == self._point.nth:
                    due = Deadline.after(self._point.after_s)
            if due is not None and due.passed:
                break
            self._over.wait(min(LOOK_S, due.left_s) if due is not None else LOOK_S)
        else:
            return
        try:
            self._cut.cut(boot_id)
            self._done = True
        except LabError as error:
            self._error = FaultError(f"power could not be cut after {watch.t_s:.1f} s: {error}")
