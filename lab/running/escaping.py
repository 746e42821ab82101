"""Escape drills: a guest that an update took down is had back from outside, and how long that takes.

The machine is stopped, files on its overlay are renamed, deleted or replaced by the rescue guest, and it is
started again. A drill that was only planned is done by itself once a fatal finding has been recorded and its
evidence taken; the attempt stays failed. Refuses to excuse anything: a drill says whether there is a way
back, not that the crash was none.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lab.clock import Stopwatch
from lab.errors import LabError
from lab.guest.guest import Guest
from lab.model import Figure, MachineEvent, Observation, Step
from lab.offline.disk import Disk
from lab.offline.job import Done
from lab.offline.repair import Offline
from lab.offline.steps import Step as FileStep
from lab.waiting import WaitTimeout

if TYPE_CHECKING:
    from lab.running.attempt import Attempt

HELD_S = 5.0
"""How long a guest that answers again must go on in the same boot; multiplied by the host's factor."""
LEAST_S = 20.0
"""What mending a disk and a first answer take on the reference machine; with less, a drill is not begun."""
NO_BOOT = "the boot before the escape"
"""In place of a boot id: a guest that was taken down cannot be asked for it."""


class Stoppable(Protocol):
    """What a drill needs of `lab.machine.machine.Machine`."""

    @property
    def name(self) -> str: ...
    @property
    def overlay(self) -> Path: ...
    @property
    def powered(self) -> bool: ...
    def cut_power(self) -> int: ...
    def power_on(self) -> None: ...


class NotEscaped(LabError):
    """The guest answered after the repair, and then went down again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escaped:
    """A drill that brought the guest back."""

    recover_s: float
    """From the machine's end to the guest's answer: the figure `recover_s`."""
    repair_s: float
    """Of it, the rescue guest's part: the figure `repair_s`."""
    done: tuple[Done, ...]


class Escape:
    """Drills on one guest.

    :param boot_s: how long a start may take, scaled to the host.
    :param factor: of the host.
    """

    def __init__(
        self,
        machine: Stoppable,
        guest: Guest,
        offline: Offline,
        record: Callable[[Observation], None],
        clock: Stopwatch,
        *,
        boot_s: float,
        factor: float = 1.0,
    ) -> None:
        self._machine = machine
        self._guest = guest
        self._offline = offline
        self._record = record
        self._clock = clock
        self._boot_s = boot_s
        self._factor = max(1.0, factor)
        self._planned: tuple[FileStep, ...] = ()

    def plan(self, *steps: FileStep) -> None:
        """What would bring the guest back if a fatal finding ends the scenario; it is then done by itself."""
        self._planned = steps

    def drill(self, *steps: FileStep) -> Escaped:
        """Stop the machine, do the steps (or the planned ones) on its disk, start it, and see that it stays.

        :raise ValueError: no step is given or planned.
        :raise DiskRefused: the disk cannot be mended; the machine is started again all the same.
        :raise WaitTimeout: the guest does not answer.
        :raise NotEscaped: it answers, and goes down again.
        """
        return self._drill(steps or self._planned, self._boot_s)

    def after_failure(self, left_s: float) -> None:
        """The planned drill on a guest that failed; what comes of it is in the recording and never raised.

        :param left_s: to the attempt.
        """
        if not self._planned:
            return
        least_s = LEAST_S * self._factor
        if left_s < least_s:
            why = f"not tried: {max(0.0, left_s):.0f} s are left to the attempt (wanted {least_s:.0f} s)"
            self._end("failed", {"steps": _words(self._planned), "error": why})
            return
        # `_drill` has recorded it, and the attempt has failed for another reason
        with contextlib.suppress(LabError, WaitTimeout, OSError):
            self._drill(self._planned, min(self._boot_s, left_s))

    def _drill(self, steps: Sequence[FileStep], boot_s: float) -> Escaped:
        if not steps:
            raise ValueError("escape: no step (wanted one, or a plan)")
        watch, detail = Stopwatch(), {"steps": _words(steps)}
        self._record(Step(t_s=self._clock.t_s, name="escape", phase="start", detail=dict(detail)))
        try:
            done, repair_s = self._mend(steps)
            self._guest.wait_rebooted(boot_s)
            recover_s = watch.t_s
            self._holds()
        except BaseException as error:
            self._end("failed", {**detail, "error": _told(error)})
            raise
        for name, value in (("recover_s", recover_s), ("repair_s", repair_s)):
            self._record(Figure(t_s=self._clock.t_s, name=name, value=round(value, 3), unit="s"))
        files = [path for one in done for path in one.paths]
        self._end(
            "completed",
            {**detail, "files": files, "recover_s": round(recover_s, 3), "repair_s": round(repair_s, 3)},
        )
        return Escaped(recover_s=recover_s, repair_s=repair_s, done=tuple(done))

    def _mend(self, steps: Sequence[FileStep]) -> tuple[list[Done], float]:
        """The machine is on again when this returns or raises, unless it could not be stopped."""
        self._stop()
        try:
            watch = Stopwatch()
            done = self._offline.do(Disk(self._machine.overlay, "qcow2"), steps)
            return done, watch.t_s
        finally:
            self._start()

    def _stop(self) -> None:
        """Declared before it is done, as what follows is the lab's doing."""
        self._guest.declare_reboot("an escape drill", boot_id=NO_BOOT)
        try:
            pid = self._machine.cut_power() if self._machine.powered else 0
        except LabError:
            self._guest.withdraw_reboot()
            raise
        details = {"by": "lab", "why": "escape", "pid": pid}
        self._record(MachineEvent(t_s=self._clock.t_s, name="destroyed", details=details))

    def _start(self) -> None:
        self._guest.close()
        details = {"machine": self._machine.name, "after": "escape"}
        self._record(MachineEvent(t_s=self._clock.t_s, name="started", details=details))
        self._machine.power_on()

    def _holds(self) -> None:
        """:raise NotEscaped: within some seconds it is silent, or in another boot."""
        boot = self._guest.boot_id()
        threading.Event().wait(HELD_S * self._factor)
        try:
            now = self._guest.boot_id()
        except LabError as error:
            raise NotEscaped(f"the guest answered after the repair and then fell silent: {error}") from error
        if now != boot:
            raise NotEscaped("the guest answered after the repair and then started anew")

    def _end(self, outcome: str, detail: dict[str, object]) -> None:
        self._record(Step(t_s=self._clock.t_s, name="escape", phase="end", outcome=outcome, detail=detail))


def _told(error: BaseException) -> str:
    """With its remedy, where it has one."""
    hint = error.hint if isinstance(error, LabError) else None
    return f"{str(error)[:300]}; {hint}" if hint else str(error)[:300]


def _words(steps: Sequence[FileStep]) -> list[str]:
    return [f"{step.word} {step.path}" for step in steps]


def drills(attempt: Attempt) -> Escape:
    """For one attempt. The rescue guest is made now, so that no drill is measured with its making.

    :raise BuildError: it cannot be made.
    """
    host = attempt.order.host
    offline = Offline(attempt.order.places, accelerator=host.accelerator, factor=max(1.0, host.factor))
    offline.prepare()
    return Escape(
        attempt.machine,
        attempt.guest,
        offline,
        attempt.record,
        attempt.clock,
        boot_s=attempt.timeouts.boot_s,
        factor=host.factor,
    )
