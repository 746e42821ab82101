"""A sweep: one operation cut short at every point, each time from the same moment, each cut judged alone.

A cut that the guest does not survive ends that cut and not the sweep, so that all unsafe steps are known and
not the first alone. What became of each point is a `cut` step in the recording. Refuses to judge: findings
are read from the recording as everywhere else, and `lab.verdict.sweeps` puts the points into words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from lab.errors import InfraError, LabError
from lab.faults import Faults
from lab.faults.cutting import CutPoint, CutShort
from lab.guest.guest import Guest
from lab.model import Step
from lab.running.attempt import Attempt
from lab.running.watch import Cancelled, ScenarioStopped

SAFE, UNSAFE = "safe", "unsafe"
SPARE = 1.5
"""Times the longest cut so far: with less time left no other is begun, so that the attempt ends in order."""

TRIES_AGAIN = 2
"""At a step that was over before the power went: on a busy host one of milliseconds mostly is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One cut, and what became of it."""

    point: CutPoint
    step: str
    """The step that the operation was in when the power went."""
    failure: str = ""
    """Why it was not survived; "" when it was."""


class Sweep:
    """Power cuts over the whole of an operation.

    :param attempt: watched; what is fatal at one cut is forgotten by its watch before the next.
    """

    def __init__(self, attempt: Attempt, guest: Guest, faults: Faults) -> None:
        self._attempt = attempt
        self._guest = guest
        self._faults = faults
        self._examined = False
        self._longest_s = 0.0

    def over(
        self,
        action: Callable[[], object],
        points: Sequence[CutPoint],
        *,
        since: str,
        survived: Callable[[str], object],
    ) -> None:
        """Cut `action` short at all of `points`; fails at the end, with every step that is unsafe.

        :param since: the checkpoint that each cut begins from.
        :param survived: called with what happened, when the guest has booted again; an assertion or a fatal
            finding until it returns makes the point unsafe.
        :raise LabError: the lab could not cut, the guest stays silent without a sign of a crash, or the
            cell's time does not do for all points.
        """
        self._note("start", "", points=len(points), steps=list(dict.fromkeys(one.step for one in points)))
        made = self._each(action, points, since, survived)
        cuts = list(made)
        for _ in range(TRIES_AGAIN):
            cuts += self._each(action, missed(points, cuts), since, survived)
        failed = Counter(cut.step for cut in cuts if cut.failure)
        if failed:
            self._guest.restore(since)
            self._attempt.watch.afresh()
            pytest.fail(f"power cuts in {', '.join(failed)} were not survived", pytrace=False)
        if len(made) < len(points):
            raise InfraError(
                f"power was cut at {len(made)} of {len(points)} points before the cell's time was up",
                hint="raise timeouts.cell in lab.yaml",
            )

    def _each(
        self,
        action: Callable[[], object],
        points: Sequence[CutPoint],
        since: str,
        survived: Callable[[str], object],
    ) -> list[Cut]:
        """As many of the points, in order, as there is time for."""
        cuts: list[Cut] = []
        for point in points:
            if self._attempt.left_s < SPARE * self._longest_s:
                break
            began_s = self._attempt.clock.t_s
            self._guest.restore(since)
            self._attempt.watch.afresh()
            cut = self._once(action, point, survived)
            self._note("end", UNSAFE if cut.failure else SAFE, **_told(cut))
            cuts.append(cut)
            self._longest_s = max(self._longest_s, self._attempt.clock.t_s - began_s)
        return cuts

    def _once(self, action: Callable[[], object], point: CutPoint, survived: Callable[[str], object]) -> Cut:
        failure = ""
        try:
            with self._faults.cut_during(action, point):
                survived(f"a power cut {point} of the update")
        except Cancelled:
            raise
        except ScenarioStopped as stopped:
            if self._attempt.watch.fatal is None:
                raise
            failure = stopped.reason
        except (AssertionError, pytest.fail.Exception) as error:
            if not self._cut.happened:
                raise
            failure = str(error)
        except (LabError, TimeoutError):
            failure = self._word() if self._faults.injections[-1].begun else ""
            if not failure:
                raise
        if failure:
            self._examine()
        return Cut(point=point, step=self._cut.reached or point.step, failure=failure)

    @property
    def _cut(self) -> CutShort:
        last = self._faults.injections[-1].fault
        assert isinstance(last, CutShort)
        return last

    def _word(self) -> str:
        """What is found of a guest that does not come back, waited for as at the end of a scenario."""
        attempt = self._attempt
        linger_s = attempt.timeouts.linger_s
        fatal = attempt.watch.await_fatal(linger_s)
        fatal = fatal or attempt.watch.await_word(attempt.order.detect.heartbeat_s + linger_s)
        return fatal.title if fatal is not None else ""

    def _examine(self) -> None:
        """Evidence, and whether the guest boots at all: of the first that fails. Once is enough."""
        self._guest.withdraw_reboot()
        if not self._examined and self._attempt.watch.fatal is not None:
            self._examined = True
            self._attempt.examine()

    def _note(self, phase: str, outcome: str, **detail: object) -> None:
        t_s = self._attempt.clock.t_s
        self._attempt.record(Step(t_s=t_s, name="cut", phase=phase, outcome=outcome, detail=detail))


def missed(points: Sequence[CutPoint], cuts: Sequence[Cut]) -> list[CutPoint]:
    """One point of each step that was aimed at and never hit."""
    hit = {cut.step for cut in cuts}
    first = {point.step: point for point in reversed(points)}
    return [first[step] for step in dict.fromkeys(point.step for point in points) if step not in hit]


def _told(cut: Cut) -> dict[str, object]:
    point = cut.point
    return {
        "step": cut.step,
        "aimed": point.step,
        "after_s": point.after_s,
        "nth": point.nth,
        "failure": cut.failure,
    }
